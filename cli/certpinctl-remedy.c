/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What to do next, where that is a command: the service and the library, which say what is wrong,
 * do not know what was typed. */

#include "config.h"

#include "certpinctl-remedy.h"

#include "certpinctl-host.h"
#include "certpinctl-input.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-similar.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gboolean
takes_urls (const CtlVerb *verb)
{
  return strstr (verb->arguments, "URL") != NULL;
}

/* Whether the verb sends something, for which it does not matter who runs it. */
static gboolean
is_request (const CtlVerb *verb)
{
  return takes_urls (verb) || strstr (verb->arguments, "HOST:PORT") != NULL;
}

/* A redirect may lead to a host that nobody typed.
 * Returns: (transfer full) (nullable): where the message says it led to */
static char *
host_of_redirect (const char *message)
{
  static const char before[] = "after a redirect: host ‘", behind[] = "’", mark[] = " (port ";
  const char *begin = message + strlen (before), *port = g_strrstr (message, mark);
  const char *end = g_str_has_prefix (message, before) ? strstr (begin, behind) : NULL;
  g_autofree char *host = end != NULL ? g_strndup (begin, (size_t)(end - begin)) : NULL;
  gboolean literal = host != NULL && strchr (host, ':') != NULL;

  if (host == NULL || port == NULL)
    return g_steal_pointer (&host);
  return g_strdup_printf (literal ? "[%s]:%d" : "%s:%d", host, atoi (port + strlen (mark)));
}

/* `message`: (nullable): of the error.
 * Returns: (transfer full) (nullable): the host that failed, or that the command line is about */
static char *
find_host (Ctl *ctl, const char *message)
{
  char *redirected = message != NULL ? host_of_redirect (message) : NULL;
  const char *word = ctl->arguments != NULL ? ctl->arguments[0] : NULL;

  if (redirected != NULL)
    return redirected;
  if (ctl->host != NULL)
    return g_strdup (ctl->host);
  for (char **url = ctl->arguments; url != NULL && *url != NULL; url++)
    if (strstr (*url, "://") != NULL)
      return ctl_host_of_url (*url);
  return word != NULL && g_utf8_validate (word, -1, NULL)
                 && strstr (ctl->verb->arguments, "HOST") != NULL
             ? g_strdup (word)
             : NULL;
}

/* `options`: (nullable): NULL: all.
 * Returns: (transfer full) (nullable): pins that the user may see */
static GVariant *
ask_for_pins (Ctl *ctl, GVariant *options)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_list_pins_async (ctl->client, options, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, NULL), NULL);
}

/* Returns: (transfer container): the patterns of the pins */
static GPtrArray *
hosts_of (GVariant *pins)
{
  g_autoptr (GPtrArray) hosts = g_ptr_array_new ();

  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      const char *host = "";

      g_variant_lookup (pin, "host", "&s", &host);
      if (hosts->len == 0 || strcmp (hosts->pdata[hosts->len - 1], host) != 0)
        g_ptr_array_add (hosts, (gpointer)host);
    }
  g_ptr_array_add (hosts, NULL);
  return g_steal_pointer (&hosts);
}

/* Returns: (transfer full): a host, without its port if it has one */
static char *
name_of (const char *host)
{
  char *name;
  guint16 port;

  ctl_host_split (host, &name, &port);
  return name;
}

/* Returns: (transfer full): those of the hosts that differ only in the port */
static GStrv
find_other_ports (GPtrArray *hosts, const char *host)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  g_autofree char *name = name_of (host);

  for (unsigned int i = 0; hosts->pdata[i] != NULL; i++)
    {
      g_autofree char *other = name_of (hosts->pdata[i]);

      if (strcmp (other, name) == 0 && strcmp (hosts->pdata[i], host) != 0)
        g_strv_builder_add (found, hosts->pdata[i]);
    }
  return g_strv_builder_end (found);
}

/* `pins`: the user's and the system's.
 * Returns: (transfer full) (nullable): the question whether a pinned host is meant */
static char *
ask_for_host (Ctl *ctl, GVariant *pins, const char *host)
{
  g_autoptr (GVariant) of_app
      = ctl->app != NULL ? ask_for_pins (ctl, ctl_scope_options (ctl, /* system= */ FALSE)) : NULL;
  g_autoptr (GPtrArray) hosts = hosts_of (of_app != NULL ? of_app : pins);
  const char *const *candidates = (const char *const *)hosts->pdata;
  g_autofree char *name = name_of (host);
  g_auto (GStrv) similar = find_other_ports (hosts, host);

  for (int i = 0; i < 2 && similar[0] == NULL; i++) /* most pins are for all ports */
    {
      g_strfreev (similar);
      similar = ctl_similar_find (i == 0 ? host : name, candidates, CTL_SIMILAR_HOST);
    }
  return similar[0] != NULL ? ctl_similar_ask ((const char *const *)similar) : NULL;
}

/* What is said of a pin of that name in this scope, which the command is not about. */
static char *
describe_other_scope (const Ctl *ctl, const char *scope)
{
  const char *option = strcmp (ctl->verb->name, "export") == 0 ? "--scope=system" : "--system";
  gboolean system = strcmp (scope, "system") == 0;

  if (ctl->app != NULL)
    return g_strdup (system ? _ ("; the system has a pin of that name, which is not the app's")
                            : _ ("; you have a pin of that name, which is meant without --app"));
  return system ? g_strconcat (_ ("; the system has a pin of that name, which is meant with "),
                               option, NULL)
                : g_strconcat (_ ("; you have a pin of that name, which is meant without "), option,
                               NULL);
}

/* `pins`: the user's and the system's.
 * Returns: (transfer full) (nullable): what to do if exactly this host has a pin, in another
 * scope */
static char *
find_other_scope (const Ctl *ctl, GVariant *pins, const char *host)
{
  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      const char *other = "", *scope = "";

      g_variant_lookup (pin, "host", "&s", &other);
      g_variant_lookup (pin, "scope", "&s", &scope);
      if (strcmp (other, host) == 0)
        return describe_other_scope (ctl, scope);
    }
  return NULL;
}

/* Nothing is pinned for a host. */
static char *
find_pin (Ctl *ctl, const char *message)
{
  g_autofree char *host = find_host (ctl, message);
  g_autofree char *question = NULL, *word = NULL;
  g_autoptr (GVariant) pins = host != NULL ? ask_for_pins (ctl, /* options= */ NULL) : NULL;
  g_autofree char *option = ctl_scope_make_option (ctl, /* system= */ FALSE);
  char *other = pins != NULL && !is_request (ctl->verb) ? find_other_scope (ctl, pins, host) : NULL;

  if (other != NULL)
    return other;
  question = pins != NULL ? ask_for_host (ctl, pins, host) : NULL;
  if (question != NULL)
    return g_strconcat ("; ", question, NULL);
  if (host == NULL)
    return NULL;
  if (!is_request (ctl->verb))
    return g_strchomp (g_strconcat (_ ("; to see what is pinned: certpinctl list "), option, NULL));
  word = ctl_input_quote (host);
  return g_strconcat (_ (": certpinctl pin --fetch "), word, NULL);
}

/* Somebody else may do it; but no app in its sandbox becomes an administrator. */
static char *
find_authority (Ctl *ctl)
{
  g_autoptr (GString) command = g_string_new (_ ("; as an administrator: sudo certpinctl"));

  if (geteuid () == 0)
    return NULL;
  if (is_request (ctl->verb)) /* with other pins */
    return g_strdup (_ ("; to see what you may do: certpinctl doctor"));
  if (ctl_scope_is_inside (ctl))
    return NULL;
  for (char **word = ctl->typed + 1; *word != NULL; word++)
    {
      g_autofree char *quoted = ctl_input_quote (*word);

      g_string_append_printf (command, " %s", quoted);
    }
  return g_string_free (g_steal_pointer (&command), /* free_segment= */ FALSE);
}

/* Whether the word is a URL but for its https://. */
static gboolean
is_bare_url (const char *word)
{
  return strstr (word, "://") == NULL && strpbrk (word, ".:") != NULL
         && !g_str_has_prefix (word, "http") && !g_file_test (word, G_FILE_TEST_EXISTS);
}

/* To curl, --json is what is sent. */
static gboolean
is_json (const char *word)
{
  return *word != '\0' && strchr ("{[\"@", *word) != NULL;
}

static char *
find_url (Ctl *ctl)
{
  for (char **word = ctl->arguments; ctl->json && word != NULL && *word != NULL; word++)
    if (is_json (*word))
      return g_strdup (_ ("; --json is what is printed; to send JSON: --json-body"));
  for (char **word = ctl->arguments; word != NULL && *word != NULL; word++)
    if (is_bare_url (*word))
      return g_strdup_printf (_ ("; did you mean ‘https://%s’?"), *word);
  return NULL;
}

/* A URL stands where a host belongs, or its host is not valid. */
static char *
find_host_in_url (Ctl *ctl)
{
  g_autofree char *host = is_request (ctl->verb) ? NULL : find_host (ctl, /* message= */ NULL);

  return host != NULL && !g_strv_contains ((const char *const *)ctl->arguments, host)
             ? g_strdup_printf (_ ("; did you mean ‘%s’?"), host)
             : NULL;
}

/* Why a server does not answer. */
static char *
find_network (Ctl *ctl, const char *message)
{
  g_autofree char *host = is_request (ctl->verb) ? find_host (ctl, message) : NULL;
  g_autofree char *word = host != NULL ? ctl_input_quote (host) : NULL;

  return word != NULL ? g_strconcat (_ ("; to see what helps: certpinctl doctor "), word, NULL)
                      : NULL;
}

/* Nobody answers there. */
static char *
find_network_or_name (Ctl *ctl, const char *message)
{
  char *remedy = find_network (ctl, message);

  return remedy != NULL ? remedy : g_strdup (_ ("; check the name and the port"));
}

/* A question says what is meant, so that the help is not needed; nor is it where the message has
 * named one. */
static char *
find_help (const CtlVerb *verb, const char *message)
{
  if (g_str_has_suffix (message, "?") || strstr (message, _ ("; see ")) != NULL
      || strstr (message, " --help") != NULL)
    return NULL;
  return g_strdup_printf (_ ("; see ‘certpinctl %s%s--help’"), verb != NULL ? verb->name : "",
                          verb != NULL ? " " : "");
}

/* Returns: (transfer full) (nullable): what the error message goes on with */
char *
ctl_remedy_find (Ctl *ctl, const GError *error)
{
  if (error->domain == G_OPTION_ERROR)
    return find_help (ctl->verb, error->message);
  if (error->domain != CERTPIN_ERROR)
    return NULL;
  switch ((CertpinError)error->code)
    {
    case CERTPIN_ERROR_NOT_PINNED:
      return find_pin (ctl, error->message);
    case CERTPIN_ERROR_NOT_AUTHORIZED:
      return find_authority (ctl);
    case CERTPIN_ERROR_SERVICE_UNAVAILABLE:
      return g_strdup (_ ("; to see what helps: certpinctl doctor"));
    case CERTPIN_ERROR_INVALID_ARGUMENT:
      return takes_urls (ctl->verb) ? find_url (ctl) : NULL;
    case CERTPIN_ERROR_INVALID_HOST:
      return find_host_in_url (ctl);
    case CERTPIN_ERROR_INVALID_KEY:
      return g_strdup (_ ("; to see the key of a certificate: certpinctl key FILE"));
    case CERTPIN_ERROR_UNREACHABLE:
    case CERTPIN_ERROR_OFFLINE:
      return find_network_or_name (ctl, error->message);
    case CERTPIN_ERROR_TIMED_OUT:
    case CERTPIN_ERROR_TLS_FAILED:
      return find_network (ctl, error->message);
    default:
      return NULL;
    }
}

/* What the service advises its callers to do, and what is typed for that. */
static const struct
{
  const char *called, *typed;
} wordings[] = {
  { "set the option ‘match’ to ‘path’", "add --match=path" },
  { "pin it with PinKeys", "pin its key with --key" },
  { "call PausePin", "use ‘certpinctl pause’" },
  { "and call Reload", "and run ‘certpinctl reload’" },
  { "option ‘alpn’", "option ‘--alpn’" },
  { "option ‘app’", "option ‘--app’" },
  { "option ‘backup-certificates’", "option ‘--backup’" },
  { "option ‘expires’", "option ‘--expires’" },
  { "option ‘keys’", "option ‘--key’" },
  { "option ‘match’", "option ‘--match’" },
  { "option ‘mode’", "option ‘--mode’" },
  { "option ‘note’", "option ‘--note’" },
  { "option ‘port’", "option ‘--port’" },
  { "option ‘proxy’", "option ‘--proxy’" },
  { "option ‘reason’", "option ‘--reason’" },
  { "option ‘redirects’", "option ‘--max-redirs’" },
  { "option ‘require-keys’", "option ‘--require-key’" },
  { "option ‘seconds’", "option ‘--for’" },
  { "option ‘starttls-protocol’", "option ‘--starttls’" },
  { "option ‘stream-timeout-ms’", "option ‘--max-time’" },
  { "option ‘time’", "option ‘--time’" },
  { "option ‘trust-anchors’", "option ‘--trust-anchor’" },
};

/* Returns: (transfer full): a message of the service for those who type instead of calling it */
char *
ctl_remedy_reword (const char *message)
{
  g_autoptr (GString) text = g_string_new (message);

  for (size_t i = 0; i < G_N_ELEMENTS (wordings); i++)
    g_string_replace (text, wordings[i].called, wordings[i].typed, 0);
  return g_string_free (g_steal_pointer (&text), /* free_segment= */ FALSE);
}
