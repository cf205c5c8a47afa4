/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A service in the place of certpind that answers every call at once with nothing: what its callers
 * lose in a flood, they lose in the bus's queue for the service that is flooded, whatever that
 * does. It says "ready".
 *
 * usage: sink SOCKET */

#include "config.h"

#include "daemon/bus/cpd-socket.h"
#include "daemon/bus/cpd-wire.h"
#include "dbus/certpin-names.h"

#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUS "org.freedesktop.DBus"

/* Answers are written together, as long as more calls are there. */
#define TOGETHER_BYTES (32 * 1024)

typedef struct
{
  CpdSource source;
  GByteArray *answers;
  guint32 serial;
} Sink;

static void
append (Sink *sink, GDBusMessage *message)
{
  gsize size;
  g_autofree guint8 *bytes = NULL;

  g_dbus_message_set_serial (message, ++sink->serial);
  bytes = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  g_byte_array_append (sink->answers, bytes, size);
}

static gboolean
write_answers (Sink *sink)
{
  gboolean written
      = cpd_socket_send (sink->source.socket, sink->answers->data, sink->answers->len, NULL);

  g_byte_array_set_size (sink->answers, 0);
  return written;
}

static void
call_bus (Sink *sink, const char *method, GVariant *arguments)
{
  g_autoptr (GDBusMessage) message
      = g_dbus_message_new_method_call (BUS, "/org/freedesktop/DBus", BUS, method);

  if (arguments != NULL)
    g_dbus_message_set_body (message, arguments);
  append (sink, message);
}

static gboolean
introduce (Sink *sink)
{
  g_autofree char *uid = g_strdup_printf ("%u", getuid ());
  g_autoptr (GString) text = g_string_new ("AUTH EXTERNAL ");
  guint8 byte = 0;

  for (const char *c = uid; *c != '\0'; c++)
    g_string_append_printf (text, "%02x", (unsigned int)*c);
  g_string_append (text, "\r\n");
  if (!cpd_socket_send (sink->source.socket, &byte, 1, NULL)
      || !cpd_socket_send (sink->source.socket, (guint8 *)text->str, text->len, NULL))
    return FALSE;
  do
    if (!cpd_source_read (&sink->source, &byte, 1))
      return FALSE;
  while (byte != '\n');
  g_byte_array_append (sink->answers, (const guint8 *)"BEGIN\r\n", 7);
  call_bus (sink, "Hello", NULL);
  call_bus (sink, "RequestName", g_variant_new ("(su)", CERTPIN_BUS_NAME, 0));
  return write_answers (sink);
}

static guint32
get_serial (const guint8 *header)
{
  guint32 serial;

  memcpy (&serial, header + 8, sizeof serial);
  return serial;
}

static void
answer (Sink *sink, const CpdWireHeader *header, guint32 serial)
{
  g_autoptr (GDBusMessage) reply = g_dbus_message_new ();

  g_dbus_message_set_message_type (reply, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  g_dbus_message_set_flags (reply, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_reply_serial (reply, serial);
  g_dbus_message_set_destination (reply, header->sender);
  append (sink, reply);
}

/* FALSE: it is the end. */
static gboolean
take_one (Sink *sink)
{
  guint8 start[CPD_WIRE_START_BYTES];
  g_autofree guint8 *bytes = NULL;
  CpdWireHeader header;
  gsize size;

  if (!cpd_source_read (&sink->source, start, sizeof start))
    return FALSE;
  size = cpd_wire_measure_header (start);
  bytes = g_malloc (size);
  memcpy (bytes, start, sizeof start);
  if (!cpd_source_read (&sink->source, bytes + sizeof start, size - sizeof start)
      || !cpd_wire_read_header (bytes, size, &header)
      || !cpd_source_skip (&sink->source, header.body_bytes))
    return FALSE;
  if (header.type == G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    answer (sink, &header, get_serial (bytes));
  if (sink->source.begin < sink->source.end && sink->answers->len < TOGETHER_BYTES)
    return TRUE;
  return write_answers (sink);
}

int
main (int argc, char **argv)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (argv[argc - 1]);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, &error);
  Sink sink = { .answers = g_byte_array_new () };

  if (connection == NULL)
    {
      g_printerr ("sink: %s\n", error->message);
      return 1;
    }
  g_unix_set_fd_nonblocking (g_socket_get_fd (g_socket_connection_get_socket (connection)), FALSE,
                             NULL);
  cpd_source_init (&sink.source, g_socket_get_fd (g_socket_connection_get_socket (connection)));
  if (!introduce (&sink))
    return 1;
  printf ("ready\n");
  fflush (stdout);
  while (take_one (&sink))
    ;
  return 0;
}
