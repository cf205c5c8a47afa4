/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes values in D-Bus's format, in the byte order of this machine: D-Bus Specification,
 * “Marshaling (Wire Format)”. GVariant and GDBus do the same, but they make a value of each part
 * and look its type up, which took a third of all that a request costs. It only writes: bytes of
 * others never come here but as values. Whoever calls it sees to the types. */

#include "config.h"

#include "daemon/bus/cpd-marshal.h"

#include <string.h>

/* The usual reply fits. */
#define FIRST_BYTES 1024

/* “STRUCT and DICT_ENTRY” */
#define STRUCT_ALIGNMENT 8

void
cpd_marshal_init (CpdMarshal *marshal)
{
  *marshal = (CpdMarshal){ .bytes = g_byte_array_sized_new (FIRST_BYTES) };
}

void
cpd_marshal_clear (CpdMarshal *marshal)
{
  g_clear_pointer (&marshal->bytes, g_byte_array_unref);
  g_clear_pointer (&marshal->inset, g_bytes_unref);
}

/* Returns: how many bytes there are, with the inset */
gsize
cpd_marshal_get_size (const CpdMarshal *marshal)
{
  return marshal->bytes->len + (marshal->inset != NULL ? g_bytes_get_size (marshal->inset) : 0);
}

/* Returns: where `size` bytes are to be written, at a multiple of `alignment` */
static guint8 *
extend (CpdMarshal *marshal, gsize alignment, gsize size)
{
  gsize length = marshal->bytes->len;
  gsize padding = -cpd_marshal_get_size (marshal) & (alignment - 1);

  g_byte_array_set_size (marshal->bytes, (unsigned int)(length + padding + size));
  memset (marshal->bytes->data + length, 0, padding);
  return marshal->bytes->data + length + padding;
}

/* `at`: where there is one, before the inset */
void
cpd_marshal_set_number (CpdMarshal *marshal, gsize at, guint32 number)
{
  memcpy (marshal->bytes->data + at, &number, sizeof number);
}

/* `alignment`: 1, 2, 4 or 8 */
void
cpd_marshal_align (CpdMarshal *marshal, gsize alignment)
{
  extend (marshal, alignment, 0);
}

void
cpd_marshal_byte (CpdMarshal *marshal, guint8 byte)
{
  *extend (marshal, 1, 1) = byte;
}

/* `b`, `u`, `i`, `h` */
void
cpd_marshal_number (CpdMarshal *marshal, guint32 number)
{
  memcpy (extend (marshal, sizeof number, sizeof number), &number, sizeof number);
}

/* `t`, `x` */
void
cpd_marshal_long (CpdMarshal *marshal, guint64 number)
{
  memcpy (extend (marshal, sizeof number, sizeof number), &number, sizeof number);
}

/* `s`, `o`. The bus disconnects whoever sends text that is not UTF-8. */
void
cpd_marshal_text (CpdMarshal *marshal, const char *text)
{
  gsize length = strlen (text);
  g_autofree char *valid = NULL;
  guint32 number;
  guint8 *to;

  if (!g_utf8_validate_len (text, length, NULL))
    {
      text = valid = g_utf8_make_valid (text, (gssize)length);
      length = strlen (text);
    }
  number = (guint32)length;
  to = extend (marshal, sizeof number, sizeof number + length + 1);
  memcpy (to, &number, sizeof number);
  memcpy (to + sizeof number, text, length + 1);
}

/* `g`. `signature`: of at most 255 characters */
void
cpd_marshal_signature (CpdMarshal *marshal, const char *signature)
{
  gsize length = strlen (signature);
  guint8 *to = extend (marshal, 1, length + 2);

  to[0] = (guint8)length;
  memcpy (to + 1, signature, length + 1);
}

/* `ay`. Only one is not copied. */
void
cpd_marshal_inset (CpdMarshal *marshal, GBytes *bytes)
{
  g_return_if_fail (marshal->inset == NULL);

  cpd_marshal_number (marshal, (guint32)g_bytes_get_size (bytes));
  marshal->inset_at = marshal->bytes->len;
  marshal->inset = g_bytes_ref (bytes);
}

/* `alignment`: of its elements. Its length comes first, and is known at its end; it does not count
 * the padding before the first element. */
CpdMarshalArray
cpd_marshal_begin_array (CpdMarshal *marshal, gsize alignment)
{
  CpdMarshalArray array;

  cpd_marshal_number (marshal, 0);
  array.length_at = marshal->bytes->len - sizeof (guint32);
  cpd_marshal_align (marshal, alignment);
  array.begin = cpd_marshal_get_size (marshal);
  return array;
}

void
cpd_marshal_end_array (CpdMarshal *marshal, CpdMarshalArray array)
{
  cpd_marshal_set_number (marshal, array.length_at,
                          (guint32)(cpd_marshal_get_size (marshal) - array.begin));
}

/* An entry of an a{sv}, up to its value, which must come next. `type`: of the value */
void
cpd_marshal_name (CpdMarshal *marshal, const char *name, const char *type)
{
  cpd_marshal_align (marshal, STRUCT_ALIGNMENT);
  cpd_marshal_text (marshal, name);
  cpd_marshal_signature (marshal, type);
}

static gsize
get_alignment (const char *type)
{
  switch (type[0])
    {
    case 'y':
    case 'g':
    case 'v':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'b':
    case 'u':
    case 'i':
    case 'h':
    case 's':
    case 'o':
    case 'a':
      return 4;
    default:
      return 8;
    }
}

/* All values in a container, without itself: the elements of an array, for example. */
void
cpd_marshal_children (CpdMarshal *marshal, GVariant *container)
{
  gsize count = g_variant_n_children (container);

  for (gsize i = 0; i < count; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (container, i);

      cpd_marshal_value (marshal, child);
    }
}

static void
write_array (CpdMarshal *marshal, GVariant *value)
{
  CpdMarshalArray array
      = cpd_marshal_begin_array (marshal, get_alignment (g_variant_get_type_string (value) + 1));

  cpd_marshal_children (marshal, value);
  cpd_marshal_end_array (marshal, array);
}

static void
write_variant (CpdMarshal *marshal, GVariant *value)
{
  g_autoptr (GVariant) inner = g_variant_get_variant (value);

  cpd_marshal_signature (marshal, g_variant_get_type_string (inner));
  cpd_marshal_value (marshal, inner);
}

/* Numbers have the same bytes in GVariant's format. `value`: of a type that D-Bus has, too */
void
cpd_marshal_value (CpdMarshal *marshal, GVariant *value)
{
  gsize size;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      cpd_marshal_number (marshal, g_variant_get_boolean (value));
      break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
      cpd_marshal_text (marshal, g_variant_get_string (value, NULL));
      break;
    case G_VARIANT_CLASS_SIGNATURE:
      cpd_marshal_signature (marshal, g_variant_get_string (value, NULL));
      break;
    case G_VARIANT_CLASS_VARIANT:
      write_variant (marshal, value);
      break;
    case G_VARIANT_CLASS_ARRAY:
      write_array (marshal, value);
      break;
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      cpd_marshal_align (marshal, STRUCT_ALIGNMENT);
      cpd_marshal_children (marshal, value);
      break;
    default:
      size = g_variant_get_size (value);
      g_variant_store (value, extend (marshal, size, size));
      break;
    }
}
