/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file of one layer's sightings: a line that names the format, a line for each pin, and a line
 * that ends it, so that a torn file is no file. A line is a value in GVariant's text format. */

#include "config.h"

#include "daemon/core/pins/cpd-sighting-file.h"

#include "daemon/core/base/cpd-refuse.h"

#include <string.h>

#define FIRST_LINE "certpin sightings 1"
#define LAST_LINE  "end"

/* The host; the certificate's subject, issuer and end; when it was seen; when the journal was told;
 * keys, each with the first and the last time. */
#define LINE_TYPE "(s(ssx)xxa{s(xx)})"

static void
print_line (GString *text, const CpdSighting *sighting)
{
  g_autoptr (GVariant) value = NULL;
  g_autofree char *line = NULL;
  GVariantBuilder keys;

  g_variant_builder_init (&keys, G_VARIANT_TYPE ("a{s(xx)}"));
  for (unsigned int i = 0; i < sighting->keys->len; i++)
    {
      const CpdSightingKey *seen = &g_array_index (sighting->keys, CpdSightingKey, i);
      g_autofree char *key = certpin_key_to_text (seen->key);

      g_variant_builder_add (&keys, "{s(xx)}", key, seen->first, seen->last);
    }
  value = g_variant_ref_sink (g_variant_new (
      LINE_TYPE, cpd_host_get_text (sighting->host), sighting->subject, sighting->issuer,
      sighting->not_after, sighting->seen, sighting->warned, &keys));
  line = g_variant_print (value, /* type_annotate= */ FALSE);
  g_string_append (text, line);
  g_string_append_c (text, '\n');
}

/* `sightings`: of CpdSighting, the one that was seen last at the end. `most`: bytes; what was not
 * seen for longest is left out if it has to be.
 * Returns: (transfer full) */
GBytes *
cpd_sighting_file_print (GPtrArray *sightings, gsize most)
{
  GString *text = g_string_new (FIRST_LINE "\n");

  most -= strlen (LAST_LINE "\n");
  for (unsigned int i = sightings->len; i > 0; i--)
    {
      gsize before = text->len;

      print_line (text, sightings->pdata[i - 1]);
      if (text->len > most)
        {
          g_string_truncate (text, before);
          break;
        }
    }
  g_string_append (text, LAST_LINE "\n");
  return g_string_free_to_bytes (text);
}

/* No server was seen, and no certificate that passed ended, before 1970. */
static gboolean
check_time (gint64 unix_s, GError **error)
{
  return unix_s >= 0
         || cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED,
                        "‘%" G_GINT64_FORMAT "’ is not a number of Unix seconds", unix_s);
}

static gboolean
add_key (CpdSighting *sighting, const char *text, gint64 first, gint64 last, GError **error)
{
  CpdSightingKey seen = { NULL, first, last };

  if (check_time (first, error) && check_time (last, error))
    seen.key = certpin_key_new_from_text (text, error);
  if (seen.key != NULL)
    g_array_append_val (sighting->keys, seen);
  return seen.key != NULL;
}

static gboolean
add_keys (CpdSighting *sighting, GVariantIter *keys, GError **error)
{
  const char *text;
  gint64 first, last;

  while (g_variant_iter_next (keys, "{&s(xx)}", &text, &first, &last))
    if (!add_key (sighting, text, first, last, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_times (const CpdSighting *sighting, GError **error)
{
  return check_time (sighting->seen, error) && check_time (sighting->not_after, error)
         && check_time (sighting->warned, error);
}

/* Returns: (transfer full) (nullable) */
static CpdSighting *
parse_line (const char *line, GError **error)
{
  g_autoptr (GVariant) value
      = g_variant_parse (G_VARIANT_TYPE (LINE_TYPE), line, NULL, NULL, error);
  g_autoptr (GVariantIter) keys = NULL;
  g_autoptr (CpdSighting) sighting = NULL;
  g_autoptr (CpdHost) host = NULL;
  const char *text;

  if (value == NULL)
    return NULL;
  g_variant_get_child (value, 0, "&s", &text);
  host = cpd_host_new (text, error);
  if (host == NULL)
    return NULL;
  sighting = cpd_sighting_new (host);
  g_variant_get (value, LINE_TYPE, NULL, &sighting->subject, &sighting->issuer,
                 &sighting->not_after, &sighting->seen, &sighting->warned, &keys);
  if (!check_times (sighting, error) || !add_keys (sighting, keys, error))
    return NULL;
  return g_steal_pointer (&sighting);
}

/* GVariant's parser takes only valid text.
 * Returns: (transfer full) (nullable): the lines, with an empty one behind the last line end */
static GStrv
split (GBytes *text, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (text, &length);
  g_autofree char *copy = NULL;

  if (length > 0 && g_utf8_validate (data, (gssize)length, NULL))
    {
      copy = g_strndup (data, length);
      return g_strsplit (copy, "\n", -1);
    }
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "it is not text in UTF-8");
  return NULL;
}

/* Whether all of the file is there. */
static gboolean
check_ends (GStrv lines, GError **error)
{
  unsigned int n = g_strv_length (lines);

  if (n >= 3 && g_str_equal (lines[0], FIRST_LINE) && g_str_equal (lines[n - 2], LAST_LINE)
      && *lines[n - 1] == '\0')
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED,
                     "it does not begin with ‘%s’ and end with ‘%s’", FIRST_LINE, LAST_LINE);
}

/* All of it, or nothing.
 * Errors: CERTPIN_ERROR_STORE_FAILED.
 * Returns: (transfer full): of CpdSighting, in the order in which they were printed from */
GPtrArray *
cpd_sighting_file_parse (GBytes *text, GError **error)
{
  g_auto (GStrv) lines = split (text, error);
  g_autoptr (GPtrArray) sightings
      = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_sighting_unref);
  g_autoptr (GError) reason = NULL;

  if (lines == NULL || !check_ends (lines, error))
    return NULL;
  for (unsigned int i = g_strv_length (lines) - 2; i > 1; i--)
    {
      CpdSighting *sighting = parse_line (lines[i - 1], &reason);

      if (sighting == NULL)
        {
          g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "line %u: %s", i,
                       reason->message);
          return NULL;
        }
      g_ptr_array_add (sightings, sighting);
    }
  return g_steal_pointer (&sightings);
}
