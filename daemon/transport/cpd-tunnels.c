/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tunnels of all callers. Those that a change concerns are judged again. */

#include "config.h"

#include "daemon/transport/cpd-tunnels.h"

struct _CpdTunnels
{
  GQueue *list; /* of CpdTunnel: those that have not ended */
  CpdEdges *edges;
};

CpdTunnels *
cpd_tunnels_new (void)
{
  CpdTunnels *tunnels = g_new0 (CpdTunnels, 1);

  tunnels->list = g_queue_new ();
  tunnels->edges = cpd_edges_new ();
  return tunnels;
}

static void
drop (CpdTunnels *tunnels, CpdTunnel *tunnel)
{
  g_signal_handlers_disconnect_by_data (tunnel, tunnels);
  g_object_unref (tunnel);
}

/* Those that have not ended are cut. `tunnels`: (nullable) */
void
cpd_tunnels_free (CpdTunnels *tunnels)
{
  CpdTunnel *tunnel;

  if (tunnels == NULL)
    return;
  while ((tunnel = g_queue_pop_head (tunnels->list)) != NULL)
    drop (tunnels, tunnel);
  g_queue_free (tunnels->list);
  cpd_edges_unref (tunnels->edges);
  g_free (tunnels);
}

static void
on_ended (CpdTunnels *tunnels, CpdTunnel *tunnel)
{
  if (g_queue_remove (tunnels->list, tunnel))
    drop (tunnels, tunnel);
}

/* `settings`: without edges, which all tunnels share.
 * Returns: (transfer full): one that is to be started */
CpdTunnel *
cpd_tunnels_add (CpdTunnels *tunnels, const CpdTunnelSettings *settings)
{
  CpdTunnelSettings with_edges = *settings;
  CpdTunnel *tunnel;

  with_edges.edges = tunnels->edges;
  tunnel = cpd_tunnel_new (&with_edges);
  g_signal_connect_swapped (tunnel, "ended", G_CALLBACK (on_ended), tunnels);
  g_queue_push_tail (tunnels->list, g_object_ref (tunnel));
  return tunnel;
}

/* Returns: (transfer full): of CpdTunnel: a copy, because they may end meanwhile */
static GPtrArray *
list_concerned (CpdTunnels *tunnels, CpdOwner owner, CpdHost *pattern)
{
  GPtrArray *concerned = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *link = tunnels->list->head; link != NULL; link = link->next)
    if (cpd_owner_is_within (cpd_tunnel_get_owner (link->data), owner)
        && (pattern == NULL || cpd_host_matches (pattern, cpd_tunnel_get_target (link->data))))
      g_ptr_array_add (concerned, g_object_ref (link->data));
  return concerned;
}

/* Pins or anchors have changed, for all within this owner. `pattern`: NULL: of every host */
void
cpd_tunnels_reconsider (CpdTunnels *tunnels, CpdOwner owner, CpdHost *pattern)
{
  g_autoptr (GPtrArray) concerned = list_concerned (tunnels, owner, pattern);

  for (unsigned int i = 0; i < concerned->len; i++)
    cpd_tunnel_reconsider (concerned->pdata[i]);
}

/* This machine has lost a network. */
void
cpd_tunnels_check_network (CpdTunnels *tunnels)
{
  g_autoptr (GPtrArray) all = list_concerned (tunnels, CPD_ALL_UIDS, /* pattern= */ NULL);

  for (unsigned int i = 0; i < all->len; i++)
    cpd_tunnel_check_network (all->pdata[i]);
}
