/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

int ctl_listen_unix (const char *path, GError **error);
int ctl_listen_loopback (const char *port, guint16 *chosen, GError **error);
int ctl_listen_accept (int listener);

G_END_DECLS
