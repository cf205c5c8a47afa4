/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What leaves: the bytes of a reply that is made often, which are written at once; or a message,
 * which GDBus serializes when its turn has come. D-Bus Specification, “Message Format”. */

#include "config.h"

#include "daemon/bus/cpd-packet.h"

#include "daemon/bus/cpd-header.h"
#include "daemon/bus/cpd-socket.h"

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>

struct _CpdPacket
{
  GDBusMessage *message; /* NULL: it is in `marshal` from the beginning */
  CpdMarshal marshal;    /* header and body; without bytes before the message is serialized */
  gsize body_at;
  char *receiver; /* of what has no message */
  int descriptor; /* likewise; -1: none */
  gsize sent;     /* bytes */
};

/* `message`: (transfer full): for no other thread any more */
CpdPacket *
cpd_packet_new (GDBusMessage *message)
{
  CpdPacket *packet = g_new0 (CpdPacket, 1);

  packet->message = message;
  packet->descriptor = -1;
  return packet;
}

static void
write_fields (const CpdPacket *packet, guint32 to, const char *types, CpdMarshal *header)
{
  cpd_header_field (header, G_DBUS_MESSAGE_HEADER_FIELD_REPLY_SERIAL, "u");
  cpd_marshal_number (header, to);
  cpd_header_field (header, G_DBUS_MESSAGE_HEADER_FIELD_DESTINATION, "s");
  cpd_marshal_text (header, packet->receiver);
  cpd_header_field (header, G_DBUS_MESSAGE_HEADER_FIELD_SIGNATURE, "g");
  cpd_marshal_signature (header, types);
  if (packet->descriptor < 0)
    return;
  cpd_header_field (header, G_DBUS_MESSAGE_HEADER_FIELD_NUM_UNIX_FDS, "u");
  cpd_marshal_number (header, 1);
}

/* Its body is still to be written. `types`: of the body's values. `descriptor`: (transfer full);
 * -1: none */
CpdPacket *
cpd_packet_new_reply (GDBusMessage *call, const char *types, int descriptor)
{
  CpdPacket *packet = cpd_packet_new (NULL);
  CpdMarshal *header = &packet->marshal;
  CpdMarshalArray fields;

  packet->receiver = g_strdup (g_dbus_message_get_sender (call));
  packet->descriptor = descriptor;
  cpd_marshal_init (header);
  fields = cpd_header_begin (header, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  write_fields (packet, g_dbus_message_get_serial (call), types, header);
  cpd_header_end (header, fields);
  packet->body_at = cpd_marshal_get_size (header);
  return packet;
}

void
cpd_packet_free (CpdPacket *packet)
{
  g_clear_object (&packet->message);
  if (packet->descriptor >= 0)
    g_close (packet->descriptor, NULL);
  cpd_marshal_clear (&packet->marshal);
  g_free (packet->receiver);
  g_free (packet);
}

/* Returns: (transfer none): where the body of a reply is to be written */
CpdMarshal *
cpd_packet_get_body (CpdPacket *packet)
{
  return &packet->marshal;
}

/* Returns: (transfer none) */
const char *
cpd_packet_get_receiver (CpdPacket *packet)
{
  return packet->message != NULL ? g_dbus_message_get_destination (packet->message)
                                 : packet->receiver;
}

gboolean
cpd_packet_has_descriptor (CpdPacket *packet)
{
  return packet->message != NULL ? g_dbus_message_get_unix_fd_list (packet->message) != NULL
                                 : packet->descriptor >= 0;
}

/* Returns: how many bytes there are; 0: it is not serialized yet */
gsize
cpd_packet_get_size (const CpdPacket *packet)
{
  return packet->marshal.bytes != NULL ? cpd_marshal_get_size (&packet->marshal) : 0;
}

static gboolean
serialize (CpdPacket *packet, GError **error)
{
  gsize size;
  guint8 *bytes = g_dbus_message_to_blob (packet->message, &size,
                                          G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, error);

  if (bytes == NULL)
    return FALSE;
  packet->marshal.bytes = g_byte_array_new_take (bytes, size);
  return TRUE;
}

/* Before it is sent. FALSE with `error` set: it cannot be. */
gboolean
cpd_packet_prepare (CpdPacket *packet, guint32 serial, GError **error)
{
  if (packet->message != NULL)
    {
      g_dbus_message_set_serial (packet->message, serial);
      return serialize (packet, error);
    }
  cpd_marshal_set_number (&packet->marshal, CPD_HEADER_SERIAL_AT, serial);
  cpd_marshal_set_number (&packet->marshal, CPD_HEADER_BODY_BYTES_AT,
                          (guint32)(cpd_packet_get_size (packet) - packet->body_at));
  return TRUE;
}

/* Returns: (transfer full) (nullable): NULL: it has none. The packet keeps them open. */
static GArray *
list_descriptors (CpdPacket *packet)
{
  GUnixFDList *list
      = packet->message != NULL ? g_dbus_message_get_unix_fd_list (packet->message) : NULL;
  const int *fds = &packet->descriptor;
  int count = packet->descriptor >= 0;

  if (list != NULL)
    fds = g_unix_fd_list_peek_fds (list, &count);
  if (count == 0)
    return NULL;
  return g_array_append_vals (g_array_new (FALSE, FALSE, sizeof (int)), fds, (unsigned int)count);
}

/* Without the first `sent` bytes of it. */
static void
add_part (CpdSocketParts *parts, const guint8 *bytes, gsize size, gsize *sent)
{
  gsize skipped = MIN (*sent, size);

  *sent -= skipped;
  if (size > skipped)
    parts->vector[parts->count++]
        = (struct iovec){ .iov_base = (guint8 *)bytes + skipped, .iov_len = size - skipped };
}

/* What is left to be sent. */
static void
list_parts (const CpdPacket *packet, CpdSocketParts *parts)
{
  const CpdMarshal *marshal = &packet->marshal;
  gsize at = marshal->inset != NULL ? marshal->inset_at : marshal->bytes->len;
  gsize inset_size = 0, sent = packet->sent;
  const guint8 *inset
      = marshal->inset != NULL ? g_bytes_get_data (marshal->inset, &inset_size) : NULL;

  parts->count = 0;
  add_part (parts, marshal->bytes->data, at, &sent);
  add_part (parts, inset, inset_size, &sent);
  add_part (parts, marshal->bytes->data + at, marshal->bytes->len - at, &sent);
}

/* Sends what is left of it. If the bus is gone, the connection tells.
 * Returns: FALSE: some is left, for which the socket has no room; only without `wait` */
gboolean
cpd_packet_send (CpdPacket *packet, int socket, gboolean wait)
{
  g_autoptr (GArray) descriptors = list_descriptors (packet);
  gsize size = cpd_packet_get_size (packet);

  while (packet->sent < size)
    {
      CpdSocketParts parts;
      gssize sent;

      list_parts (packet, &parts);
      sent = cpd_socket_send_some (socket, &parts, packet->sent == 0 ? descriptors : NULL, wait);
      if (sent <= 0)
        return sent < 0;
      packet->sent += (gsize)sent;
    }
  return TRUE;
}

/* Whether nothing else may be sent before the rest of it. */
gboolean
cpd_packet_is_begun (const CpdPacket *packet)
{
  return packet->sent > 0;
}
