/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A message is its size in bytes and a GVariant of type “v”, as it stands in memory. */

#include "config.h"

#include "split-wire.h"

#include <glib-unix.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct _SplitWire
{
  int fd;
  SplitWireFunc function;
  gpointer user_data;
  guint64 size;          /* of the message that is being read */
  char *message;         /* that far; NULL: its size is being read */
  guint64 got;           /* bytes of either */
  GQueue *queued;        /* of GBytes */
  gsize sent;            /* bytes of the first of them */
  unsigned int writable; /* the source that waits to write on; 0: none */
};

/* `bytes`: (transfer full) */
static GVariant *
unpack (GBytes *bytes)
{
  g_autoptr (GVariant) outer = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE_VARIANT, bytes, /* trusted= */ FALSE));

  g_bytes_unref (bytes);
  return g_variant_get_variant (outer);
}

/* `message`: floating. Returns: (transfer full): its size in front */
static GBytes *
pack (GVariant *message)
{
  g_autoptr (GVariant) outer = g_variant_ref_sink (g_variant_new_variant (message));
  guint64 size = g_variant_get_size (outer);
  char *bytes = g_malloc (sizeof size + size);

  memcpy (bytes, &size, sizeof size);
  g_variant_store (outer, bytes + sizeof size);
  return g_bytes_new_take (bytes, sizeof size + size);
}

/* Returns: whether all that was wanted is there */
static gboolean
fill (SplitWire *wire, gpointer buffer, guint64 wanted, gboolean *ended)
{
  gssize part = recv (wire->fd, (char *)buffer + wire->got, wanted - wire->got, MSG_DONTWAIT);

  *ended = part == 0 || (part < 0 && errno != EAGAIN);
  wire->got += part > 0 ? (guint64)part : 0;
  if (wire->got < wanted)
    return FALSE;
  wire->got = 0;
  return TRUE;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  SplitWire *wire = user_data;
  g_autoptr (GVariant) message = NULL;
  gboolean ended = FALSE;

  if (wire->message == NULL && fill (wire, &wire->size, sizeof wire->size, &ended))
    wire->message = g_malloc (wire->size);
  if (wire->message != NULL && fill (wire, wire->message, wire->size, &ended))
    message = unpack (g_bytes_new_take (g_steal_pointer (&wire->message), wire->size));
  if (message != NULL || ended)
    wire->function (message, wire->user_data);
  return ended ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static gboolean
write_on (int fd, GIOCondition condition, gpointer user_data)
{
  SplitWire *wire = user_data;

  while (!g_queue_is_empty (wire->queued))
    {
      gsize size;
      const char *data = g_bytes_get_data (g_queue_peek_head (wire->queued), &size);
      gssize part = send (fd, data + wire->sent, size - wire->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (part < 0)
        return G_SOURCE_CONTINUE;
      wire->sent += (gsize)part;
      if (wire->sent < size)
        continue;
      g_bytes_unref (g_queue_pop_head (wire->queued));
      wire->sent = 0;
    }
  wire->writable = 0;
  return G_SOURCE_REMOVE;
}

/* `message`: floating */
void
split_wire_send (SplitWire *wire, GVariant *message)
{
  g_queue_push_tail (wire->queued, pack (message));
  if (wire->writable == 0 && write_on (wire->fd, G_IO_OUT, wire) == G_SOURCE_CONTINUE)
    wire->writable = g_unix_fd_add (wire->fd, G_IO_OUT, write_on, wire);
}

/* It lives as long as the process. */
SplitWire *
split_wire_new (int fd, SplitWireFunc function, gpointer user_data)
{
  SplitWire *wire = g_new0 (SplitWire, 1);

  wire->fd = fd;
  wire->function = function;
  wire->user_data = user_data;
  wire->queued = g_queue_new ();
  g_unix_fd_add (fd, G_IO_IN, on_readable, wire);
  return wire;
}

/* `message`: floating */
gboolean
split_send (int fd, GVariant *message)
{
  g_autoptr (GBytes) bytes = pack (message);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  for (gssize sent; size > 0; data += sent, size -= (gsize)sent)
    {
      sent = send (fd, data, size, MSG_NOSIGNAL);
      if (sent <= 0)
        return FALSE;
    }
  return TRUE;
}

/* Returns: (transfer full) (nullable): NULL: the other end is gone */
GVariant *
split_receive (int fd)
{
  guint64 size;
  g_autofree char *bytes = NULL;

  if (recv (fd, &size, sizeof size, MSG_WAITALL) != sizeof size)
    return NULL;
  bytes = g_malloc (size);
  for (guint64 got = 0; got < size;)
    {
      gssize part = recv (fd, bytes + got, size - got, MSG_WAITALL);

      if (part <= 0)
        return NULL;
      got += (guint64)part;
    }
  return unpack (g_bytes_new_take (g_steal_pointer (&bytes), size));
}
