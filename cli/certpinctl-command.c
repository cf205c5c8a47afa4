/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the verb that is meant: by its name, by a beginning of the name that no other has, or, with
 * a question, by what looks like it. `help VERB` is VERB with --help. */

#include "config.h"

#include "certpinctl-command.h"

#include "certpinctl-input.h"
#include "certpinctl-similar.h"

#include <glib/gi18n.h>

#include <string.h>

/* What other tools call what the verbs do. */
static const struct
{
  const char *word;
  const char *verb;
} elsewhere[] = {
  { "add", "pin" },           { "audit", "log" },
  { "cat", "show" },          { "check", "doctor" },
  { "curl", "get" },          { "daemon-reload", "reload" },
  { "describe", "show" },     { "download", "get" },
  { "edit", "export" },       { "fetch", "get" },
  { "get-devices", "list" },  { "get-history", "log" },
  { "history", "log" },       { "info", "show" },
  { "is-active", "explain" }, { "is-enabled", "explain" },
  { "is-failed", "status" },  { "journal", "log" },
  { "journalctl", "log" },    { "list-unit-files", "list" },
  { "list-units", "list" },   { "ls", "list" },
  { "mask", "block" },        { "pins", "list" },
  { "query", "explain" },     { "refresh", "reload" },
  { "remove", "unpin" },      { "rm", "unpin" },
  { "set", "pin" },           { "statistics", "status" },
  { "tail", "monitor" },      { "test", "doctor" },
  { "tunnel", "connect" },    { "unblock", "unpin" },
  { "unmask", "unpin" },      { "unpause", "resume" },
  { "validate", "verify" },   { "version", "--version" },
  { "watch", "monitor" },     { "wget", "get" },
};

/* What systemctl does with the service. */
static const char *const of_systemctl[]
    = { "disable", "enable", "kill",        "reenable",     "restart",
        "start",   "stop",   "try-restart", "reset-failed", NULL };

/* Returns: (transfer container): those whose names begin so; only the one that is called so */
static GPtrArray *
list_beginning (const CtlVerb *verbs, const char *word)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();

  for (const CtlVerb *verb = verbs; verb->name != NULL; verb++)
    if (*word != '\0' && g_str_has_prefix (verb->name, word))
      {
        if (strcmp (verb->name, word) == 0)
          g_ptr_array_set_size (found, 0);
        g_ptr_array_add (found, (gpointer)verb);
        if (strcmp (verb->name, word) == 0)
          break;
      }
  return g_steal_pointer (&found);
}

/* Returns: (transfer full): the names of the verbs, to borrow from */
static GPtrArray *
names_of (GPtrArray *verbs)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (unsigned int i = 0; i < verbs->len; i++)
    g_ptr_array_add (names, (gpointer)((const CtlVerb *)verbs->pdata[i])->name);
  g_ptr_array_add (names, NULL);
  return g_steal_pointer (&names);
}

/* Returns: (transfer full): the names that the word may stand for */
static GStrv
list_similar (const CtlVerb *verbs, const char *word)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (elsewhere); i++)
    if (g_ascii_strcasecmp (elsewhere[i].word, word) == 0)
      return g_strdupv ((char *[]){ (char *)elsewhere[i].verb, NULL });
  for (const CtlVerb *verb = verbs; verb->name != NULL; verb++)
    g_ptr_array_add (names, (gpointer)verb->name);
  g_ptr_array_add (names, (gpointer)CTL_HELP);
  g_ptr_array_add (names, NULL);
  return ctl_similar_find (word, (const char *const *)names->pdata, CTL_SIMILAR_WORD);
}

/* A URL or a host is not what somebody mistyped. */
static gboolean
refuse_place (const char *word, GError **error)
{
  gboolean url = strstr (word, "://") != NULL;
  g_autofree char *quoted = ctl_input_quote (word);

  if (!url && strchr (word, '.') == NULL)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("there is no verb before ‘%s’; did you mean ‘certpinctl %s %s’?"), word,
               url ? "get" : "show", quoted);
  return FALSE;
}

static void
refuse_unknown (const CtlVerb *verbs, const char *word, GError **error)
{
  g_auto (GStrv) similar = list_similar (verbs, word);
  g_autofree char *question = NULL;

  if (!refuse_place (word, error))
    return;
  if (g_strv_contains (of_systemctl, word))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("there is no verb ‘%s’; did you mean ‘systemctl %s certpind’?"), word, word);
      return;
    }
  if (similar[0] != NULL)
    question = ctl_similar_ask ((const char *const *)similar);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("there is no verb ‘%s’%s%s"),
               word, question != NULL ? "; " : "", question != NULL ? question : "");
}

/* Returns: (transfer none) (nullable) */
static const CtlVerb *
find (const CtlVerb *verbs, const char *word, GError **error)
{
  g_autoptr (GPtrArray) found = list_beginning (verbs, word);
  g_autoptr (GPtrArray) names = names_of (found);

  if (found->len == 1)
    return found->pdata[0];
  if (found->len == 0)
    refuse_unknown (verbs, word, error);
  else
    {
      g_autofree char *question = ctl_similar_ask ((const char *const *)names->pdata);

      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("several verbs begin with ‘%s’; %s"), word, question);
    }
  return NULL;
}

/* Takes the word `help` away: what is left has --help. `certpinctl VERB --help` may have arguments,
 * `certpinctl help VERB` has none.
 * Returns: whether there was one; FALSE without error if not */
gboolean
ctl_command_take_help (Ctl *ctl, GError **error)
{
  unsigned int verbs = 0;

  if (g_strcmp0 (ctl->words[1], CTL_HELP) != 0)
    return FALSE;
  for (char **word = ctl->words + 2; *word != NULL; word++)
    if (**word != '-' && ++verbs > 1)
      {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     _ ("‘help’ takes one verb, so ‘%s’ is too much; give one verb, as in "
                        "‘certpinctl help pin’"),
                     *word);
        return FALSE;
      }
  ctl->help = TRUE;
  g_free (ctl->words[1]);
  memmove (ctl->words + 1, ctl->words + 2, g_strv_length (ctl->words + 1) * sizeof (char *));
  return TRUE;
}

/* Finds the verb of the command line, whose first word is the program. Without one, that of `ctl`
 * stays NULL if the program itself is asked for help or its version. */
gboolean
ctl_command_find (Ctl *ctl, const CtlVerb *verbs, GError **error)
{
  if (ctl->words[1] != NULL)
    ctl->verb = find (verbs, ctl->words[1], error);
  else if (!ctl->help && !ctl->version)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("no verb is given"));
  return *error == NULL;
}
