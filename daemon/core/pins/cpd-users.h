/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-apps.h"
#include "daemon/core/pins/cpd-ledger.h"

G_BEGIN_DECLS

/* The pins of all users and of their apps: a ledger for each. */
typedef struct _CpdUsers CpdUsers;

CpdUsers *cpd_users_new (CpdStateDir *state_dir, CpdApps *apps, const CpdLedgerLimits *limits);
void cpd_users_free (CpdUsers *users);

gboolean cpd_users_load (CpdUsers *users, GPtrArray *problems, GError **error);
gboolean cpd_users_meet_app (CpdUsers *users, guint32 uid, const char *name, CpdOwner *owner,
                             CpdOwner *forgotten, GError **error);
void cpd_users_close_connection (CpdUsers *users, CpdOwner owner);
CpdLedger *cpd_users_get (CpdUsers *users, CpdOwner owner);
CpdLedger *cpd_users_lookup (CpdUsers *users, CpdOwner owner);
const char *cpd_users_explain_unlisted (CpdUsers *users, CpdLayer layer, CpdOwner owner);

GPtrArray *cpd_users_list (CpdUsers *users);
GArray *cpd_users_list_uids (CpdUsers *users);
GStrv cpd_users_list_apps (CpdUsers *users, CpdOwner owner);
void cpd_users_stamp (CpdUsers *users, guint64 generation);
gboolean cpd_users_is_busy (CpdUsers *users);
void cpd_users_write_again (CpdUsers *users);

G_END_DECLS
