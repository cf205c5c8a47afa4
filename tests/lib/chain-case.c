/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the chains that others made: one case a line, as tests/vectors/README.md says. */

#include "config.h"

#include "chain-case.h"

#include <time.h>

const ChainSet chain_sets[CHAIN_SETS] = { { "limbo", "limbo/limbo.jsonl" },
                                          { "bettertls", "chains/bettertls.jsonl" },
                                          { "boringssl", "chains/boringssl-pki.jsonl" },
                                          { "pkits", "chains/pkits.jsonl" },
                                          { "pin", "chains/pin.jsonl" } };

static GPtrArray *
get_ders (JsonObject *object, const char *member)
{
  JsonArray *array = json_object_get_array_member (object, member);
  GPtrArray *ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (unsigned int i = 0; i < json_array_get_length (array); i++)
    {
      gsize length;
      guchar *der = g_base64_decode (json_array_get_string_element (array, i), &length);
      g_ptr_array_add (ders, g_bytes_new_take (der, length));
    }
  return ders;
}

/* As cpd_anchors_new_of_machine () takes a bundle: what is no certificate trusts nothing. */
static GPtrArray *
get_trusted (JsonObject *object)
{
  GPtrArray *ders = get_ders (object, "trusted");

  for (unsigned int i = 0; i < ders->len;)
    {
      g_autoptr (CpdCertificate) certificate = cpd_certificate_new (ders->pdata[i], NULL);

      if (certificate != NULL)
        i++;
      else
        g_ptr_array_remove_index (ders, i);
    }
  return ders;
}

/* The first use that is named is the one that is asked for; limbo's cases are all of servers. */
static CpdPurpose
get_purpose (JsonObject *object)
{
  JsonArray *eku = json_object_get_array_member (object, "eku");
  const char *first
      = json_array_get_length (eku) > 0 ? json_array_get_string_element (eku, 0) : NULL;
  const char *suite = json_object_get_string_member (object, "suite");

  if (g_strcmp0 (first, "serverAuth") == 0 || (first == NULL && g_str_equal (suite, "limbo")))
    return CPD_PURPOSE_SERVER;
  return CPD_PURPOSE_ANY;
}

static void
run_case (JsonObject *object, ChainCaseFunc function, gpointer user_data)
{
  g_autoptr (GPtrArray) chain = get_ders (object, "chain");
  g_autoptr (GPtrArray) trusted = get_trusted (object);
  const ChainCase chain_case = {
    .json = object,
    .id = json_object_get_string_member (object, "id"),
    .name
    = json_object_get_null_member (object, "peer")
          ? NULL
          : json_object_get_string_member (json_object_get_object_member (object, "peer"), "value"),
    .chain = chain,
    .trusted = trusted,
    .purpose = get_purpose (object),
    .now = json_object_get_int_member_with_default (object, "time", (gint64)time (NULL)),
  };

  function (&chain_case, user_data);
}

/* `file`: below the folder of `vectors`. Errors: G_FILE_ERROR, JSON_PARSER_ERROR */
gboolean
chain_set_foreach (const char *vectors, const char *file, ChainCaseFunc function,
                   gpointer user_data, GError **error)
{
  g_autofree char *path = g_build_filename (vectors, file, NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (JsonNode) root = NULL;

      if (*lines[i] == '\0')
        continue;
      root = json_from_string (lines[i], error);
      if (root == NULL)
        return FALSE;
      run_case (json_node_get_object (root), function, user_data);
    }
  return TRUE;
}
