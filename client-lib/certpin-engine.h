/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the library's thread. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean certpin_engine_claim (void);
gboolean certpin_engine_check (GError **error);
gboolean certpin_engine_is_claimed (void);
GMainContext *certpin_engine_get_context (void);
void certpin_engine_post (GSourceFunc function, gpointer data, GDestroyNotify destroy);

void certpin_context_post (GMainContext *context, GSourceFunc function, gpointer data,
                           GDestroyNotify destroy);

G_END_DECLS
