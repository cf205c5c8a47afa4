/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin.h"

G_BEGIN_DECLS

/* How many apps of one user are known at a time. */
#define CPD_APPS_MAX 128

/* How many connections have pins of their own at a time: of a user's own programs; of an app. */
#define CPD_USER_CONNECTIONS_MAX 64
#define CPD_APP_CONNECTIONS_MAX  16

/* The sandboxed apps of all users by number, as long as the service runs; and the connections that
 * have pins of their own. A number is given again only after all others. */
typedef struct _CpdApps CpdApps;

CpdApps *cpd_apps_new (void);
CpdApps *cpd_apps_ref (CpdApps *apps);
void cpd_apps_unref (CpdApps *apps);
void cpd_apps_skip_to (CpdApps *apps, guint32 number);

gboolean cpd_apps_lookup (CpdApps *apps, guint32 uid, const char *name, CpdOwner *owner);
CpdOwner cpd_apps_add (CpdApps *apps, guint32 uid, const char *name);
gboolean cpd_apps_add_connection (CpdApps *apps, CpdOwner parent, CpdOwner *owner, GError **error);
void cpd_apps_remove (CpdApps *apps, CpdOwner owner);
const char *cpd_apps_get_name (CpdApps *apps, CpdOwner owner);
GArray *cpd_apps_list (CpdApps *apps, guint32 uid);
GArray *cpd_apps_list_connections (CpdApps *apps, CpdOwner parent);
CpdOwner cpd_apps_get_parent (CpdApps *apps, CpdOwner owner);
gboolean cpd_apps_is_over (CpdApps *apps, CpdOwner owner);
CpdOwner cpd_apps_find_owner (CpdApps *apps, CpdLayer layer, CpdOwner owner);

void cpd_apps_hold (CpdApps *apps, CpdOwner owner);
void cpd_apps_release (CpdApps *apps, CpdOwner owner);
gboolean cpd_apps_is_held (CpdApps *apps, CpdOwner owner);

char *cpd_apps_make_folder (CpdApps *apps, CpdOwner owner);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdApps, cpd_apps_unref)

G_END_DECLS
