/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parsing of the command line, and the options that all verbs have. */

#include "config.h"

#include "certpinctl-options.h"

#include "certpinctl-complete.h"
#include "certpinctl-help.h"
#include "certpinctl-input.h"
#include "certpinctl-locale.h"
#include "certpinctl-scope.h"
#include "certpinctl-spelling.h"
#include "certpinctl-words.h"

#include <glib/gi18n.h>

#include <string.h>
#include <unistd.h>

/* The options that all verbs have; they may also stand before the verb. */
void
ctl_init_globals (Ctl *ctl)
{
  const GOptionEntry globals[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, N_ ("print one JSON document, also for errors"),
      NULL },
    { "no-ask-password", 0, 0, G_OPTION_ARG_NONE, &ctl->no_ask_password,
      N_ ("fail instead of asking for a password"), NULL },
    { "no-pager", 0, 0, G_OPTION_ARG_NONE, &ctl->no_pager,
      N_ ("do not pipe long output into a pager"), NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &ctl->verbose,
      N_ ("show connection details, also without a terminal"), NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &ctl->help, N_ ("show this help"), NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &ctl->version, N_ ("show the version"), NULL },
    { NULL },
  };

  G_STATIC_ASSERT (sizeof globals == sizeof ctl->globals);
  memcpy (ctl->globals, globals, sizeof globals);
}

/* Turns every error in the command line into a usage error. */
static gboolean
parse_words (Ctl *ctl, GOptionContext *context, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (g_option_context_parse_strv (context, &ctl->words, &reason))
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, reason->message);
  return FALSE;
}

/* Parses the options before the verb. */
gboolean
ctl_parse_globals (Ctl *ctl, GError **error)
{
  static const GOptionEntry none = { 0 };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  if (!ctl_spelling_check (ctl, &none, error))
    return FALSE;
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_add_main_entries (context, ctl->globals, NULL);
  return parse_words (ctl, context, error);
}

/* Returns: (transfer full): the required arguments, such as “a METHOD and a URL” */
static char *
name_needed (const CtlVerb *verb)
{
  g_auto (GStrv) words = g_strsplit (ctl_locale_translate (verb->arguments), " ", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  for (int i = 0; i < verb->arguments_min && words[i] != NULL; i++)
    {
      g_string_append (text, i > 0 ? _ (" and ") : "");
      g_string_append_printf (text, strchr ("AEIO", *words[i]) != NULL ? _ ("an %s") : _ ("a %s"),
                              words[i]);
    }
  g_string_replace (text, "…", "", 0);
  g_string_replace (text, "|", _ (" or a "), 0);
  return g_string_free (g_steal_pointer (&text), /* free_segment= */ FALSE);
}

/* Whether it shows what another verb shows of a host, as systemctl does by the same name. */
static gboolean
is_about_all (const CtlVerb *verb)
{
  return strcmp (verb->name, "list") == 0 || strcmp (verb->name, "status") == 0;
}

static gboolean
check_count (const CtlVerb *verb, char **arguments, GError **error)
{
  int count = arguments != NULL ? (int)g_strv_length (arguments) : 0;
  g_autofree char *needed = name_needed (verb);
  g_autofree char *quoted = count > 0 ? ctl_input_quote (arguments[0]) : NULL;

  if (count >= verb->arguments_min && count <= verb->arguments_max)
    return TRUE;
  if (count < verb->arguments_min)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("‘%s’ needs %s"), verb->name,
                 needed);
  else if (count == 2 && strcmp (verb->arguments, "HOST:PORT") == 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("‘%s’ takes the host and the port as one argument; did you mean ‘%s:%s’?"),
                 verb->name, arguments[0], arguments[1]);
  else if (verb->arguments_max == 0 && is_about_all (verb))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("‘%s’ takes no host; did you mean ‘certpinctl show %s’?"), verb->name, quoted);
  else if (verb->arguments_max == 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("‘%s’ takes no argument; leave ‘%s’ out"), verb->name, arguments[0]);
  else
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 ngettext ("‘%s’ takes at most %d argument; leave ‘%s’ out, or put in quotes what "
                           "belongs together",
                           "‘%s’ takes at most %d arguments; leave ‘%s’ out, or put in quotes what "
                           "belongs together",
                           (unsigned long)verb->arguments_max),
                 verb->name, verb->arguments_max, arguments[verb->arguments_max]);
  return FALSE;
}

/* D-Bus strings are UTF-8. */
static gboolean
check_arguments (const CtlVerb *verb, char **arguments, GError **error)
{
  for (int i = 0; arguments != NULL && arguments[i] != NULL && i < verb->texts; i++)
    if (!g_utf8_validate (arguments[i], -1, NULL))
      {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     _ ("argument ‘%s’ is not valid UTF-8"), arguments[i]);
        return FALSE;
      }
  return check_count (verb, arguments, error);
}

/* Takes away the name of the program, and parts the letters of options from their values. */
static void
prepare_words (Ctl *ctl, const GOptionEntry *options)
{
  const GOptionEntry *const tables[] = { options, ctl->globals, NULL };
  char **words = ctl_words_split (ctl->words + 1, tables);

  g_strfreev (ctl->words);
  ctl->words = words;
}

/* As ctl_parse(), with data for the callbacks of options. */
gboolean
ctl_parse_with (Ctl *ctl, const GOptionEntry *options, gpointer data, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry rest[] = {
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &ctl->arguments, NULL, NULL },
    { NULL },
  };

  if (ctl->completing)
    {
      ctl_complete_verb (ctl, options);
      return FALSE;
    }
  if (!ctl_spelling_check (ctl, options, error))
    return FALSE;
  prepare_words (ctl, options);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_main_group (context,
                                   g_option_group_new ("main", "", "", data, /* destroy= */ NULL));
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_main_entries (context, ctl->globals, NULL);
  g_option_context_add_main_entries (context, rest, NULL);
  if (!parse_words (ctl, context, error))
    return FALSE;
  if (ctl->version)
    ctl_print_version (ctl);
  else if (ctl->help)
    ctl_print_help_of_verb (ctl, options);
  if (ctl->help || ctl->version)
    return FALSE;
  certpin_client_set_interactive (ctl->client, !ctl->no_ask_password && isatty (STDIN_FILENO) == 1);
  return check_arguments (ctl->verb, ctl->arguments, error)
         && ctl_scope_check (ctl, options, error);
}

/* Parses the options and arguments of the verb, which takes the program's place. `options` ends
 * with an empty one. Returns FALSE without an error after --help and --version, and for
 * completion. */
gboolean
ctl_parse (Ctl *ctl, const GOptionEntry *options, GError **error)
{
  return ctl_parse_with (ctl, options, /* data= */ NULL, error);
}
