/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-owner.h"

G_BEGIN_DECLS

/* How many apps of one user are known at a time. */
#define CPD_APPS_MAX 128

/* The sandboxed apps of all users by number, as long as the service runs. A number is given to one
 * app only, ever. */
typedef struct _CpdApps CpdApps;

CpdApps *cpd_apps_new (void);
CpdApps *cpd_apps_ref (CpdApps *apps);
void cpd_apps_unref (CpdApps *apps);

gboolean cpd_apps_lookup (CpdApps *apps, guint32 uid, const char *name, CpdOwner *owner);
CpdOwner cpd_apps_add (CpdApps *apps, guint32 uid, const char *name);
void cpd_apps_remove (CpdApps *apps, CpdOwner owner);
const char *cpd_apps_get_name (CpdApps *apps, CpdOwner owner);
GArray *cpd_apps_list (CpdApps *apps, guint32 uid);

void cpd_apps_hold (CpdApps *apps, CpdOwner owner);
void cpd_apps_release (CpdApps *apps, CpdOwner owner);
gboolean cpd_apps_is_held (CpdApps *apps, CpdOwner owner);

char *cpd_apps_make_folder (CpdApps *apps, CpdOwner owner);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdApps, cpd_apps_unref)

G_END_DECLS
