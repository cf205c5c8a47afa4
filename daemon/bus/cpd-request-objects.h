/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-caller.h"
#include "daemon/core/verdict/cpd-transfer.h"

G_BEGIN_DECLS

/* The objects on the bus that stand for requests, from the call to the end of the transfer. */
typedef struct _CpdRequestObjects CpdRequestObjects;

/* What a new one stands for. */
typedef struct
{
  CpdCaller *caller;
  const char *token; /* NULL: one is chosen */
  GCancellable *cancellable;
  CpdTransfer *transfer;    /* NULL: there is no stream */
  gboolean outlives_caller; /* the transfer, once it goes on without the call */
  gboolean tells_cause;     /* of how it ended */
} CpdRequestObject;

CpdRequestObjects *cpd_request_objects_new (void);
void cpd_request_objects_free (CpdRequestObjects *objects);
void cpd_request_objects_end_all (CpdRequestObjects *objects);

char *cpd_request_objects_add (CpdRequestObjects *objects, const CpdRequestObject *object,
                               GError **error);
gboolean cpd_request_objects_check_owner (const char *path, const char *sender, GError **error);
CpdTransfer *
cpd_request_objects_find (CpdRequestObjects *objects, const char *path, GError **error);
gboolean cpd_request_objects_tells_cause (CpdRequestObjects *objects, const char *path);
void cpd_request_objects_cancel (CpdRequestObjects *objects, const char *path);
void cpd_request_objects_keep (CpdRequestObjects *objects, const char *path, gint64 deadline_us);
void cpd_request_objects_forget (CpdRequestObjects *objects, const char *path);
void cpd_request_objects_remove (CpdRequestObjects *objects, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdRequestObjects, cpd_request_objects_free)

G_END_DECLS
