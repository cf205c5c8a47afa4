/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns the program's values into the arguments of a call, and refuses what cannot cross the
 * bus. The bus disconnects a program that sends a message that is too large or malformed, and
 * all of the program's calls end with the connection, so this is checked before a message is
 * sent. Only the service checks what the arguments mean. */

#include "config.h"

#include "certpin-arguments.h"

#include "certpin-error.h"

#include <string.h>

/* A bus takes messages of up to 32 MiB. The service can be configured to take bodies of 24 MiB. */
#define MESSAGE_MAX_BYTES (25 * 1024 * 1024)

/* A signature has at most 255 bytes, and a message at most 64 levels of containers (D-Bus
 * specification, "Valid Signatures"). No option needs more than a few levels. */
#define SIGNATURE_MAX_BYTES 255
#define DEPTH_MAX           16

/* Only UTF-8 may cross the bus. Invalid bytes are replaced, so that the service is the one to
 * say that the text is not a host or a key.
 * Returns: floating: an `s` */
GVariant *
certpin_arguments_text (const char *text)
{
  return g_variant_new_take_string (g_utf8_make_valid (text, -1));
}

/* `texts`: up to NULL.
 * Returns: floating: an `as` */
GVariant *
certpin_arguments_texts (const char *const *texts)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (size_t i = 0; texts[i] != NULL; i++)
    g_variant_builder_add_value (&builder, certpin_arguments_text (texts[i]));
  return g_variant_builder_end (&builder);
}

/* Returns: floating: an `ay` */
GVariant *
certpin_arguments_bytes (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

/* The part of a message that is measured so far: where the next value begins, and how many
 * containers it is in. */
typedef struct
{
  guint64 end;
  unsigned int depth;
} Measure;

static void
measure_add (Measure *measure, unsigned int alignment, guint64 bytes)
{
  measure->end = (measure->end + alignment - 1) / alignment * alignment + bytes;
}

/* The alignment of a type (D-Bus specification, "Summary of D-Bus Marshaling"). A basic type of
 * a fixed size has the same size. */
static unsigned int
alignment_of (char type)
{
  switch (type)
    {
    case 'n':
    case 'q':
      return 2;
    case 'b':
    case 'i':
    case 'u':
    case 'h':
    case 's':
    case 'o':
    case 'a':
      return 4;
    case 'x':
    case 't':
    case 'd':
    case '(':
    case '{':
      return 8;
    default: /* y, g, v */
      return 1;
    }
}

static unsigned int
depth_of (const GVariantType *type)
{
  unsigned int deepest = 0;

  if (g_variant_type_is_array (type))
    return 1 + depth_of (g_variant_type_element (type));
  if (!g_variant_type_is_tuple (type) && !g_variant_type_is_dict_entry (type))
    return 0;
  for (type = g_variant_type_first (type); type != NULL; type = g_variant_type_next (type))
    deepest = MAX (deepest, depth_of (type));
  return 1 + deepest;
}

static gboolean measure_value (Measure *measure, GVariant *value, GError **error);

static gboolean
measure_children (Measure *measure, GVariant *value, GError **error)
{
  gsize length = g_variant_n_children (value);

  for (gsize i = 0; i < length && measure->end <= MESSAGE_MAX_BYTES; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      if (!measure_value (measure, child, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
measure_array (Measure *measure, GVariant *value, GError **error)
{
  char element = g_variant_get_type_string (value)[1];
  unsigned int alignment = alignment_of (element);

  measure_add (measure, 4, 4); /* its length */
  measure_add (measure, alignment, 0);
  if (strchr ("ynqbiuhxtd", element) == NULL)
    return measure_children (measure, value, error);
  measure->end += (guint64)alignment * g_variant_n_children (value);
  return TRUE;
}

static gboolean
measure_variant (Measure *measure, GVariant *value, GError **error)
{
  g_autoptr (GVariant) child = g_variant_get_variant (value);
  const char *type = g_variant_get_type_string (child);
  unsigned int depth = measure->depth;
  gboolean measured;

  if (strlen (type) > SIGNATURE_MAX_BYTES || strstr (type, "()") != NULL
      || strchr (type, 'm') != NULL)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "an option has a value of type ‘%.100s’, which cannot be sent over D-Bus", type);
      return FALSE;
    }
  measure->depth += 1 + depth_of (g_variant_get_type (child));
  if (measure->depth > DEPTH_MAX)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "an option is nested more than %d levels deep", DEPTH_MAX);
      return FALSE;
    }
  measure_add (measure, 1, strlen (type) + 2);
  measured = measure_value (measure, child, error);
  measure->depth = depth;
  return measured;
}

static gboolean
measure_value (Measure *measure, GVariant *value, GError **error)
{
  char type = g_variant_get_type_string (value)[0];

  switch (type)
    {
    case 'v':
      return measure_variant (measure, value, error);
    case 'a':
      return measure_array (measure, value, error);
    case '(':
    case '{':
      measure_add (measure, 8, 0);
      return measure_children (measure, value, error);
    case 's':
    case 'o':
      measure_add (measure, 4, 4 + g_variant_get_size (value));
      return TRUE;
    case 'g':
      measure_add (measure, 1, 1 + g_variant_get_size (value));
      return TRUE;
    default:
      measure_add (measure, alignment_of (type), alignment_of (type));
      return TRUE;
    }
}

/* Checks that the bus accepts a message with these arguments.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_LIMIT_EXCEEDED */
gboolean
certpin_arguments_check (GVariant *arguments, GError **error)
{
  Measure measure = { 0 };

  if (!measure_value (&measure, arguments, error))
    return FALSE;
  if (measure.end <= MESSAGE_MAX_BYTES)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
               "the call is larger than the %d bytes that are allowed", MESSAGE_MAX_BYTES);
  return FALSE;
}
