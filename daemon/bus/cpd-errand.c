/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a call that takes long begins and ends: it waits for its turn among all of them, and ends
 * early at its deadline, by Cancel on its object, or when its caller leaves. */

#include "config.h"

#include "daemon/bus/cpd-errand.h"

#include "daemon/core/base/cpd-refuse.h"

/* `funcs`: static; NULL: it never waits for a turn */
void
cpd_errand_init (CpdErrand *errand, CpdCall *call, const CpdErrandFuncs *funcs)
{
  errand->call = call;
  errand->funcs = funcs;
  errand->cancellable = g_cancellable_new ();
}

/* From its end on, nothing begins it, or ends it a second time: it may last until its caller reads
 * the reply. */
void
cpd_errand_stop (CpdErrand *errand)
{
  g_clear_handle_id (&errand->timer, g_source_remove);
  if (errand->place != NULL)
    cpd_place_rest (errand->place);
  g_clear_signal_handler (&errand->cancelled_id, errand->cancellable);
  if (errand->gone != NULL)
    g_clear_signal_handler (&errand->gone_id, errand->gone);
}

void
cpd_errand_clear (CpdErrand *errand)
{
  cpd_errand_stop (errand);
  if (errand->place != NULL)
    cpd_place_leave (errand->place);
  if (errand->path != NULL)
    cpd_request_objects_remove (errand->call->parts->request_objects, errand->path);
  g_free (errand->path);
  g_clear_object (&errand->gone);
  g_object_unref (errand->cancellable);
}

/* `object`: without what the errand knows: its caller, and how it is cancelled. */
gboolean
cpd_errand_add_object (CpdErrand *errand, CpdRequestObject object, GError **error)
{
  object.caller = errand->call->caller;
  object.cancellable = errand->cancellable;
  object.tells_cause = errand->call->tells_cause;
  errand->path = cpd_request_objects_add (errand->call->parts->request_objects, &object, error);
  return errand->path != NULL;
}

/* From now on, its object has what goes on without the call. */
void
cpd_errand_keep_object (CpdErrand *errand, gint64 deadline_us)
{
  g_autofree char *path = g_steal_pointer (&errand->path);

  cpd_request_objects_keep (errand->call->parts->request_objects, path, deadline_us);
}

/* A CpdCallCheck that refuses nothing. */
gboolean
cpd_errand_follow_caller (CpdCall *call, GError **error)
{
  CpdErrand *errand = call->data;

  errand->gone = g_object_ref (call->caller->gone);
  errand->gone_id = g_signal_connect_swapped (
      errand->gone, "cancelled", G_CALLBACK (g_cancellable_cancel), errand->cancellable);
  if (g_cancellable_is_cancelled (errand->gone))
    g_cancellable_cancel (errand->cancellable);
  return TRUE;
}

static gboolean
on_deadline (gpointer user_data)
{
  CpdErrand *errand = user_data;

  errand->timer = 0;
  errand->funcs->fail (errand->call, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT,
                                                          "the request timed out in the queue; "
                                                          "make fewer requests at a time"));
  return G_SOURCE_REMOVE;
}

/* While it waits, nothing else would end it. */
static void
on_cancelled (CpdErrand *errand)
{
  errand->funcs->fail (errand->call, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                                          "the request was cancelled"));
}

/* Whoever carries it out sees to its end from now on. */
static void
on_turn (gpointer user_data)
{
  CpdErrand *errand = user_data;

  g_clear_handle_id (&errand->timer, g_source_remove);
  g_clear_signal_handler (&errand->cancelled_id, errand->cancellable);
  errand->funcs->begin (errand->call);
}

/* Once it is authorised. The place is still to be entered.
 * Errors: CERTPIN_ERROR_CANCELLED. */
gboolean
cpd_errand_take_place (CpdErrand *errand, guint32 timeout_ms, GError **error)
{
  const CpdCall *call = errand->call;

  if (g_cancellable_is_cancelled (errand->cancellable))
    return cpd_refuse (error, CERTPIN_ERROR_CANCELLED, "the request was cancelled");
  errand->started_us = g_get_monotonic_time ();
  errand->place = cpd_place_new (call->parts->requests, call->caller->owner, on_turn, errand);
  errand->timer = g_timeout_add (timeout_ms, on_deadline, errand);
  errand->cancelled_id = g_signal_connect_swapped (errand->cancellable, "cancelled",
                                                   G_CALLBACK (on_cancelled), errand);
  return TRUE;
}
