/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages to the bus and to the service, made once and written many times. */

#include "config.h"

#include "tests/bench/bench-floods/flood-messages.h"

#include "dbus/certpin-names.h"

#include <stdlib.h>

GBytes *
flood_message_new (GDBusMessage *message)
{
  GError *error = NULL;
  size_t size;
  guint8 *blob;

  g_dbus_message_set_serial (message, 1); /* which takes the place of the real one */
  blob = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  if (blob == NULL)
    {
      g_printerr ("flooder: %s\n", error->message);
      exit (1);
    }
  return g_bytes_new_take (blob, size);
}

GBytes *
flood_message_call (const char *interface, const char *member, GVariant *parameters)
{
  g_autoptr (GDBusMessage) call
      = g_dbus_message_new_method_call (CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, interface, member);

  if (parameters != NULL)
    g_dbus_message_set_body (call, parameters);
  return flood_message_new (call);
}

GBytes *
flood_message_hello (void)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (
      "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello");

  return flood_message_new (call);
}

/* A service that sends signals without being asked does not know it; that does no harm. */
GBytes *
flood_message_subscribe (void)
{
  return flood_message_call (CERTPIN_PINS_IFACE, "Subscribe", NULL);
}

/* Such a service sends them to whoever has called it. */
GBytes *
flood_message_version (void)
{
  return flood_message_call ("org.freedesktop.DBus.Properties", "Get",
                             g_variant_new ("(ss)", CERTPIN_REQUESTS_IFACE, "Version"));
}

/* `headers`, `body` and `options` may be NULL. */
GBytes *
flood_message_request (const char *method, const char *url, GVariant *headers, GVariant *body,
                       GVariant *options)
{
  GVariant *parameters = g_variant_new ("(ss@a(ss)@ay@a{sv})", method, url,
                                        headers != NULL ? headers : g_variant_new ("a(ss)", NULL),
                                        body != NULL ? body : g_variant_new ("ay", NULL),
                                        options != NULL ? options : g_variant_new ("a{sv}", NULL));

  return flood_message_call (CERTPIN_REQUESTS_IFACE, "SecureRequest", parameters);
}

gboolean
flood_message_is_answered (const guint8 *blob)
{
  return blob[1] == FLOOD_TYPE_CALL && !(blob[2] & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
}
