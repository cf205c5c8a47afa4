/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The objects on the bus that cancel requests in progress. */
typedef struct _CpdRequestObjects CpdRequestObjects;

CpdRequestObjects *cpd_request_objects_new (void);
void cpd_request_objects_free (CpdRequestObjects *objects);

char *cpd_request_objects_add (CpdRequestObjects *objects, const char *sender, const char *token,
                               GCancellable *cancellable, GError **error);
char *cpd_request_objects_add_any (CpdRequestObjects *objects, const char *sender,
                                   GCancellable *cancellable);
gboolean cpd_request_objects_check_owner (const char *path, const char *sender, GError **error);
void cpd_request_objects_cancel (CpdRequestObjects *objects, const char *path);
void cpd_request_objects_remove (CpdRequestObjects *objects, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdRequestObjects, cpd_request_objects_free)

G_END_DECLS
