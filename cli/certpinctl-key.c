/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `key`: prints the keys of certificates, in the spelling that another program wants. */

#include "config.h"

#include "certpinctl-key.h"

#include "certpinctl-each.h"
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
  gboolean chain; /* all certificates */
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
print_rows (Ctl *ctl, GPtrArray *rows)
{
  for (unsigned int i = 0; i < rows->len; i++)
    {
      char **cells = rows->pdata[i];

      if (ctl->out.terminal)
        ctl_print_line (&ctl->out, "%s  %s", cells[0], cells[1]);
      else
        ctl_print_line (&ctl->out, "%s", cells[0]);
    }
  g_ptr_array_set_size (rows, 0);
  ctl_stream_flush (&ctl->out, /* error= */ NULL); /* below what is said of them */
}

/* A CtlOfHost, also of a file. `data`: Output */
static CtlExit
print (Ctl *ctl, gpointer data, gboolean first, GError **error)
{
  Output *output = data;
  const char *name = ctl->arguments[0];

  if (!(output->chain ? add_all : add_one) (ctl, output, name, error))
    return CTL_EXIT_FAILED;
  if (!ctl->json)
    print_rows (ctl, output->rows);
  return CTL_EXIT_OK;
}

CtlExit
ctl_key (Ctl *ctl, GError **error)
{
  g_autofree char *format = NULL;
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  Output output = { .rows = rows };
  const GOptionEntry options[] = {
    { "format", 0, 0, G_OPTION_ARG_STRING, &format,
      N_ ("sha256, curl, hpkp, base64, hex or openssl"), N_ ("FORMAT") },
    { "chain", 0, 0, G_OPTION_ARG_NONE, &output.chain,
      N_ ("all certificates, the server's own first"), NULL },
    { NULL },
  };
  g_autoptr (GVariant) entries = NULL;
  CtlExit status;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  output.format = find_format (format, error);
  if (output.format == NULL)
    return CTL_EXIT_USAGE;
  g_variant_builder_init (&output.entries, G_VARIANT_TYPE ("aa{sv}"));
  status = ctl_each (ctl, print, &output, error);
  entries = g_variant_ref_sink (g_variant_builder_end (&output.entries));
  /* One document has all keys, or there is none but those of errors. */
  if (ctl->json && status == CTL_EXIT_OK)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'keys': %v}", entries));
  return status;
}
