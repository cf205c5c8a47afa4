/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The main loop polls: it wakes up for as long as a descriptor is readable. Here, it wakes up once
 * for each change, so that data may be left in a socket: epoll(7), edge-triggered, which the main
 * loop polls in turn. */

#include "config.h"

#include "daemon/transport/cpd-edges.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/epoll.h>

struct _CpdEdges
{
  int epoll;
  GSource *source;
};

struct _CpdEdge
{
  CpdEdges *edges;
  int fd;
  CpdEdgeFunc changed;
  gpointer user_data;
};

/* One at a time: whoever is told may free any of the others. */
static gboolean
on_changed (int fd, GIOCondition condition, gpointer user_data)
{
  struct epoll_event event;

  if (epoll_wait (fd, &event, 1, 0) == 1)
    {
      const CpdEdge *edge = event.data.ptr;

      edge->changed (edge->user_data);
    }
  return G_SOURCE_CONTINUE;
}

/* Returns: (transfer full): on the main context of this thread */
CpdEdges *
cpd_edges_new (void)
{
  CpdEdges *edges = g_atomic_rc_box_new0 (CpdEdges);

  edges->epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (edges->epoll < 0)
    return edges;
  edges->source = g_unix_fd_source_new (edges->epoll, G_IO_IN);
  g_source_set_static_name (edges->source, "the callers' ends of tunnels");
  g_source_set_can_recurse (edges->source, TRUE); /* as in cpd-tls.c */
  g_source_set_callback (edges->source, G_SOURCE_FUNC (on_changed), edges, NULL);
  g_source_attach (edges->source, g_main_context_get_thread_default ());
  return edges;
}

CpdEdges *
cpd_edges_ref (CpdEdges *edges)
{
  return g_atomic_rc_box_acquire (edges);
}

static void
edges_clear (gpointer data)
{
  CpdEdges *edges = data;

  if (edges->source != NULL)
    g_source_destroy (edges->source);
  g_clear_pointer (&edges->source, g_source_unref);
  if (edges->epoll >= 0)
    g_close (edges->epoll, NULL);
}

/* `edges`: (nullable) */
void
cpd_edges_unref (CpdEdges *edges)
{
  if (edges != NULL)
    g_atomic_rc_box_release_full (edges, edges_clear);
}

static gboolean
control (CpdEdge *edge, int operation, guint32 more)
{
  struct epoll_event event
      = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET | more, .data = { .ptr = edge } };

  return epoll_ctl (edge->edges->epoll, operation, edge->fd, &event) == 0;
}

/* `changed`: called when data or the end has come, and once in the beginning.
 * Returns: (transfer full) (nullable): NULL with errno set */
CpdEdge *
cpd_edge_new (CpdEdges *edges, int fd, CpdEdgeFunc changed, gpointer user_data)
{
  CpdEdge *edge = g_new0 (CpdEdge, 1);

  edge->edges = edges;
  edge->fd = fd;
  edge->changed = changed;
  edge->user_data = user_data;
  if (!control (edge, EPOLL_CTL_ADD, 0))
    {
      g_free (edge);
      return NULL;
    }
  cpd_edges_ref (edges);
  return edge;
}

/* Before its descriptor is closed. `edge`: (nullable) */
void
cpd_edge_free (CpdEdge *edge)
{
  if (edge == NULL)
    return;
  control (edge, EPOLL_CTL_DEL, 0);
  cpd_edges_unref (edge->edges);
  g_free (edge);
}

/* Whether it is told, too, that there is room to write; if there is already, at once. */
void
cpd_edge_want_room (CpdEdge *edge, gboolean wanted)
{
  control (edge, EPOLL_CTL_MOD, wanted ? EPOLLOUT : 0);
}
