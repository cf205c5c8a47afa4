/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `key`: prints the keys of certificates, in the spelling that another program wants. */

#include "config.h"

#include "certpinctl-key.h"

#include "certpinctl-named.h"
#include "certpinctl-options.h"

#include <glib/gi18n.h>

#include <string.h>

/* How a digest is spelled: `before`, base64 or hexadecimal digits, `after`. */
typedef struct
{
  const char *name;
  const char *before;
  const char *after;
  gboolean hexadecimal;
  const char *separator; /* between two bytes */
} Format;

static const Format formats[] = {
  { "sha256", "sha256/", "" }, { "curl", "sha256//", "" },  { "hpkp", "pin-sha256=\"", "\"" },
  { "base64", "", "" },        { "hex", "", "", TRUE, "" }, { "openssl", "", "", TRUE, ":" },
};

/* `name`: NULL: the usual one. Returns: (nullable): NULL with the error set */
static const Format *
find_format (const char *name, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    if (name == NULL || strcmp (formats[i].name, name) == 0)
      return &formats[i];
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is not a format; give sha256, curl, hpkp, base64, hex or openssl"), name);
  return NULL;
}

static char *
spell_bytes (const guint8 *digest, const char *separator)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (int i = 0; i < CERTPIN_KEY_BYTES; i++)
    g_string_append_printf (text, "%s%02x", i > 0 ? separator : "", digest[i]);
  return g_string_free (g_steal_pointer (&text), /* free_segment= */ FALSE);
}

/* `text`: as the service spells it. Returns: (transfer full) (nullable) */
static char *
spell (const char *text, const Format *format, GError **error)
{
  g_autoptr (CertpinKey) key = certpin_key_new_from_text (text, error);
  g_autofree char *digest = NULL;

  if (key == NULL)
    return NULL;
  digest = format->hexadecimal ? spell_bytes (certpin_key_get_digest (key), format->separator)
                               : g_base64_encode (certpin_key_get_digest (key), CERTPIN_KEY_BYTES);
  return g_strconcat (format->before, digest, format->after, NULL);
}

/* What is printed: lines of text, and entries of the JSON document. */
typedef struct
{
  const Format *format;
  GPtrArray *rows;
  GVariantBuilder entries;
} Output;

static gboolean
add (Output *output, const char *name, GVariant *certificate, GError **error)
{
  static const char *const shown[] = { "subject", "issuer", "not-before", "not-after" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *key = "", *subject = "";
  g_autofree char *spelled = NULL, *valid = g_utf8_make_valid (name, -1);

  g_variant_lookup (certificate, "key", "&s", &key);
  g_variant_lookup (certificate, "subject", "&s", &subject);
  spelled = spell (key, output->format, error);
  if (spelled == NULL)
    return FALSE;
  g_ptr_array_add (output->rows, g_strdupv ((char *[]){ spelled, (char *)subject, NULL }));
  g_variant_dict_insert (&dict, "name", "s", valid);
  g_variant_dict_insert (&dict, "key", "s", spelled);
  for (size_t i = 0; i < G_N_ELEMENTS (shown); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (certificate, shown[i], NULL);

      if (value != NULL)
        g_variant_dict_insert_value (&dict, shown[i], value);
    }
  g_variant_builder_add_value (&output->entries, g_variant_dict_end (&dict));
  return TRUE;
}

static gboolean
add_all (Ctl *ctl, Output *output, const char *name, GError **error)
{
  g_autoptr (GVariant) all = ctl_named_certificates (ctl, name, error);

  for (gsize i = 0; all != NULL && i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (all, i);

      if (!add (output, name, one, error))
        return FALSE;
    }
  return all != NULL;
}

static gboolean
add_one (Ctl *ctl, Output *output, const char *name, GError **error)
{
  g_autoptr (GVariant) one = ctl_named_certificate (ctl, name, error);

  return one != NULL && add (output, name, one, error);
}

/* The subjects are for people: what a script reads is keys alone. */
static void
print (Ctl *ctl, Output *output)
{
  g_autoptr (GVariant) entries = g_variant_ref_sink (g_variant_builder_end (&output->entries));

  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'keys': %v}", entries));
  for (unsigned int i = 0; !ctl->json && i < output->rows->len; i++)
    {
      char **cells = output->rows->pdata[i];

      if (ctl->out.terminal)
        ctl_print_line (&ctl->out, "%s  %s", cells[0], cells[1]);
      else
        ctl_print_line (&ctl->out, "%s", cells[0]);
    }
}

CtlExit
ctl_key (Ctl *ctl, GError **error)
{
  gboolean chain = FALSE, added = TRUE;
  g_autofree char *format = NULL;
  const GOptionEntry options[] = {
    { "format", 0, 0, G_OPTION_ARG_STRING, &format,
      N_ ("sha256, curl, hpkp, base64, hex or openssl"), N_ ("FORMAT") },
    { "chain", 0, 0, G_OPTION_ARG_NONE, &chain, N_ ("all certificates, the server's own first"),
      NULL },
    { NULL },
  };
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  Output output = { .rows = rows };

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  output.format = find_format (format, error);
  if (output.format == NULL)
    return CTL_EXIT_USAGE;
  g_variant_builder_init (&output.entries, G_VARIANT_TYPE ("aa{sv}"));
  for (char **name = ctl->arguments; added && *name != NULL; name++)
    added = chain ? add_all (ctl, &output, *name, error) : add_one (ctl, &output, *name, error);
  if (added)
    print (ctl, &output);
  else
    g_variant_builder_clear (&output.entries);
  return added ? CTL_EXIT_OK : CTL_EXIT_FAILED;
}
