/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Validates what a server presented, on a thread. The thread only computes; what it found is put on
 * record of the peer on the main loop, where the peer is judged. Nothing is decided here: a
 * validation that nobody waits for any more leaves nothing on record, and so a peer that may be
 * sent nothing. */

#include "config.h"

#include "daemon/transport/cpd-validation.h"

typedef struct
{
  CpdValidationOrder order;  /* with references of its own */
  CpdValidation *validation; /* NULL: it is not done */
} Validating;

static void
work (gpointer data)
{
  Validating *validating = data;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  validating->validation = cpd_peer_ask (validating->order.peer, validating->order.anchors, now);
}

static void
done (gpointer data)
{
  Validating *validating = data;

  cpd_peer_record (validating->order.peer, validating->validation);
  validating->order.done (validating->order.user_data);
}

static void
validating_free (gpointer data)
{
  Validating *validating = data;

  cpd_peer_unref (validating->order.peer);
  cpd_anchors_unref (validating->order.anchors);
  cpd_validation_unref (validating->validation);
  g_free (validating);
}

/* `order->done`: called from the main loop, when the peer has the validation on record.
 * Returns: (transfer none): the job, which lasts until then */
CpdJob *
cpd_validation_start (CpdWorkers *workers, const CpdValidationOrder *order)
{
  static const CpdJobFuncs funcs = { work, done, validating_free };
  Validating *validating = g_new0 (Validating, 1);

  validating->order = *order;
  cpd_peer_ref (order->peer);
  cpd_anchors_ref (order->anchors);
  return cpd_workers_start (workers, order->owner, &funcs, validating);
}
