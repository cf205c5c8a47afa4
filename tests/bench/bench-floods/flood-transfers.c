/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests whose bodies go through descriptors, and tunnels. What becomes of the descriptors is the
 * connection's business. */

#include "config.h"

#include "tests/bench/bench-floods/flood-transfers.h"

#include "dbus/certpin-names.h"
#include "tests/bench/bench-floods/flood-messages.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

/* Of an upload: enough for the server to be asked first. */
#define BODY_BYTES (1024 * 1024)

static GPtrArray *
list_of (GBytes *message)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  g_ptr_array_add (messages, message);
  return messages;
}

static GPtrArray *
streams_of (const char *url)
{
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&options, "stream", "s", "always");
  return list_of (flood_message_request ("GET", url, NULL, NULL, g_variant_dict_end (&options)));
}

GPtrArray *
flood_transfer_streams (const FloodTargets *targets)
{
  return streams_of (targets->own);
}

GPtrArray *
flood_transfer_large_streams (const FloodTargets *targets)
{
  g_autofree char *url = g_strdup_printf ("%s%d", targets->own, BODY_BYTES);

  return streams_of (url);
}

GPtrArray *
flood_transfer_uploads (const FloodTargets *targets)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (
      CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_REQUESTS_IFACE, "SecureRequest");
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);

  g_unix_fd_list_append (list, STDIN_FILENO, NULL); /* which is counted, and not sent */
  g_variant_dict_insert (&options, "body-stream", "h", 0);
  g_variant_dict_insert (&options, "body-length", "t", (guint64)BODY_BYTES);
  g_dbus_message_set_body (call,
                           g_variant_new ("(ss@a(ss)@ay@a{sv})", "PUT", targets->own,
                                          g_variant_new ("a(ss)", NULL), g_variant_new ("ay", NULL),
                                          g_variant_dict_end (&options)));
  g_dbus_message_set_unix_fd_list (call, list);
  return list_of (flood_message_new (call));
}

GPtrArray *
flood_transfer_tunnels (const FloodTargets *targets)
{
  g_autoptr (GUri) uri = g_uri_parse (targets->own, G_URI_FLAGS_NONE, NULL);

  g_assert_nonnull (uri);
  return list_of (flood_message_call (CERTPIN_REQUESTS_IFACE, "OpenConnection",
                                      g_variant_new ("(sq@a{sv})", g_uri_get_host (uri),
                                                     (guint16)g_uri_get_port (uri),
                                                     g_variant_new ("a{sv}", NULL))));
}
