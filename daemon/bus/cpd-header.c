/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes the header of a message: D-Bus Specification, “Message Format”. */

#include "config.h"

#include "daemon/bus/cpd-header.h"

#define PROTOCOL_VERSION 1

/* Of a message that needs no reply. Its fields come next. */
CpdMarshalArray
cpd_header_begin (CpdMarshal *header, GDBusMessageType type)
{
  cpd_marshal_byte (header, G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B');
  cpd_marshal_byte (header, (guint8)type);
  cpd_marshal_byte (header, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  cpd_marshal_byte (header, PROTOCOL_VERSION);
  cpd_marshal_number (header, 0); /* the length of the body */
  cpd_marshal_number (header, 0); /* the serial number */
  return cpd_marshal_begin_array (header, 8);
}

/* A field up to its value, which must come next: a code and a variant. `type`: of the value */
void
cpd_header_field (CpdMarshal *header, GDBusMessageHeaderField field, const char *type)
{
  cpd_marshal_align (header, 8);
  cpd_marshal_byte (header, (guint8)field);
  cpd_marshal_signature (header, type);
}

/* The body comes next. */
void
cpd_header_end (CpdMarshal *header, CpdMarshalArray fields)
{
  cpd_marshal_end_array (header, fields);
  cpd_marshal_align (header, 8);
}
