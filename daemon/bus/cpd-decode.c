/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes a GDBus message of a call. GDBus makes a value of each field of the header, which takes
 * longer than all the rest. So it gets the body alone, with the shortest header that it takes; what
 * the header of the call says is set afterwards. */

#include "config.h"

#include "daemon/bus/cpd-decode.h"

#include "daemon/bus/cpd-header.h"
#include "daemon/bus/cpd-wire.h"

/* A larger one is not copied for that. */
#define SMALL_BYTES (64 * 1024)

/* Any but 0. */
#define SERIAL 1

/* Returns: (transfer full) (nullable) */
static GDBusMessage *
decode (const guint8 *bytes, gsize size)
{
  /* GDBus does not write there, but its type is not const. */
  return g_dbus_message_new_from_blob ((guchar *)bytes, size,
                                       G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, NULL);
}

/* Whether GDBus would take what the header says. */
static gboolean
is_plain (const CpdWireHeader *header)
{
  return header->type == G_DBUS_MESSAGE_TYPE_METHOD_CALL && !header->swapped && header->path != NULL
         && g_variant_is_object_path (header->path) && header->member != NULL
         && g_dbus_is_member_name (header->member) && header->sender != NULL
         && g_dbus_is_name (header->sender)
         && (header->interface == NULL || g_dbus_is_interface_name (header->interface));
}

/* The header of a reply needs the fewest fields. Returns: (transfer full) (nullable) */
static GDBusMessage *
decode_body (const guint8 *body, gsize size, const char *signature)
{
  CpdMarshal marshal;
  CpdMarshalArray fields;
  GDBusMessage *message;

  cpd_marshal_init (&marshal);
  fields = cpd_header_begin (&marshal, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  cpd_header_field (&marshal, G_DBUS_MESSAGE_HEADER_FIELD_REPLY_SERIAL, "u");
  cpd_marshal_number (&marshal, SERIAL);
  cpd_header_field (&marshal, G_DBUS_MESSAGE_HEADER_FIELD_SIGNATURE, "g");
  cpd_marshal_signature (&marshal, signature);
  cpd_header_end (&marshal, fields);
  cpd_marshal_set_number (&marshal, CPD_HEADER_BODY_BYTES_AT, (guint32)size);
  cpd_marshal_set_number (&marshal, CPD_HEADER_SERIAL_AT, SERIAL);
  g_byte_array_append (marshal.bytes, body, (unsigned int)size);
  message = decode (marshal.bytes->data, marshal.bytes->len);
  cpd_marshal_clear (&marshal);
  if (message != NULL)
    g_dbus_message_set_header (message, G_DBUS_MESSAGE_HEADER_FIELD_REPLY_SERIAL, NULL);
  return message;
}

static void
set_header (GDBusMessage *message, const CpdWireHeader *header)
{
  g_dbus_message_set_message_type (message, header->type);
  g_dbus_message_set_flags (message, header->flags);
  g_dbus_message_set_serial (message, header->serial);
  g_dbus_message_set_sender (message, header->sender);
  g_dbus_message_set_path (message, header->path);
  g_dbus_message_set_member (message, header->member);
  if (header->interface != NULL)
    g_dbus_message_set_interface (message, header->interface);
}

/* `bytes`: header and body.
 * Returns: (transfer full) (nullable): with all that the service reads of it; NULL: GDBus cannot
 * decode it */
GDBusMessage *
cpd_decode_call (GBytes *bytes)
{
  gsize size, header_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  CpdWireHeader header;
  GDBusMessage *message;

  if (size < CPD_WIRE_START_BYTES || size > SMALL_BYTES)
    return decode (data, size);
  header_bytes = cpd_wire_measure_header (data);
  if (!cpd_wire_read_header (data, MIN (header_bytes, size), &header) || !is_plain (&header)
      || header.signature == NULL || size - header_bytes != header.body_bytes)
    return decode (data, size);
  message = decode_body (data + header_bytes, header.body_bytes, header.signature);
  if (message != NULL)
    set_header (message, &header);
  return message;
}
