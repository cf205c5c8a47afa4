/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A tunnel, from the parser of its arguments to its connection. */

#include "config.h"

#include "daemon/core/verdict/cpd-tunnel-order.h"

#include "daemon/core/base/cpd-closer.h"

/* Returns: (transfer full): an empty one, to be filled */
CpdTunnelOrder *
cpd_tunnel_order_new (void)
{
  CpdTunnelOrder *order = g_atomic_rc_box_new0 (CpdTunnelOrder);

  order->starttls = -1;
  return order;
}

CpdTunnelOrder *
cpd_tunnel_order_ref (CpdTunnelOrder *order)
{
  return g_atomic_rc_box_acquire (order);
}

static void
tunnel_order_clear (gpointer data)
{
  CpdTunnelOrder *order = data;

  cpd_host_unref (order->target);
  g_strfreev (order->protocols);
  cpd_closer_close (order->starttls);
  g_clear_pointer (&order->require_keys, g_ptr_array_unref);
  g_clear_object (&order->transfer);
}

/* `order`: (nullable) */
void
cpd_tunnel_order_unref (CpdTunnelOrder *order)
{
  if (order != NULL)
    g_atomic_rc_box_release_full (order, tunnel_order_clear);
}
