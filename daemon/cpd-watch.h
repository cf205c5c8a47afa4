/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_WATCH (cpd_watch_get_type ())

/* Reports changes at some paths, whether or not they exist. Emits
 *   changed (): something has changed, or may have. */
G_DECLARE_FINAL_TYPE (CpdWatch, cpd_watch, CPD, WATCH, GObject)

CpdWatch *cpd_watch_new (void);
void cpd_watch_add (CpdWatch *watch, const char *path);
gboolean cpd_watch_renew (CpdWatch *watch, GError **error);
void cpd_watch_renew_async (CpdWatch *watch, GAsyncReadyCallback callback, gpointer user_data);
gboolean cpd_watch_renew_finish (CpdWatch *watch, GAsyncResult *result, GError **error);

G_END_DECLS
