/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of a request's object: they cancel it, or wait for the end of its transfer. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/core/base/cpd-vardict.h"

static void
act_cancel (CpdCall *call)
{
  CpdRequestObjects *objects = call->parts->request_objects;
  g_autofree char *path = g_strdup (cpd_call_get_path (call));

  cpd_call_return (call, NULL);
  cpd_request_objects_cancel (objects, path);
}

static gboolean
parse_cancel (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_cancel;
  return cpd_request_objects_check_owner (cpd_call_get_path (call), call->caller->sender, error);
}

static GVariant *
new_totals (CpdTransfer *transfer)
{
  GVariant *totals;
  GVariantBuilder builder;

  CpdProgress progress = cpd_transfer_get_progress (transfer);

  cpd_vardict_begin (&builder);
  cpd_vardict_add (&builder, "bytes-sent", g_variant_new_uint64 (progress.sent));
  cpd_vardict_add (&builder, "bytes-received", g_variant_new_uint64 (progress.received));
  totals = g_variant_builder_end (&builder);
  return g_variant_new_tuple (&totals, 1);
}

/* Whoever has been told how it ended needs the object no more. */
static void
answer_finish (CpdCall *call, CpdTransfer *transfer)
{
  g_autoptr (CpdTransfer) alive = g_object_ref (transfer);
  const GError *error = cpd_transfer_get_error (transfer);

  cpd_request_objects_forget (call->parts->request_objects, cpd_call_get_path (call));
  if (error != NULL)
    cpd_call_fail (call, g_error_copy (error));
  else
    cpd_call_return (call, new_totals (alive));
}

/* A Finish that waits; belongs to its call. */
typedef struct
{
  CpdTransfer *transfer;
  GCancellable *gone; /* the caller's */
  gulong ended_id, gone_id;
} Finishing;

static void
stop_waiting (Finishing *finishing)
{
  g_clear_signal_handler (&finishing->ended_id, finishing->transfer);
  g_clear_signal_handler (&finishing->gone_id, finishing->gone);
}

static void
finishing_free (gpointer data)
{
  Finishing *finishing = data;

  stop_waiting (finishing);
  g_object_unref (finishing->transfer);
  g_object_unref (finishing->gone);
  g_free (finishing);
}

static void
on_ended (CpdCall *call)
{
  Finishing *finishing = call->data;

  stop_waiting (finishing);
  answer_finish (call, finishing->transfer);
}

/* A tunnel may last long after that. */
static void
on_gone (CpdCall *call)
{
  stop_waiting (call->data);
  cpd_call_fail (call, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                            "the caller has left the bus"));
}

static void
wait_for_end (CpdCall *call, CpdTransfer *transfer)
{
  Finishing *finishing = g_new0 (Finishing, 1);

  finishing->transfer = g_object_ref (transfer);
  finishing->gone = g_object_ref (call->caller->gone);
  cpd_call_take_data (call, finishing, finishing_free);
  finishing->ended_id = g_signal_connect_swapped (transfer, "ended", G_CALLBACK (on_ended), call);
  finishing->gone_id
      = g_signal_connect_swapped (finishing->gone, "cancelled", G_CALLBACK (on_gone), call);
  if (g_cancellable_is_cancelled (finishing->gone))
    on_gone (call);
}

static void
act_finish (CpdCall *call)
{
  const char *path = cpd_call_get_path (call);
  GError *error = NULL;
  CpdTransfer *transfer = cpd_request_objects_find (call->parts->request_objects, path, &error);

  if (transfer == NULL)
    cpd_call_fail (call, error);
  else if (cpd_transfer_has_ended (transfer))
    answer_finish (call, transfer);
  else
    wait_for_end (call, transfer);
}

static gboolean
parse_finish (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_finish;
  call->tells_cause
      = cpd_request_objects_tells_cause (call->parts->request_objects, cpd_call_get_path (call));
  return cpd_request_objects_check_owner (cpd_call_get_path (call), call->caller->sender, error);
}

const CpdMethod cpd_request_control[]
    = { { "Cancel", parse_cancel }, { "Finish", parse_finish }, { NULL } };
