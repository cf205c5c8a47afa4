/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a request that was sent is stopped: its socket is cut under it. What the kernel has not sent
 * yet is thrown away, and libsoup finds that the connection is gone. To cancel it instead is not
 * safe: libsoup 3.6.5 finishes a message twice, and then uses it when it is freed, if that happens
 * in the turn of the main loop that began to write. */

#include "config.h"

#include "daemon/transport/cpd-sockets.h"

#include <sys/socket.h>

struct _CpdSockets
{
  GHashTable *by_id; /* guint64 → GWeakRef */
};

static void
socket_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

CpdSockets *
cpd_sockets_new (void)
{
  CpdSockets *sockets = g_rc_box_new0 (CpdSockets);

  sockets->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, socket_ref_free);
  return sockets;
}

CpdSockets *
cpd_sockets_ref (CpdSockets *sockets)
{
  return g_rc_box_acquire (sockets);
}

static void
sockets_clear (gpointer data)
{
  g_hash_table_unref (((CpdSockets *)data)->by_id);
}

void
cpd_sockets_unref (CpdSockets *sockets)
{
  if (sockets != NULL)
    g_rc_box_release_full (sockets, sockets_clear);
}

static gboolean
is_closed (gpointer key, gpointer ref, gpointer user_data)
{
  g_autoptr (GSocket) socket = g_weak_ref_get (ref);

  return socket == NULL || g_socket_is_closed (socket);
}

/* Forgets those that are closed. */
void
cpd_sockets_add (CpdSockets *sockets, guint64 connection_id, GSocket *socket)
{
  GWeakRef *ref = g_new0 (GWeakRef, 1);

  g_hash_table_foreach_remove (sockets->by_id, is_closed, NULL);
  g_weak_ref_init (ref, socket);
  g_hash_table_replace (sockets->by_id, g_memdup2 (&connection_id, sizeof connection_id), ref);
}

static gboolean
cut (GWeakRef *ref)
{
  const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
  g_autoptr (GSocket) socket = g_weak_ref_get (ref);

  if (socket == NULL || g_socket_is_closed (socket))
    return FALSE;
  setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  shutdown (g_socket_get_fd (socket), SHUT_RDWR);
  return TRUE;
}

/* Returns: whether the connection was there */
gboolean
cpd_sockets_cut (CpdSockets *sockets, guint64 connection_id)
{
  GWeakRef *ref = g_hash_table_lookup (sockets->by_id, &connection_id);

  return ref != NULL && cut (ref);
}

void
cpd_sockets_cut_all (CpdSockets *sockets)
{
  GHashTableIter iter;
  gpointer ref;

  g_hash_table_iter_init (&iter, sockets->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &ref))
    cut (ref);
}
