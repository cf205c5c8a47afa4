/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A look at what a server presents, from the parser of its arguments to the answer. */

#include "config.h"

#include "daemon/core/verdict/cpd-inspection.h"

/* Returns: (transfer full): an empty one, to be filled */
CpdInspectOrder *
cpd_inspect_order_new (void)
{
  return g_atomic_rc_box_new0 (CpdInspectOrder);
}

CpdInspectOrder *
cpd_inspect_order_ref (CpdInspectOrder *order)
{
  return g_atomic_rc_box_acquire (order);
}

static void
order_clear (gpointer data)
{
  CpdInspectOrder *order = data;

  cpd_host_unref (order->target);
  g_free (order->proxy);
  cpd_pin_unref (order->supposed);
}

/* `order`: (nullable) */
void
cpd_inspect_order_unref (CpdInspectOrder *order)
{
  if (order != NULL)
    g_atomic_rc_box_release_full (order, order_clear);
}

/* `inspection`: (nullable) */
void
cpd_inspection_free (CpdInspection *inspection)
{
  if (inspection == NULL)
    return;
  cpd_peer_unref (inspection->peer);
  cpd_validation_unref (inspection->validation);
  cpd_verdict_unref (inspection->verdict);
  g_clear_error (&inspection->failure);
  g_free (inspection->proxy);
  g_free (inspection);
}
