/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floods: who sends what, how much of it at a time, and who does not read. What the bus lets
 * one user have is 256 connections, and dbus-daemon 128 calls in flight on each. */

#include "config.h"

#include "tests/bench/bench-floods/flood-kinds.h"

#include "dbus/certpin-names.h"
#include "tests/bench/bench-floods/flood-messages.h"
#include "tests/bench/bench-floods/flood-transfers.h"

#include <gio/gunixfdlist.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL             250
#define KEYS_MAX        64
#define MANY_KEYS       1000000
#define MANY_HEADERS    500000
#define UPLOAD_BYTES    (4 * 1024 * 1024)
#define NAMES           256 /* different ones, where one would be found in a cache */
#define REQUEST_TOKENS  64
#define PROPERTIES      "org.freedesktop.DBus.Properties"
#define REFUSED_URL     "https://not-pinned.localhost/"
#define CHURNED_PATTERN "c%u.churn.localhost"

static GPtrArray *
list_of (GBytes *message)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  g_ptr_array_add (messages, message);
  return messages;
}

static GVariant *
no_options (void)
{
  return g_variant_new ("a{sv}", NULL);
}

/* A key that nobody has. */
static char *
make_key (unsigned int number)
{
  guint8 digest[32] = { [31] = 1 }; /* all zeros would be refused as a placeholder */
  g_autofree char *text = NULL;

  memcpy (digest, &number, sizeof number);
  text = g_base64_encode (digest, sizeof digest);
  return g_strconcat ("sha256/", text, NULL);
}

static GBytes *
pin_keys (const char *host, const char *const *keys)
{
  return flood_message_call (CERTPIN_PINS_IFACE, "PinKeys",
                             g_variant_new ("(s^as@a{sv})", host, keys, no_options ()));
}

/* Requests */

static GPtrArray *
large_answers (const FloodTargets *targets)
{
  return list_of (flood_message_request ("GET", targets->large, NULL, NULL, NULL));
}

static GPtrArray *
refused_requests (const FloodTargets *targets)
{
  return list_of (flood_message_request ("GET", REFUSED_URL, NULL, NULL, NULL));
}

static GPtrArray *
many_headers (const FloodTargets *targets)
{
  GVariantBuilder headers;

  g_variant_builder_init (&headers, G_VARIANT_TYPE ("a(ss)"));
  for (int i = 0; i < MANY_HEADERS; i++)
    g_variant_builder_add (&headers, "(ss)", "a", "b");
  return list_of (
      flood_message_request ("GET", targets->url, g_variant_builder_end (&headers), NULL, NULL));
}

static GPtrArray *
uploads (const FloodTargets *targets)
{
  guint8 *body = g_malloc0 (UPLOAD_BYTES);
  GVariant *bytes
      = g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, body, UPLOAD_BYTES, TRUE, g_free, body);

  return list_of (flood_message_request ("POST", targets->url, NULL, bytes, NULL));
}

static GPtrArray *
hanging_handshakes (const FloodTargets *targets)
{
  return list_of (flood_message_request ("GET", targets->hang, NULL, NULL, NULL));
}

static GPtrArray *
unresolvable_names (const FloodTargets *targets)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (unsigned int i = 0; i < NAMES; i++)
    {
      g_autofree char *url = g_strdup_printf ("https://n%u.slow.test/", i);

      g_ptr_array_add (messages, flood_message_request ("GET", url, NULL, NULL, NULL));
    }
  return messages;
}

static GBytes *
cancel (const char *unique_name, const char *token)
{
  g_autofree char *sender = g_strdelimit (g_strdup (unique_name + 1), ".", '_');
  g_autofree char *path = g_strdup_printf (CERTPIN_REQUEST_PATH "/%s/%s", sender, token);
  g_autoptr (GDBusMessage) call
      = g_dbus_message_new_method_call (CERTPIN_BUS_NAME, path, CERTPIN_REQUEST_IFACE, "Cancel");

  return flood_message_new (call);
}

static GPtrArray *
cancelled_requests (gconstpointer data, const char *unique_name)
{
  const FloodTargets *targets = data;
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (unsigned int i = 0; i < REQUEST_TOKENS; i++)
    {
      g_autofree char *token = g_strdup_printf ("t%u", i);
      g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);

      g_variant_dict_insert (&options, "handle-token", "s", token);
      g_ptr_array_add (messages, flood_message_request ("GET", targets->url, NULL, NULL,
                                                        g_variant_dict_end (&options)));
      g_ptr_array_add (messages, cancel (unique_name, token));
    }
  return messages;
}

/* Pins */

static GPtrArray *
lists (const FloodTargets *targets)
{
  return list_of (
      flood_message_call (CERTPIN_PINS_IFACE, "ListPins", g_variant_new ("(a{sv})", NULL)));
}

static GVariant *
long_host (void)
{
  g_autoptr (GString) host = g_string_new (NULL);

  for (int i = 0; i < 100; i++)
    g_string_append (host, "a.");
  g_string_append (host, "localhost");
  return g_variant_new ("(s@a{sv})", host->str, no_options ());
}

static GPtrArray *
explanations (const FloodTargets *targets)
{
  return list_of (flood_message_call (CERTPIN_PINS_IFACE, "ExplainHost", long_host ()));
}

static GPtrArray *
pin_changes (const FloodTargets *targets)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (unsigned int i = 0; i < NAMES; i++)
    {
      g_autofree char *host = g_strdup_printf (CHURNED_PATTERN, i);
      g_autofree char *key = make_key (i);
      const char *keys[] = { key, NULL };

      g_ptr_array_add (messages, pin_keys (host, keys));
      g_ptr_array_add (messages,
                       flood_message_call (CERTPIN_PINS_IFACE, "Unpin",
                                           g_variant_new ("(s@a{sv})", host, no_options ())));
    }
  return messages;
}

static GPtrArray *
malformed_keys (const FloodTargets *targets)
{
  g_auto (GStrv) keys = g_new0 (char *, KEYS_MAX + 1);

  for (unsigned int i = 0; i < KEYS_MAX - 1; i++)
    keys[i] = make_key (i);
  keys[KEYS_MAX - 1] = g_strdup ("sha256/malformed");
  return list_of (pin_keys ("bad.localhost", (const char *const *)keys));
}

static GPtrArray *
many_keys (const FloodTargets *targets)
{
  GVariantBuilder keys;

  g_variant_builder_init (&keys, G_VARIANT_TYPE ("as"));
  for (int i = 0; i < MANY_KEYS; i++)
    g_variant_builder_add (&keys, "s", "a");
  return list_of (
      flood_message_call (CERTPIN_PINS_IFACE, "PinKeys",
                          g_variant_new ("(s@as@a{sv})", "many.localhost",
                                         g_variant_builder_end (&keys), no_options ())));
}

/* A method's call that lets polkit ask for a password. */
static GPtrArray *
dialogs (const FloodTargets *targets)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (
      CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "PinKeys");
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *key = make_key (0);
  const char *keys[] = { key, NULL };

  g_variant_dict_insert (&options, "scope", "s", "system");
  g_dbus_message_set_body (
      call, g_variant_new ("(s^as@a{sv})", "s.localhost", keys, g_variant_dict_end (&options)));
  g_dbus_message_set_flags (call, G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
  return list_of (flood_message_new (call));
}

static GVariant *
read_chain (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  GVariantBuilder chain;
  size_t size, at = 0;

  if (!g_file_get_contents (path, &data, &size, &error))
    {
      g_printerr ("flooder: %s\n", error->message);
      exit (1);
    }
  g_variant_builder_init (&chain, G_VARIANT_TYPE ("aay"));
  while (at + 4 <= size)
    {
      guint32 length;

      memcpy (&length, data + at, sizeof length);
      length = GUINT32_FROM_BE (length);
      g_variant_builder_add_value (
          &chain, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data + at + 4, length, 1));
      at += 4 + length;
    }
  return g_variant_builder_end (&chain);
}

static GPtrArray *
chains (const FloodTargets *targets)
{
  return list_of (flood_message_call (
      CERTPIN_PINS_IFACE, "VerifyChain",
      g_variant_new ("(s@aay@a{sv})", "a.localhost", read_chain (targets->chain), no_options ())));
}

/* Messages as such */

static GPtrArray *
introspections (const FloodTargets *targets)
{
  GPtrArray *messages
      = list_of (flood_message_call ("org.freedesktop.DBus.Introspectable", "Introspect", NULL));

  g_ptr_array_add (messages, flood_message_call (PROPERTIES, "GetAll",
                                                 g_variant_new ("(s)", CERTPIN_REQUESTS_IFACE)));
  g_ptr_array_add (messages, flood_message_call (PROPERTIES, "GetAll",
                                                 g_variant_new ("(s)", CERTPIN_PINS_IFACE)));
  return messages;
}

static GPtrArray *
version (const FloodTargets *targets)
{
  return list_of (flood_message_version ());
}

static GPtrArray *
descriptors (const FloodTargets *targets)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (
      CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "ExplainHost");

  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();

  for (int i = 0; i < FLOOD_DESCRIPTORS_EACH; i++)
    g_unix_fd_list_append (list, STDIN_FILENO, NULL); /* which are counted, and not sent */
  g_dbus_message_set_body (call, long_host ());
  g_dbus_message_set_unix_fd_list (call, list);
  return list_of (flood_message_new (call));
}

static GPtrArray *
unasked (const FloodTargets *targets)
{
  static const GDBusMessageType types[]
      = { G_DBUS_MESSAGE_TYPE_SIGNAL, G_DBUS_MESSAGE_TYPE_METHOD_RETURN,
          G_DBUS_MESSAGE_TYPE_ERROR };
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GDBusMessage) message
          = g_dbus_message_new_signal (CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "PinChanged");

      g_dbus_message_set_message_type (message, types[i]);
      g_dbus_message_set_destination (message, CERTPIN_BUS_NAME);
      if (types[i] != G_DBUS_MESSAGE_TYPE_SIGNAL)
        g_dbus_message_set_reply_serial (message, 1);
      if (types[i] == G_DBUS_MESSAGE_TYPE_ERROR)
        g_dbus_message_set_error_name (message, CERTPIN_ERROR_PREFIX "Failed");
      g_dbus_message_set_body (message, g_variant_new ("(s@a{sv})", "h.localhost", no_options ()));
      g_ptr_array_add (messages, flood_message_new (message));
    }
  return messages;
}

static GPtrArray *
unanswered (const FloodTargets *targets)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (
      CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "ExplainHost");

  g_dbus_message_set_body (call, long_host ());
  g_dbus_message_set_flags (call, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  return list_of (flood_message_new (call));
}

static GPtrArray *
unknown (const FloodTargets *targets)
{
  static const char *const members[][3] = {
    { CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "NoSuchMethod" },
    { CERTPIN_OBJECT_PATH, CERTPIN_REQUEST_IFACE, "Cancel" }, /* not on this object */
    { CERTPIN_OBJECT_PATH, "org.certpin.NoSuchInterface", "Call" },
    { "/no/such/object", CERTPIN_PINS_IFACE, "ListPins" },
    { CERTPIN_REQUEST_PATH "/1_1/none", CERTPIN_REQUEST_IFACE, "Cancel" },
  };
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (
          CERTPIN_BUS_NAME, members[i][0], members[i][1], members[i][2]);

      g_ptr_array_add (messages, flood_message_new (call));
    }
  return messages;
}

#define LISTENING FLOOD_SUBSCRIBES
#define DEAF      (FLOOD_SUBSCRIBES | FLOOD_SILENT)

const FloodKind flood_kinds[] = {
  { "large-unread", 3, FLOOD_MOST, 0, FLOOD_SILENT, large_answers },
  { "signals-unread", ALL, FLOOD_MOST, 0, DEAF, refused_requests },
  { "lists-unread", ALL, FLOOD_MOST, 0, FLOOD_SILENT, lists },
  { "changes-unread", 8, 16, ALL - 8, FLOOD_READS, pin_changes },
  { "lists", 8, 16, 0, FLOOD_READS, lists },
  { "refused", ALL, 16, 0, LISTENING, refused_requests },
  { "explain", ALL, 32, 0, FLOOD_READS, explanations },
  { "bad-keys", ALL, FLOOD_MOST, 0, FLOOD_READS, malformed_keys },
  { "million-keys", 8, 4, 0, FLOOD_READS, many_keys },
  { "many-headers", 8, 4, 0, FLOOD_READS, many_headers },
  { "introspect", ALL, FLOOD_MOST, 0, FLOOD_READS, introspections },
  { "uploads", 16, 4, 0, FLOOD_READS, uploads },
  { "connects", 200, 1, 0, FLOOD_LEAVES, version },
  { "cancels", ALL, 32, 0, FLOOD_READS, NULL, cancelled_requests },
  { "handshakes", ALL, 16, 0, FLOOD_READS, hanging_handshakes },
  { "names", ALL, 16, 0, FLOOD_READS, unresolvable_names },
  { "churn", ALL, 16, 0, LISTENING, pin_changes },
  { "descriptors", ALL, 4, 0, FLOOD_DESCRIPTORS, descriptors },
  { "dialogs", ALL, FLOOD_MOST, 0, FLOOD_READS, dialogs },
  { "chains", ALL, 32, 0, FLOOD_READS, chains },
  { "unasked", ALL, 0, 0, FLOOD_READS, unasked },
  { "unanswered", ALL, 0, 0, FLOOD_READS, unanswered },
  { "unknown", ALL, FLOOD_MOST, 0, FLOOD_READS, unknown },
  { "streams", ALL, 16, 0, FLOOD_READS, flood_transfer_streams },
  { "streams-one", 1, FLOOD_MOST, 0, FLOOD_READS, flood_transfer_streams },
  { "streams-unread", ALL, 16, 0, FLOOD_KEEPS, flood_transfer_large_streams },
  { "body-streams", ALL, 16, 0, FLOOD_UPLOADS | FLOOD_ENDS, flood_transfer_uploads },
  { "body-streams-one", 1, FLOOD_MOST, 0, FLOOD_UPLOADS | FLOOD_ENDS, flood_transfer_uploads },
  { "body-streams-unwritten", ALL, 16, 0, FLOOD_UPLOADS, flood_transfer_uploads },
  { "tunnels", ALL, 16, 0, FLOOD_READS, flood_transfer_tunnels },
  { "tunnels-one", 1, FLOOD_MOST, 0, FLOOD_READS, flood_transfer_tunnels },
  { "tunnels-left", ALL, 16, 0, FLOOD_KEEPS, flood_transfer_tunnels },
  { NULL },
};
