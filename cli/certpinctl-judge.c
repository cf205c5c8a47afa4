/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that need no connection: `explain` shows which pins apply to a host, `verify` checks a
 * chain. */

#include "config.h"

#include "certpinctl-judge.h"

#include "certpinctl-accept.h"
#include "certpinctl-certificate.h"
#include "certpinctl-each.h"
#include "certpinctl-failure.h"
#include "certpinctl-host.h"
#include "certpinctl-input.h"
#include "certpinctl-options.h"
#include "certpinctl-pager.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-reply.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include "client-lib/certpin-pem.h"

#include <glib/gi18n.h>

#include <string.h>

/* No number that is given. */
#define DEFAULT_PORT G_MININT

#define FILE_MAX_BYTES (1024 * 1024)

static const CtlField verdict_fields[] = {
  { "verdict", N_ ("verdict") },           { "reason", N_ ("reason") },
  { "trusted", N_ ("trusted") },           { "matched-key", N_ ("matched key") },
  { "matched-position", N_ ("position") }, { "path-keys", N_ ("path") },
  { "offered-keys", N_ ("offered keys") }, { NULL },
};

static const CtlField explained_fields[] = {
  { "applies", N_ ("applies") },
  { "why", N_ ("why") },
  { "scope", N_ ("scope") },
  { "app", N_ ("app") },
  { "state", N_ ("state") },
  { "paused-until", N_ ("paused until") },
  { "pause-reason", N_ ("pause reason") },
  { "stored", N_ ("stored") },
  { "match", N_ ("match") },
  { "mode", N_ ("mode") },
  { "keys", N_ ("keys") },
  { "trust-anchors", N_ ("own trust anchors") },
  { "reason", N_ ("reason") },
  { "source", N_ ("source") },
  { NULL },
};

/* `host`: (nullable): with a port that was given; NULL: as it was typed */
static void
print_how_to_pin (Ctl *ctl, const char *host)
{
  g_autofree char *word = ctl_input_quote (host != NULL ? host : ctl->arguments[0]);
  g_autofree char *command = g_strconcat ("certpinctl pin --fetch ", word, NULL);

  ctl_print_command (&ctl->out, "    ", command);
}

static void
print_explanation (Ctl *ctl, GVariant *explanation, gboolean ported)
{
  g_autoptr (GVariant) pins
      = g_variant_lookup_value (explanation, "pins", G_VARIANT_TYPE ("aa{sv}"));
  const char *host = "", *policy = "", *proxy = NULL;

  g_variant_lookup (explanation, "host", "&s", &host);
  g_variant_lookup (explanation, "policy", "&s", &policy);
  g_variant_lookup (explanation, "proxy", "&s", &proxy);
  ctl_print_heading (&ctl->out, host);
  ctl_print_cell (&ctl->out, "", 2);
  ctl_print_wrapped (&ctl->out, policy, 2, 4);
  if (pins == NULL || g_variant_n_children (pins) == 0)
    print_how_to_pin (ctl, ported ? host : NULL);
  if (proxy != NULL)
    ctl_print_line (&ctl->out, _ ("  proxy: %s"), proxy);
  for (gsize i = 0; pins != NULL && i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);

      ctl_print_blank (&ctl->out);
      ctl_print_pin (&ctl->out, pin, explained_fields);
    }
}

/* A mismatch that a command would end: the last refusal of the host. */
static void
print_mismatch (Ctl *ctl)
{
  g_autoptr (GError) ignored = NULL;
  g_autoptr (GVariant) failure = ctl_lookup_failure (ctl, ctl->arguments[0], &ignored);
  g_autofree char *accept
      = failure != NULL ? ctl_accept_find (ctl, ctl->arguments[0], failure) : NULL;

  if (accept == NULL)
    return;
  ctl_print_blank (&ctl->out);
  ctl_print_heading (&ctl->out, _ ("Last mismatch"));
  ctl_print_failure (&ctl->out, failure);
  ctl_print_accept (&ctl->out, accept);
}

static void
print_document (Ctl *ctl, const char *name, GVariant *value)
{
  g_auto (GVariantBuilder) document = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&document, "{sv}", name, value);
  ctl_print_json (&ctl->out, g_variant_builder_end (&document));
}

/* A CtlOfHost. `data`: the port, or DEFAULT_PORT */
static CtlExit
explain (Ctl *ctl, gpointer data, gboolean first, GError **error)
{
  int port = *(int *)data;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) explanation = NULL;

  certpin_client_explain_host_async (
      ctl->client, ctl->arguments[0],
      port != DEFAULT_PORT ? g_variant_new_parsed ("{'port': <%u>}", (guint32)port) : NULL,
      ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  explanation
      = ctl_reply_take_record (certpin_client_explain_host_finish (ctl->client, result, error),
                               CTL_REPLY_EXPLANATION, error);
  if (explanation == NULL)
    return CTL_EXIT_FAILED;
  ctl_pager_open (ctl);
  if (ctl->json)
    print_document (ctl, "explanation", explanation);
  else
    {
      if (!first)
        ctl_print_blank (&ctl->out);
      print_explanation (ctl, explanation, port != DEFAULT_PORT);
      print_mismatch (ctl);
    }
  return CTL_EXIT_OK;
}

CtlExit
ctl_explain (Ctl *ctl, GError **error)
{
  int port = DEFAULT_PORT;
  const GOptionEntry options[] = {
    { "port", 0, 0, G_OPTION_ARG_INT, &port,
      N_ ("the port of the request (default: that of HOST, or 443)"), N_ ("PORT") },
    { NULL },
  };

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  if (port != DEFAULT_PORT && (port < 1 || port > G_MAXUINT16))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("‘%d’ is not a port; give a number from 1 to 65535"), port);
      return CTL_EXIT_USAGE;
    }
  return ctl_each (ctl, explain, &port, error);
}

/* Adds what a PKCS#7 or PKCS#12 file has. */
static gboolean
add_contents (Ctl *ctl, GPtrArray *chain, GBytes *file, const char *path, GError **error)
{
  g_autoptr (GVariant) all = ctl_certificate_describe_all (ctl, file, path, error);

  for (gsize i = 0; all != NULL && i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (all, i);

      g_ptr_array_add (chain, ctl_certificate_get_der (one));
    }
  return all != NULL;
}

/* PEM of something else, such as a key, of which it is said what it is. */
static gboolean
is_other_pem (const char *text, gsize length)
{
  return text != NULL && g_strstr_len (text, (gssize)length, "-----BEGIN ") != NULL
         && g_strstr_len (text, (gssize)length, "-----BEGIN CERTIFICATE-----") == NULL;
}

/* Adds every certificate of the file. One that is in no known format is added whole: the service
 * checks it. */
static gboolean
add_certificates (Ctl *ctl, GPtrArray *chain, GBytes *file, const char *path, GError **error)
{
  g_autofree char *shown = ctl_input_show (path);
  unsigned int before = chain->len;
  gsize length;
  const char *data = g_bytes_get_data (file, &length);

  if (ctl_certificate_is_container (file) || is_other_pem (data, length))
    return add_contents (ctl, chain, file, path, error);
  if (data == NULL || g_strstr_len (data, (gssize)length, "-----BEGIN ") == NULL)
    g_ptr_array_add (chain, g_bytes_ref (file));
  else if (!certpin_pem_read (data, length, chain) || chain->len == before)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT,
                   _ ("%s is PEM, but has no complete certificate; get the whole file again"),
                   shown);
      return FALSE;
    }
  return TRUE;
}

static GPtrArray *
read_chain (Ctl *ctl, char **files, GError **error)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (size_t i = 0; files != NULL && files[i] != NULL; i++)
    {
      g_autoptr (GBytes) file = ctl_input_read (files[i], FILE_MAX_BYTES, error);

      if (file == NULL || !add_certificates (ctl, chain, file, files[i], error))
        return NULL;
    }
  return g_steal_pointer (&chain);
}

/* The options of `verify`. */
typedef struct
{
  char *host;
  char *time;
  char **anchors; /* names of files */
  char **keys;
  char *match;
} VerifyOptions;

static void
verify_options_clear (VerifyOptions *options)
{
  g_free (options->host);
  g_free (options->time);
  g_strfreev (options->anchors);
  g_strfreev (options->keys);
  g_free (options->match);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VerifyOptions, verify_options_clear)

static GVariant *
new_array (GPtrArray *certificates)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aay"));
  for (unsigned int i = 0; i < certificates->len; i++)
    g_variant_builder_add_value (&builder, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING,
                                                                     certificates->pdata[i], TRUE));
  return g_variant_builder_end (&builder);
}

/* Returns: (nullable): `a{sv}`, floating */
static GVariant *
options_of_verify (Ctl *ctl, const VerifyOptions *options, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GPtrArray) anchors = NULL;
  gint64 time;

  if (options->time != NULL)
    {
      if (!ctl_time_parse (options->time, &time, error))
        return NULL;
      g_variant_dict_insert (&dict, "time", "x", time);
    }
  anchors = read_chain (ctl, options->anchors, error);
  if (anchors == NULL)
    return NULL;
  if (anchors->len > 0)
    g_variant_dict_insert_value (&dict, "trust-anchors", new_array (anchors));
  if (options->keys != NULL)
    g_variant_dict_insert (&dict, "keys", "^as", options->keys);
  if (options->match != NULL)
    g_variant_dict_insert (&dict, "match", "s", options->match);
  return g_variant_dict_end (&dict);
}

static CtlExit
print_verdict (Ctl *ctl, GVariant *verdict)
{
  const char *name = "";

  g_variant_lookup (verdict, "verdict", "&s", &name);
  if (ctl->json)
    print_document (ctl, "verdict", verdict);
  else
    ctl_print_fields (&ctl->out, verdict, verdict_fields);
  return strcmp (name, "Pass") == 0 ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}

CtlExit
ctl_verify (Ctl *ctl, GError **error)
{
  g_auto (VerifyOptions) given = { NULL };
  const GOptionEntry options[] = {
    { "host", 0, 0, G_OPTION_ARG_STRING, &given.host,
      N_ ("the server's host; without it, only the certification path is checked"), N_ ("HOST") },
    { "time", 0, 0, G_OPTION_ARG_STRING, &given.time,
      N_ ("check as of this date, such as 2027-01-31 or 2027-01-31T12:00Z"), N_ ("DATE") },
    { "trust-anchor", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given.anchors,
      N_ ("trust this CA, not the system's CAs; may be repeated"), N_ ("FILE") },
    { "key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.keys,
      N_ ("check against this key instead of the pins; may be repeated"), N_ ("KEY") },
    { "match", 0, 0, G_OPTION_ARG_STRING, &given.match,
      N_ ("what --key is compared with: leaf or path, as for pin"), N_ ("MATCH") },
    { NULL },
  };
  g_autoptr (GPtrArray) chain = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) verdict = NULL;
  GVariant *dictionary;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  chain = read_chain (ctl, ctl->arguments, error);
  dictionary = chain != NULL ? options_of_verify (ctl, &given, error) : NULL;
  if (dictionary == NULL)
    return CTL_EXIT_FAILED;
  ctl->host = given.host != NULL ? ctl_host_of_url (given.host) : NULL; /* where a URL is given */
  certpin_client_verify_chain_async (ctl->client, given.host != NULL ? given.host : "", chain,
                                     dictionary, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  verdict = ctl_reply_take_record (certpin_client_verify_chain_finish (ctl->client, result, error),
                                   CTL_REPLY_VERDICT, error);
  if (g_error_matches (*error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT)
      && g_strv_length (ctl->arguments) == 1 && given.anchors == NULL)
    ctl_input_prefix_error (ctl->arguments[0], error);
  return verdict != NULL ? print_verdict (ctl, verdict) : CTL_EXIT_FAILED;
}
