/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that values are written as GDBus writes them. */

#include "config.h"

#include "daemon/bus/cpd-marshal.h"

#include <gio/gio.h>
#include <string.h>

#define MANY      2000
#define DEPTH_MAX 4

/* Returns: (transfer full): the body of a message, as GDBus writes it. `values`: a tuple */
static GBytes *
write_with_gdbus (GVariant *values)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_signal ("/a", "b.c", "D");
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *bytes = NULL;
  guint32 body_size;
  gsize size;

  g_dbus_message_set_serial (message, 1);
  g_dbus_message_set_body (message, values);
  bytes = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  memcpy (&body_size, bytes + 4, sizeof body_size);
  return g_bytes_new (bytes + size - body_size, body_size);
}

static void
assert_written (const CpdMarshal *marshal, GVariant *values)
{
  g_autoptr (GBytes) expected = write_with_gdbus (values);
  gsize size, inset_size = 0;
  const guint8 *bytes = g_bytes_get_data (expected, &size);
  const guint8 *inset
      = marshal->inset != NULL ? g_bytes_get_data (marshal->inset, &inset_size) : NULL;
  gsize at = marshal->inset != NULL ? marshal->inset_at : marshal->bytes->len;

  g_assert_cmpuint (cpd_marshal_get_size (marshal), ==, size);
  g_assert_cmpmem (marshal->bytes->data, at, bytes, at);
  g_assert_cmpmem (inset, inset_size, bytes + at, inset_size);
  g_assert_cmpmem (marshal->bytes->data + at, marshal->bytes->len - at, bytes + at + inset_size,
                   size - at - inset_size);
}

/* `values`: a tuple; sunk if floating */
static void
check (GVariant *values)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (values);
  CpdMarshal marshal;

  cpd_marshal_init (&marshal);
  cpd_marshal_value (&marshal, owned);
  assert_written (&marshal, owned);
  cpd_marshal_clear (&marshal);
}

static void
test_values (void)
{
  static const char *const values[] = {
    "('h.example', ['a', 'bb', ''], {'x': <1>, 'y': <'z'>})",
    "(@ay [1, 2, 3], @aay [[], [1], [1, 2]], @ab [true, false], true)",
    "(@a(ss) [], 'x', @a(ss) [('a', 'b'), ('c', 'd')])",
    "(@y 1, @a{sv} {}, <<<<1>>>>, @g 'a{sv}', objectpath '/x/y', @h 0, @x 7, @d 1.5, @n 2, @y 3)",
    "((1, ('a', 2.0), @aaas [[['p'], []], []]), @at [1, 2, 3], {uint16 3: @av [<1>, <@ay []>]})",
    "(@y 1, @at [], @y 2, @a{st} {}, @y 3, @ad [])",
    "('ünïcödé', <'ü'>)",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (values); i++)
    check (g_variant_new_parsed (values[i]));
}

static GVariant *make_value (const char **type);

/* Advances `type` past one complete type. */
static void
skip_type (const char **type)
{
  const char *end;

  g_assert_true (g_variant_type_string_scan (*type, NULL, &end));
  *type = end;
}

static char *
make_text (void)
{
  int length = g_test_rand_int_range (0, 20);
  GString *text = g_string_new (NULL);

  for (int i = 0; i < length; i++)
    g_string_append_unichar (text, (gunichar)g_test_rand_int_range (1, 0x7ff));
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full): one complete type, without maybes, of at most that depth */
static char *
make_type (int depth)
{
  static const char basic[] = "ybnqiuxtdhsogv";
  g_autofree char *first = NULL, *second = NULL;
  char key = basic[g_test_rand_int_range (0, (int)strlen (basic) - 1)];

  if (depth == 0 || g_test_rand_bit ())
    return g_strndup (&basic[g_test_rand_int_range (0, (int)strlen (basic))], 1);
  first = make_type (depth - 1);
  second = make_type (depth - 1);
  switch (g_test_rand_int_range (0, 3))
    {
    case 0:
      return g_strconcat ("a", first, NULL);
    case 1:
      return g_strdup_printf ("a{%c%s}", key, first);
    default:
      return g_strconcat ("(", first, second, ")", NULL);
    }
}

static GVariant *
make_variant (void)
{
  g_autofree char *type = make_type (1);
  const char *rest = type;

  return g_variant_new_variant (make_value (&rest));
}

static GVariant *
make_basic (char type)
{
  gint64 number = (gint64)((guint64)g_test_rand_int () << 32 | (guint32)g_test_rand_int ());

  switch (type)
    {
    case 'y':
      return g_variant_new_byte ((guint8)number);
    case 'b':
      return g_variant_new_boolean (number & 1);
    case 'n':
      return g_variant_new_int16 ((gint16)number);
    case 'q':
      return g_variant_new_uint16 ((guint16)number);
    case 'i':
      return g_variant_new_int32 ((gint32)number);
    case 'u':
      return g_variant_new_uint32 ((guint32)number);
    case 'h':
      return g_variant_new_handle ((gint32)number);
    case 'x':
      return g_variant_new_int64 (number);
    case 't':
      return g_variant_new_uint64 ((guint64)number);
    case 'd':
      return g_variant_new_double (g_test_rand_double ());
    case 'o':
      return g_variant_new_object_path (number & 1 ? "/" : "/a/b_c");
    case 'g':
      return g_variant_new_signature (number & 1 ? "" : "a{sv}");
    case 's':
      return g_variant_new_take_string (make_text ());
    default:
      return make_variant ();
    }
}

/* `type`: of the array; one complete type */
static GVariant *
make_array (const char *type)
{
  g_autofree char *whole = NULL;
  const char *end = type;
  int count = g_test_rand_int_range (0, 4);
  GVariantBuilder builder;

  skip_type (&end);
  whole = g_strndup (type, (gsize)(end - type));
  g_variant_builder_init (&builder, G_VARIANT_TYPE (whole));
  for (int i = 0; i < count; i++)
    {
      const char *element = type + 1;

      g_variant_builder_add_value (&builder, make_value (&element));
    }
  return g_variant_builder_end (&builder);
}

/* Random; advances `type` past its type. Returns: (floating) */
static GVariant *
make_value (const char **type)
{
  const char *first = *type;
  GVariant *parts[2];

  if (*first == 'a')
    {
      skip_type (type);
      return make_array (first);
    }
  ++*type;
  if (*first != '(' && *first != '{')
    return make_basic (*first);
  parts[0] = make_value (type);
  parts[1] = make_value (type);
  ++*type;
  return *first == '{' ? g_variant_new_dict_entry (parts[0], parts[1])
                       : g_variant_new_tuple (parts, 2);
}

static void
test_random (void)
{
  for (int i = 0; i < MANY; i++)
    {
      g_autofree char *type = make_type (DEPTH_MAX), *more = make_type (DEPTH_MAX);
      const char *rest = type, *rest_of_more = more;
      GVariant *const values[] = { make_value (&rest), make_value (&rest_of_more) };

      check (g_variant_new_tuple (values, G_N_ELEMENTS (values)));
    }
}

/* Without a value that GVariant has made. */
static void
test_parts (void)
{
  g_autoptr (GBytes) body = g_bytes_new_static ("12345", 5);
  g_autoptr (GVariant) expected = g_variant_ref_sink (
      g_variant_new_parsed ("(uint32 200, [('a', 'b')], [byte 0x31, 0x32, 0x33, 0x34, 0x35], "
                            "{'x': <uint64 7>, 'y': <'z'>}, byte 0xff)"));
  CpdMarshal marshal;
  CpdMarshalArray array;

  cpd_marshal_init (&marshal);
  cpd_marshal_number (&marshal, 200);
  array = cpd_marshal_begin_array (&marshal, 8);
  cpd_marshal_align (&marshal, 8);
  cpd_marshal_text (&marshal, "a");
  cpd_marshal_text (&marshal, "b");
  cpd_marshal_end_array (&marshal, array);
  cpd_marshal_inset (&marshal, body);
  array = cpd_marshal_begin_array (&marshal, 8);
  cpd_marshal_name (&marshal, "x", "t");
  cpd_marshal_long (&marshal, 7);
  cpd_marshal_name (&marshal, "y", "s");
  cpd_marshal_text (&marshal, "z");
  cpd_marshal_end_array (&marshal, array);
  cpd_marshal_byte (&marshal, 0xff);
  assert_written (&marshal, expected);
  cpd_marshal_clear (&marshal);
}

/* The bus would disconnect the service for it. */
static void
test_not_utf8 (void)
{
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new ("(s)", "a\357\277\275b"));
  CpdMarshal marshal;

  cpd_marshal_init (&marshal);
  cpd_marshal_text (&marshal, "a\xff"
                              "b");
  assert_written (&marshal, expected);
  cpd_marshal_clear (&marshal);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/marshal/values", test_values);
  g_test_add_func ("/bus/marshal/random", test_random);
  g_test_add_func ("/bus/marshal/parts", test_parts);
  g_test_add_func ("/bus/marshal/not-utf8", test_not_utf8);
  return g_test_run ();
}
