/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is read of messages before anything is made of them, against what GDBus makes of
 * them. */

#include "config.h"

#include "daemon/bus/cpd-wire.h"

#include <gio/gunixfdlist.h>
#include <string.h>

typedef struct
{
  guint8 *bytes;
  gsize size, header_bytes;
  CpdWireHeader header;
} Wire;

static void
wire_clear (Wire *wire)
{
  g_free (wire->bytes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wire, wire_clear)

/* `body`: a tuple as text. */
static GDBusMessage *
make_call (const char *body, GDBusMessageByteOrder order)
{
  GDBusMessage *message = g_dbus_message_new_method_call (":1.7", "/a", "b.c", "D");

  g_dbus_message_set_sender (message, ":1.9");
  g_dbus_message_set_serial (message, 3);
  g_dbus_message_set_byte_order (message, order);
  g_dbus_message_set_body (message, g_variant_new_parsed (body));
  return message;
}

static void
pack (GDBusMessage *message, Wire *wire)
{
  g_autoptr (GError) error = NULL;

  wire->bytes = g_dbus_message_to_blob (message, &wire->size,
                                        G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  g_assert_no_error (error);
  wire->header_bytes = cpd_wire_measure_header (wire->bytes);
  g_assert_cmpuint (wire->header_bytes + cpd_wire_measure_body (wire->bytes), ==, wire->size);
  g_assert_true (cpd_wire_read_header (wire->bytes, wire->header_bytes, &wire->header));
}

/* As the rule says: every value counts, an array of numbers as one. */
static unsigned int
count (GVariant *value)
{
  unsigned int n = 1;

  if (!g_variant_is_container (value)
      || (g_variant_type_is_array (g_variant_get_type (value))
          && strchr ("ynqiuxtdh", g_variant_get_type_string (value)[1]) != NULL))
    return 1;
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      n += count (child);
    }
  return n;
}

static const char *const bodies[] = {
  "('h.example', ['a', 'bb', ''], {'x': <1>, 'y': <'z'>})",
  "(@ay [1, 2, 3], @aay [[], [1], [1, 2]], @ab [true, false], true)",
  "(@a(ss) [], 'x', @a(ss) [('a', 'b'), ('c', 'd')])",
  "(@a{sv} {}, <<<<1>>>>, @g 'a{sv}', objectpath '/x/y', @h 0, @x 7, @d 1.5, @n 2, @y 3)",
  "((1, ('a', 2.0), @aaas [[['p'], []], []]), @at [1, 2, 3], {uint16 3: @av [<1>, <@ay []>]})",
};

static void
test_values_are_counted (gconstpointer order)
{
  for (size_t i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (GDBusMessage) message
          = make_call (bodies[i], (GDBusMessageByteOrder)GPOINTER_TO_INT (order));
      unsigned int n = count (g_dbus_message_get_body (message)) - 1; /* without the tuple */
      g_auto (Wire) wire = { 0 };

      pack (message, &wire);
      g_assert_false (cpd_wire_has_more_values (&wire.header, wire.bytes + wire.header_bytes, n));
      g_assert_true (
          cpd_wire_has_more_values (&wire.header, wire.bytes + wire.header_bytes, n - 1));
      wire.header.body_bytes++; /* there is more than the signature says */
      g_assert_true (cpd_wire_has_more_values (&wire.header, wire.bytes + wire.header_bytes, n));
      wire.header.body_bytes--;
      for (gsize cut = 1; cut <= wire.header.body_bytes; cut++)
        {
          CpdWireHeader shorter = wire.header;
          g_autofree guint8 *body
              = g_memdup2 (wire.bytes + wire.header_bytes, shorter.body_bytes - cut);

          shorter.body_bytes -= cut;
          g_assert_true (cpd_wire_has_more_values (&shorter, body, n));
        }
    }
}

static void
test_headers_are_read (gconstpointer order)
{
  g_autoptr (GDBusMessage) message
      = make_call ("('x',)", (GDBusMessageByteOrder)GPOINTER_TO_INT (order));
  g_auto (Wire) wire = { 0 };
  CpdWireHeader header;

  g_dbus_message_set_header (message, 77, g_variant_new_parsed ("{'more': <[1, 2]>}"));
  pack (message, &wire);
  g_assert_cmpint (wire.header.type, ==, G_DBUS_MESSAGE_TYPE_METHOD_CALL);
  g_assert_cmpstr (wire.header.sender, ==, ":1.9");
  g_assert_cmpstr (wire.header.destination, ==, ":1.7");
  g_assert_cmpstr (wire.header.interface, ==, "b.c");
  g_assert_cmpstr (wire.header.signature, ==, "s");
  g_assert_cmpuint (wire.header.n_fds, ==, 0);
  for (gsize size = 0; size < wire.header_bytes; size++)
    {
      g_autofree guint8 *part = g_memdup2 (wire.bytes, size);

      g_assert_false (cpd_wire_read_header (part, size, &header));
    }
}

/* A field whose value is of another type than it should be. */
static void
test_odd_headers_are_refused (void)
{
  static const struct
  {
    int field;
    const char *value;
  } odd[] = {
    { G_DBUS_MESSAGE_HEADER_FIELD_SENDER, "1" },
    { G_DBUS_MESSAGE_HEADER_FIELD_DESTINATION, "objectpath '/a'" },
    { G_DBUS_MESSAGE_HEADER_FIELD_INTERFACE, "['a.b']" },
    { 77, "@ag []" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autoptr (GDBusMessage) message
          = make_call ("('x',)", G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
      g_autofree guint8 *bytes = NULL;
      g_autoptr (GError) error = NULL;
      CpdWireHeader header;
      gsize size;

      g_dbus_message_set_header (message, (GDBusMessageHeaderField)odd[i].field,
                                 g_variant_new_parsed (odd[i].value));
      bytes = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
      if (bytes == NULL) /* GDBus knows the field's type as well */
        continue;
      g_assert_cmpint (cpd_wire_read_header (bytes, cpd_wire_measure_header (bytes), &header), ==,
                       odd[i].field == 77);
    }
}

/* A field that nobody knows may hold anything, and as much of it as the bus lets through. */
static void
test_large_headers_are_refused (void)
{
  g_autoptr (GDBusMessage) message = make_call ("('x',)", G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  GVariantBuilder builder;
  g_autofree guint8 *bytes = NULL;
  CpdWireHeader header;
  gsize size;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ag"));
  for (int i = 0; i < 1000; i++)
    g_variant_builder_add (&builder, "g", "");
  g_dbus_message_set_header (message, 77, g_variant_builder_end (&builder));
  bytes = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  g_assert_false (cpd_wire_read_header (bytes, cpd_wire_measure_header (bytes), &header));
}

/* Whoever reads the header afterwards finds a message without arguments, and can answer it. */
static void
test_emptied (gconstpointer order)
{
  g_autoptr (GDBusMessage) message
      = make_call (bodies[0], (GDBusMessageByteOrder)GPOINTER_TO_INT (order));
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GDBusMessage) emptied = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Wire) wire = { 0 };

  g_unix_fd_list_append (fds, 0, NULL);
  g_unix_fd_list_append (fds, 0, NULL);
  g_dbus_message_set_unix_fd_list (message, fds);
  pack (message, &wire);
  g_assert_cmpuint (wire.header.n_fds, ==, 2);
  cpd_wire_empty (wire.bytes, wire.header_bytes);
  emptied = g_dbus_message_new_from_blob (wire.bytes, wire.header_bytes,
                                          G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  g_assert_no_error (error);
  g_assert_null (g_dbus_message_get_body (emptied));
  g_assert_cmpuint (g_dbus_message_get_num_unix_fds (emptied), ==, 0);
  g_assert_cmpstr (g_dbus_message_get_sender (emptied), ==, ":1.9");
  g_assert_cmpstr (g_dbus_message_get_member (emptied), ==, "D");
  g_assert_cmpuint (g_dbus_message_get_serial (emptied), ==, 3);
}

/* Only where there are very many is there a difference in time: nothing is walked to its end that
 * has too many. */
static void
test_the_rest_is_not_read (void)
{
  const CpdWireHeader header = { .body_bytes = G_MAXUINT32, .signature = "ag" };
  guint8 body[4 + 2 * 11] = { 0 };

  memset (body, 0xff, 4); /* the array has all that there is, and its end is not there */
  g_assert_true (cpd_wire_has_more_values (&header, body, 11));
}

int
main (int argc, char **argv)
{
  gpointer little = GINT_TO_POINTER (G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  gpointer big = GINT_TO_POINTER (G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN);

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/bus/wire/values-are-counted/little", little, test_values_are_counted);
  g_test_add_data_func ("/bus/wire/values-are-counted/big", big, test_values_are_counted);
  g_test_add_data_func ("/bus/wire/headers-are-read/little", little, test_headers_are_read);
  g_test_add_data_func ("/bus/wire/headers-are-read/big", big, test_headers_are_read);
  g_test_add_func ("/bus/wire/odd-headers-are-refused", test_odd_headers_are_refused);
  g_test_add_func ("/bus/wire/large-headers-are-refused", test_large_headers_are_refused);
  g_test_add_data_func ("/bus/wire/emptied/little", little, test_emptied);
  g_test_add_data_func ("/bus/wire/emptied/big", big, test_emptied);
  g_test_add_func ("/bus/wire/the-rest-is-not-read", test_the_rest_is_not_read);
  return g_test_run ();
}
