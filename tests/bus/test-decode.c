/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a call is decoded as GDBus does, in every field that the service reads. */

#include "config.h"

#include "daemon/bus/cpd-decode.h"

#include <string.h>

#define LARGE (200 * 1024)

/* `body`: (nullable): sunk if floating */
static GDBusMessage *
make_call (GVariant *body)
{
  GDBusMessage *message = g_dbus_message_new_method_call (":1.7", "/a/b", "c.d", "E");

  g_dbus_message_set_sender (message, ":1.9");
  g_dbus_message_set_serial (message, 0x12345678);
  if (body != NULL)
    g_dbus_message_set_body (message, body);
  return message;
}

static GBytes *
pack (GDBusMessage *message)
{
  g_autoptr (GError) error = NULL;
  gsize size;
  guint8 *bytes
      = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);

  g_assert_no_error (error);
  return g_bytes_new_take (bytes, size);
}

static void
assert_same_bodies (GVariant *one, GVariant *other)
{
  g_assert_true ((one == NULL) == (other == NULL));
  g_assert_true (one == NULL || g_variant_equal (one, other));
}

/* `message`: (transfer full) */
static void
check (GDBusMessage *message)
{
  g_autoptr (GDBusMessage) expected = message, decoded = NULL;
  g_autoptr (GBytes) bytes = pack (expected);

  decoded = cpd_decode_call (bytes);
  g_assert_nonnull (decoded);
  g_assert_cmpint (g_dbus_message_get_message_type (decoded), ==,
                   g_dbus_message_get_message_type (expected));
  g_assert_cmpint (g_dbus_message_get_flags (decoded), ==, g_dbus_message_get_flags (expected));
  g_assert_cmpuint (g_dbus_message_get_serial (decoded), ==, g_dbus_message_get_serial (expected));
  g_assert_cmpuint (g_dbus_message_get_reply_serial (decoded), ==, 0);
  g_assert_cmpstr (g_dbus_message_get_sender (decoded), ==, g_dbus_message_get_sender (expected));
  g_assert_cmpstr (g_dbus_message_get_path (decoded), ==, g_dbus_message_get_path (expected));
  g_assert_cmpstr (g_dbus_message_get_interface (decoded), ==,
                   g_dbus_message_get_interface (expected));
  g_assert_cmpstr (g_dbus_message_get_member (decoded), ==, g_dbus_message_get_member (expected));
  g_assert_cmpstr (g_dbus_message_get_signature (decoded), ==,
                   g_dbus_message_get_signature (expected));
  assert_same_bodies (g_dbus_message_get_body (decoded), g_dbus_message_get_body (expected));
}

static void
test_bodies (void)
{
  static const char *const bodies[] = {
    "('GET', 'https://h.example/', @a(ss) [('A', 'b')], @ay [1, 2], {'x': <uint32 1>})",
    "(@y 1, @h 0, @t 2, @d 1.5, @n 2, @ab [true, false])",
    "(@g 'a{sv}', objectpath '/x/y', <<<'z'>>>)",
  };

  check (make_call (NULL));
  for (size_t i = 0; i < G_N_ELEMENTS (bodies); i++)
    check (make_call (g_variant_new_parsed (bodies[i])));
}

static void
test_headers (void)
{
  GDBusMessage *message = make_call (g_variant_new ("(s)", "x"));

  g_dbus_message_set_interface (message, NULL);
  check (message);
  message = make_call (g_variant_new ("(s)", "x"));
  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED
                                         | G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
  check (message);
  message = make_call (g_variant_new ("(s)", "x"));
  g_dbus_message_set_byte_order (message, G_BYTE_ORDER == G_LITTLE_ENDIAN
                                              ? G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN
                                              : G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  check (message);
}

static void
test_large (void)
{
  g_autofree guint8 *zeros = g_malloc0 (LARGE);

  check (make_call (
      g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, zeros, LARGE, 1))));
}

/* Whatever byte the call has in each place, the service gets no body that GDBus would not make, and
 * no header that it could not read. */
static void
test_broken (void)
{
  g_autoptr (GDBusMessage) message = make_call (g_variant_new ("(sas)", "x", NULL));
  g_autoptr (GBytes) bytes = pack (message);
  gsize size, made = 0;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  for (gsize at = 0; at < size; at++)
    for (unsigned int value = 0; value < 256; value += 15)
      {
        g_autofree guint8 *changed = g_memdup2 (data, size);
        g_autoptr (GBytes) broken = NULL;
        g_autoptr (GDBusMessage) decoded = NULL, expected = NULL;

        changed[at] = (guint8)value;
        broken = g_bytes_new (changed, size);
        decoded = cpd_decode_call (broken);
        expected = g_dbus_message_new_from_blob (changed, size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
        if (decoded == NULL || expected == NULL)
          continue;
        made++;
        assert_same_bodies (g_dbus_message_get_body (decoded), g_dbus_message_get_body (expected));
      }
  g_assert_cmpuint (made, >, size);
  for (gsize length = 1; length < size; length++)
    {
      g_autofree guint8 *start = g_memdup2 (data, length);
      g_autoptr (GBytes) cut = g_bytes_new (start, length);

      g_assert_null (cpd_decode_call (cut));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/decode/bodies", test_bodies);
  g_test_add_func ("/bus/decode/headers", test_headers);
  g_test_add_func ("/bus/decode/large", test_large);
  g_test_add_func ("/bus/decode/broken", test_broken);
  return g_test_run ();
}
