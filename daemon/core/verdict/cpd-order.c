/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request, from the parser of its arguments to its connection. */

#include "config.h"

#include "daemon/core/verdict/cpd-order.h"

/* Returns: (transfer full): an empty one, to be filled */
CpdOrder *
cpd_order_new (void)
{
  return g_atomic_rc_box_new0 (CpdOrder);
}

CpdOrder *
cpd_order_ref (CpdOrder *order)
{
  return g_atomic_rc_box_acquire (order);
}

static void
order_clear (gpointer data)
{
  CpdOrder *order = data;

  certpin_request_unref (order->request);
  cpd_host_unref (order->target);
  g_free (order->proxy);
  g_clear_pointer (&order->require_keys, g_ptr_array_unref);
  cpd_upload_unref (order->upload);
  g_clear_object (&order->transfer);
}

/* `order`: (nullable) */
void
cpd_order_unref (CpdOrder *order)
{
  if (order != NULL)
    g_atomic_rc_box_release_full (order, order_clear);
}
