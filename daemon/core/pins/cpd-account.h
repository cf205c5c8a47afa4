/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* systemd hands out these uids for as long as a service runs (systemd.io, "Users, groups, UIDs and
 * GIDs"): what is kept for one would be the next one's. */
#define CPD_DYNAMIC_UID_MIN 61184
#define CPD_DYNAMIC_UID_MAX 65519

gboolean cpd_account_is_dynamic (guint32 uid);
char *cpd_account_look_up (guint32 uid, GError **error);

G_END_DECLS
