/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The object on the bus by which one request can be cancelled, for as long as it is under way. */
typedef struct _CpdRequestObject CpdRequestObject;

CpdRequestObject *
cpd_request_object_new (GDBusConnection *connection, const char *sender, const char *token,
                        GCancellable *cancellable, GError **error);
void cpd_request_object_free (CpdRequestObject *object);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdRequestObject, cpd_request_object_free)

G_END_DECLS
