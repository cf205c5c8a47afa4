/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server presents, as a table, and how long a pin of it will last. */

#include "config.h"

#include "certpinctl-presented.h"

#include "certpinctl-chain.h"
#include "certpinctl-time.h"

#include <glib/gi18n.h>

#include <string.h>

#define DAY_S (24 * 60 * 60)
/* Certificates that are valid for so long are renewed by programs, which often make a new key. */
#define SHORT_DAYS 100
/* A date without the time of day. */
#define DATE_LENGTH 10

void
ctl_presented_free (CtlPresented *presented)
{
  g_clear_pointer (&presented->info, g_variant_unref);
  g_clear_pointer (&presented->chain, g_ptr_array_unref);
  g_clear_pointer (&presented->certificate, g_bytes_unref);
  g_free (presented->key);
  g_free (presented);
}

static GVariant *
get_certificate (const CtlPresented *presented, gsize i)
{
  g_autoptr (GVariant) certificates
      = g_variant_lookup_value (presented->info, "certificates", G_VARIANT_TYPE ("aa{sv}"));

  return g_variant_get_child_value (certificates, i);
}

/* Finds the certificate with this key, if the server presents it. */
static void
choose (CtlPresented *presented, const char *key)
{
  presented->key = g_strdup (key);
  for (unsigned int i = 0; i < presented->chain->len; i++)
    {
      g_autoptr (GVariant) certificate = get_certificate (presented, i);
      const char *its = "";

      g_variant_lookup (certificate, "key", "&s", &its);
      if (presented->certificate == NULL && strcmp (its, key) == 0)
        presented->certificate = g_bytes_ref (presented->chain->pdata[i]);
    }
}

static gboolean
choose_authority (CtlPresented *presented, GError **error)
{
  g_auto (GStrv) path = NULL;

  g_variant_lookup (presented->info, "path-keys", "^as", &path);
  if (path != NULL && path[0] != NULL && path[1] != NULL)
    {
      choose (presented, path[1]);
      return TRUE;
    }
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_UNTRUSTED,
                       _ ("no trusted authority issued the server's certificate, so its key cannot "
                          "be pinned with --match=path; nothing was changed"));
  return FALSE;
}

static gboolean
choose_server (CtlPresented *presented, GError **error)
{
  g_autoptr (GVariant) own = get_certificate (presented, 0);
  const char *fault = NULL, *key = "";

  if (g_variant_lookup (own, "fault", "&s", &fault))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT,
                   _ ("the server's certificate cannot be pinned: %s; nothing was changed"), fault);
      return FALSE;
    }
  g_variant_lookup (own, "key", "&s", &key);
  choose (presented, key);
  return TRUE;
}

/* `path`: whether the key of the authority is meant.
 * Returns: (transfer full) (nullable) */
CtlPresented *
ctl_presented_fetch (Ctl *ctl, const char *host, gboolean path, GError **error)
{
  g_autoptr (CtlPresented) presented = g_new0 (CtlPresented, 1);
  const char *problem = NULL;

  presented->path = path;
  presented->info = ctl_chain_fetch (ctl, host, /* supposed= */ NULL, &presented->chain, error);
  if (presented->info == NULL)
    return NULL;
  if (g_variant_lookup (presented->info, "handshake-error", "&s", &problem))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_TLS_FAILED,
                   _ ("the server did not prove that it holds the key of its certificate: %s; "
                      "nothing was changed"),
                   problem);
      return NULL;
    }
  if (!(path ? choose_authority (presented, error) : choose_server (presented, error)))
    return NULL;
  return g_steal_pointer (&presented);
}

static void
add_row (GPtrArray *rows, const char *number, const char *until, const char *subject)
{
  g_ptr_array_add (rows,
                   g_strdupv ((char *[]){ (char *)number, (char *)until, (char *)subject, NULL }));
}

static void
print_table (Ctl *ctl, const CtlPresented *presented)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);

  add_row (rows, "", _ ("VALID UNTIL"), _ ("SUBJECT"));
  for (unsigned int i = 0; i < presented->chain->len; i++)
    {
      g_autoptr (GVariant) certificate = get_certificate (presented, i);
      g_autofree char *number = g_strdup_printf ("%u", i + 1), *until = NULL;
      const char *subject = "";
      gint64 not_after = 0;

      g_variant_lookup (certificate, "fault", "&s", &subject);
      g_variant_lookup (certificate, "subject", "&s", &subject);
      g_variant_lookup (certificate, "not-after", "x", &not_after);
      until = ctl_time_to_text (not_after);
      if (strlen (until) > DATE_LENGTH)
        until[DATE_LENGTH] = '\0';
      add_row (rows, number, until, subject);
    }
  ctl_print_table (&ctl->out, rows, 3);
}

static void
print_facts (Ctl *ctl, const CtlPresented *presented)
{
  static const CtlField fields[] = {
    { "key", N_ ("key") }, { "of", N_ ("of") }, { "validation", N_ ("validation") }, { NULL }
  };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) shown = NULL;
  const char *detail = _ ("passes");

  g_variant_lookup (presented->info, "detail", "&s", &detail);
  g_variant_dict_insert (&dict, "key", "s", presented->key);
  g_variant_dict_insert (&dict, "of", "s",
                         presented->path ? _ ("the authority that issued the server's certificate")
                                         : _ ("the server's certificate"));
  g_variant_dict_insert (&dict, "validation", "s", detail);
  shown = g_variant_ref_sink (g_variant_dict_end (&dict));
  ctl_print_fields (&ctl->out, shown, fields);
}

/* Lines for a terminal of 80 columns; DAYS is their number. */
static const char short_advice[]
    = N_ ("The certificate is valid for only DAYS days. Programs renew such certificates,\n"
          "often with a new key, and the pin then refuses the server. If the operator does\n"
          "not keep the key, pin the next one as well (--backup), or the authority's\n"
          "(--match=path).");
static const char long_advice[]
    = N_ ("The certificate is valid for DAYS days. The pin lasts until its key changes:\n"
          "ask the operator whether a renewal keeps the key. If there is a certificate with\n"
          "the next key already, pin that as well (--backup).");
static const char path_advice[]
    = N_ ("Every certificate that this authority issues for the host will pass, whatever\n"
          "its key. The pin lasts until the server gets one from another authority.");

/* How long a pin of it will last, and why. */
static void
print_advice (Ctl *ctl, const CtlPresented *presented)
{
  g_autoptr (GVariant) own = get_certificate (presented, 0);
  gint64 start = 0, end = 0, days;
  const char *advice;
  g_autofree char *number = NULL;
  g_autoptr (GString) text = NULL;

  g_variant_lookup (own, "not-before", "x", &start);
  g_variant_lookup (own, "not-after", "x", &end);
  days = (end - start) / DAY_S;
  advice = days <= SHORT_DAYS ? _ (short_advice) : _ (long_advice);
  if (presented->path)
    advice = _ (path_advice);
  number = g_strdup_printf ("%" G_GINT64_FORMAT, days);
  text = g_string_new (advice);
  g_string_replace (text, "DAYS", number, 0);
  ctl_print_lines (&ctl->out, text->str);
}

/* Prints what is presented, and how long a pin of it will last. */
void
ctl_presented_print (Ctl *ctl, const CtlPresented *presented)
{
  const char *host = "";

  g_variant_lookup (presented->info, "host", "&s", &host);
  ctl_print_heading (&ctl->out, host);
  print_table (ctl, presented);
  ctl_print_blank (&ctl->out);
  print_facts (ctl, presented);
  ctl_print_blank (&ctl->out);
  print_advice (ctl, presented);
  ctl_print_blank (&ctl->out);
}
