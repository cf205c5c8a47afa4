/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ctl_host_split (const char *text, char **name, guint16 *port);
gboolean ctl_host_has_port (const char *text);
char *ctl_host_of_uri (GUri *uri);
char *ctl_host_of_url (const char *url);

G_END_DECLS
