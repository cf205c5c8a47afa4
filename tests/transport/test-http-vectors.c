/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads every response of tests/vectors/http in three ways: at once, byte by byte, and in random
 * pieces. None that is broken or cut may come out as whole, none that is whole may be refused or
 * changed. Where the RFCs leave a choice, a response that comes out otherwise than its case expects
 * must be in the list of known deviations, with its reason; and each in that list must still
 * deviate.
 *
 * usage: test-http-vectors VECTORS DEVIATIONS */

#include "config.h"

#include "http-feed.h"

#include "client-lib/certpin-error.h"

#include <json-glib/json-glib.h>

#include <string.h>

static const char *vectors;
static const char *deviations_path;

static const char *
get_text (JsonObject *object, const char *name)
{
  return json_object_get_string_member_with_default (object, name, NULL);
}

static gboolean
has_text (JsonObject *object, const char *name, const char *expected)
{
  return g_strcmp0 (get_text (object, name), expected) == 0;
}

static void G_GNUC_PRINTF (1, 2) complain (const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_test_message ("%s", text);
  g_test_fail ();
}

/* Returns: (transfer container) (element-type JsonNode): all cases */
static GPtrArray *
load_cases (void)
{
  g_autofree char *path = g_build_filename (vectors, "http", "cases.jsonl", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *cases = g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      g_ptr_array_add (cases, json_from_string (lines[i], &error));
  g_assert_no_error (error);
  return cases;
}

static HttpThen
get_then (JsonObject *vector)
{
  if (has_text (vector, "then", "keep"))
    return HTTP_THEN_KEEP;
  return has_text (vector, "then", "close") ? HTTP_THEN_CLOSE : HTTP_THEN_CUT;
}

static HttpOutcome *
read_vector (JsonObject *vector, HttpFeed feed)
{
  gsize length;
  guchar *data = g_base64_decode (get_text (vector, "raw_base64"), &length);
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, length);

  return http_feed (get_text (vector, "request_method"), bytes, feed, get_then (vector));
}

/* The cases give the bytes as Latin-1; where those are UTF-8, that is what is read. */
static gboolean
is_value (const char *value, const char *latin1)
{
  g_autofree char *bytes = g_convert (latin1, -1, "ISO-8859-1", "UTF-8", NULL, NULL, NULL);

  g_assert_nonnull (bytes);
  return g_str_equal (value, g_utf8_validate (bytes, -1, NULL) ? bytes : latin1);
}

static gboolean
has_fields (const CpdHttpHead *head, JsonArray *expected)
{
  if (head->n_fields != json_array_get_length (expected))
    return FALSE;
  for (unsigned int i = 0; i < head->n_fields; i++)
    {
      JsonArray *field = json_array_get_array_element (expected, i);

      if (!g_str_equal (head->fields[i].name, json_array_get_string_element (field, 0))
          || !is_value (head->fields[i].value, json_array_get_string_element (field, 1)))
        return FALSE;
    }
  return TRUE;
}

/* Returns: (nullable): what came out otherwise than the case says */
static const char *
find_change (const HttpOutcome *outcome, JsonObject *vector)
{
  g_autofree char *sha256
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, outcome->body->data, outcome->body->len);

  if (outcome->head->status != json_object_get_int_member (vector, "status"))
    return "another status";
  if (outcome->interim != json_object_get_int_member (vector, "interim"))
    return "another number of interim responses";
  if (json_object_has_member (vector, "headers")
      && !has_fields (outcome->head, json_object_get_array_member (vector, "headers")))
    return "other fields";
  if (!has_text (vector, "body_sha256", sha256))
    return "another body";
  return NULL;
}

static gboolean
is_true (JsonObject *vector, const char *name)
{
  return json_object_get_boolean_member_with_default (vector, name, FALSE);
}

/* Returns: (nullable): what was wrong with what came out, whatever the case leaves open */
static const char *
find_wrong (const HttpOutcome *outcome, JsonObject *vector)
{
  gboolean strict = !has_text (vector, "strictness", "lenient-ok");
  gboolean whole = has_text (vector, "expect", "complete");

  if (outcome->reusable && !is_true (vector, "reusable")
      && !json_object_get_null_member (vector, "reusable"))
    return "used again";
  if (outcome->complete && strict && !whole)
    return "delivered as whole";
  if (outcome->complete)
    return find_change (outcome, vector);
  return whole && strict ? "refused" : NULL;
}

/* Returns: (nullable): what came out otherwise than expected, where the RFCs leave the choice */
static const char *
find_deviation (const HttpOutcome *outcome, JsonObject *vector)
{
  if (has_text (vector, "expect", "either"))
    return NULL;
  if (outcome->complete != has_text (vector, "expect", "complete"))
    return outcome->complete ? "delivered" : "refused";
  return NULL;
}

/* Returns: (element-type utf8 utf8): id → "delivered" or "refused" */
static GHashTable *
load_deviations (void)
{
  GHashTable *known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (deviations_path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) parts = NULL;

      if (*lines[i] == '\0' || *lines[i] == '#')
        continue;
      parts = g_strsplit (lines[i], ": ", 3); /* ID, what became of it, why */
      g_assert_cmpuint (g_strv_length (parts), ==, 3);
      g_hash_table_insert (known, g_strdup (parts[0]), g_strdup (parts[1]));
    }
  return known;
}

static void
check_vector (JsonObject *vector, HttpFeed feed, GHashTable *known, unsigned int *delivered)
{
  const char *id = get_text (vector, "id");
  g_autoptr (HttpOutcome) outcome = read_vector (vector, feed);
  const char *wrong = find_wrong (outcome, vector);
  const char *deviation = find_deviation (outcome, vector);

  *delivered += outcome->complete;
  if (outcome->error != NULL)
    g_assert_true (g_error_matches (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR)
                   || g_error_matches (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED));
  if (wrong != NULL)
    complain ("%s: %s (%s)", id, wrong,
              outcome->error != NULL ? outcome->error->message : "no error");
  else if (g_strcmp0 (deviation, g_hash_table_lookup (known, id)) != 0)
    complain ("%s: %s, but the list says %s (%s)", id,
              deviation != NULL ? deviation : "as expected",
              g_hash_table_contains (known, id) ? "otherwise" : "nothing of it",
              outcome->error != NULL ? outcome->error->message : "no error");
}

static void
test_vectors (gconstpointer data)
{
  HttpFeed feed = GPOINTER_TO_UINT (data);
  g_autoptr (GPtrArray) cases = load_cases ();
  g_autoptr (GHashTable) known = load_deviations ();
  unsigned int delivered = 0;

  for (unsigned int i = 0; i < cases->len; i++)
    check_vector (json_node_get_object (cases->pdata[i]), feed, known, &delivered);
  g_test_message ("%u responses, %u delivered, %u deviations", cases->len, delivered,
                  g_hash_table_size (known));
  g_assert_cmpuint (cases->len, ==, 678);
}

/* Only what exists can deviate. */
static void
test_deviations (void)
{
  g_autoptr (GPtrArray) cases = load_cases ();
  g_autoptr (GHashTable) known = load_deviations ();
  GHashTableIter iter;
  gpointer id;

  for (unsigned int i = 0; i < cases->len; i++)
    g_hash_table_remove (known, get_text (json_node_get_object (cases->pdata[i]), "id"));
  g_hash_table_iter_init (&iter, known);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    complain ("%s is listed as a deviation, but there is no such case", (char *)id);
}

/* A connection that may be used again, and is not: nothing is lost but time. */
static void
test_reuse (void)
{
  g_autoptr (GPtrArray) cases = load_cases ();
  unsigned int reused = 0, unused = 0;

  for (unsigned int i = 0; i < cases->len; i++)
    {
      JsonObject *vector = json_node_get_object (cases->pdata[i]);
      g_autoptr (HttpOutcome) outcome = read_vector (vector, HTTP_FEED_AT_ONCE);

      if (!outcome->complete || !is_true (vector, "reusable"))
        continue;
      reused += outcome->reusable;
      unused += !outcome->reusable;
      if (!outcome->reusable && outcome->head->minor_version > 0)
        complain ("%s: not used again", get_text (vector, "id"));
    }
  g_test_message ("%u connections may be used again, %u of HTTP/1.0 are not", reused, unused);
  g_assert_cmpuint (reused, >, 50);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  if (argc < 3)
    g_error ("give the folder of vectors and the list of deviations");
  vectors = argv[1];
  deviations_path = argv[2];
  g_test_add_data_func ("/transport/http-vectors/at-once", GUINT_TO_POINTER (HTTP_FEED_AT_ONCE),
                        test_vectors);
  g_test_add_data_func ("/transport/http-vectors/bytewise", GUINT_TO_POINTER (HTTP_FEED_BYTEWISE),
                        test_vectors);
  g_test_add_data_func ("/transport/http-vectors/random", GUINT_TO_POINTER (HTTP_FEED_RANDOM),
                        test_vectors);
  g_test_add_func ("/transport/http-vectors/deviations", test_deviations);
  g_test_add_func ("/transport/http-vectors/reuse", test_reuse);
  return g_test_run ();
}
