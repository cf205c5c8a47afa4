/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The name of a sandboxed app: KIND:ID, such as “flatpak:org.example.App” and “snap:demo”. Both
 * parts are names of folders as well. */

#define CPD_APP_MAX_BYTES 263 /* a Flatpak id has up to 255 */

char *cpd_app_make_flatpak (const char *id);
char *cpd_app_make_snap (const char *name);
gboolean cpd_app_is_valid (const char *app);
gboolean cpd_app_is_kind (const char *kind);

G_END_DECLS
