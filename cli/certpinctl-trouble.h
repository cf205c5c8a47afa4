/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *ctl_trouble_ask (const char *path);
char *ctl_trouble_read (const char *path, int number);
char *ctl_trouble_write (int number);

G_END_DECLS
