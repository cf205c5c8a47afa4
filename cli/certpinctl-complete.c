/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may come next in a command line, for the completion of shells: `certpinctl complete WORD…`,
 * of which the last one, which may be empty, is to be completed. Verbs and options are those of the
 * tables that the command line is parsed with, and what an option or an argument takes is told by
 * its name in the help.
 *
 * Each candidate is a line: the word, and after a tab what it is. A word that ends with =, / or :
 * goes on. The lines “:files” and “:folders” leave it to the shell to offer those. */

#include "config.h"

#include "certpinctl-complete.h"

#include "certpinctl-command.h"
#include "certpinctl-host.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

#define VERB "complete"

/* Text that no shell takes for anything else. */
#define PLAIN G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.:*[]"

/* What is taken by whatever has this name in the help. A name that is not here is completed with
 * nothing, unless it is a choice itself, such as leaf|path. */
static const struct
{
  const char *name;
  const char *values; /* separated by | */
} kinds[] = {
  { "FILE", ":files" },
  { "PATH", ":files" },
  { "OLD", ":files|:hosts" },
  { "NEW", ":files|:hosts" },
  { "[NEW]", ":files" }, /* of rotate, which takes no host there */
  { "DIR", ":folders" },
  { "HOST", ":hosts" },
  { "HOST:PORT", ":peers" },
  { "URL", ":urls" },
  { "-", "-" },
  { "METHOD", "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS" },
  { "APP", ":apps" },
  { "SCOPE", "user|system|all" },
  { "FORMAT", "sha256|curl|hpkp|base64|hex|openssl" },
  { "MATCH", "leaf|path" },
  { "TIME", "5m|30m|1h|4h|1d" },
  { "PROTOCOL", "imap|smtp|pop3|postgres|ldap" },
};

/* What is completed, as the words before it say. */
typedef struct
{
  Ctl *ctl;
  const GOptionEntry *options; /* of the verb */
  const char *word;
  unsigned int place; /* so many arguments come before it */
  gboolean no_options;
} Completion;

static void
offer (const Completion *completion, const char *prefix, const char *word, const char *what)
{
  g_autofree char *whole = g_strconcat (prefix, word, NULL);
  g_autofree char *line = g_strconcat (whole, "\t", what, "\n", NULL);

  /* As it is: a terminal never sees it, and it has no characters that would have to be escaped. */
  if (g_str_has_prefix (whole, completion->word))
    ctl_stream_write (&completion->ctl->out, line, strlen (line));
}

/* Completion fails in silence: there are no hosts then.
 * Returns: (transfer full) (nullable): of the pins of this user and of the system, or of the app */
static GVariant *
list_pins (Ctl *ctl)
{
  GAsyncResult *result;

  certpin_client_set_interactive (ctl->client, FALSE);
  certpin_client_list_pins_async (ctl->client, ctl_scope_options (ctl, /* system= */ FALSE),
                                  ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, NULL), NULL);
}

/* As what a host is offered: as it is pinned, or, if it is no pattern, as what a URL or HOST:PORT
 * begins with. */
typedef enum
{
  AS_PINNED,
  AS_URL,
  AS_PEER,
} HostForm;

/* Returns: (transfer full) (nullable): NULL: it is of no use */
static char *
form_host (const char *host, HostForm form)
{
  if (form == AS_PINNED)
    return g_strdup (host);
  if (*host == '*')
    return NULL;
  return form == AS_URL ? g_strconcat ("https://", host, "/", NULL)
                        : g_strconcat (host, ctl_host_has_port (host) ? "" : ":", NULL);
}

/* Each host once, as the list has them in order. */
static void
offer_hosts (const Completion *completion, const char *prefix, HostForm form)
{
  g_autoptr (GVariant) pins = list_pins (completion->ctl);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; pins != NULL && i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      g_autofree char *word = NULL;
      const char *host;

      if (!g_variant_lookup (pin, "host", "&s", &host) || *host == '\0'
          || host[strspn (host, PLAIN)] != '\0' || (word = form_host (host, form)) == NULL
          || !g_hash_table_add (seen, g_strdup (host)))
        continue;
      /* Behind a colon, only its user knows the port. */
      if (form != AS_PEER || !g_str_equal (word, completion->word))
        offer (completion, prefix, word, _ ("a pinned host"));
    }
  if (form == AS_URL && g_hash_table_size (seen) == 0)
    offer (completion, prefix, "https://", _ ("a URL"));
}

static void
offer_apps (const Completion *completion, const char *prefix)
{
  g_auto (GStrv) apps = NULL;

  certpin_client_set_interactive (completion->ctl->client, FALSE);
  apps = ctl_scope_list_apps (completion->ctl, NULL);
  for (size_t i = 0; apps != NULL && apps[i] != NULL; i++)
    if (apps[i][strspn (apps[i], PLAIN)] == '\0')
      offer (completion, prefix, apps[i], _ ("an app with pins"));
}

/* `what`: one of `values` of the table, or of a choice. */
static void
offer_value (const Completion *completion, const char *prefix, const char *what)
{
  if (g_str_equal (what, ":hosts"))
    offer_hosts (completion, prefix, AS_PINNED);
  else if (g_str_equal (what, ":urls"))
    offer_hosts (completion, prefix, AS_URL);
  else if (g_str_equal (what, ":peers"))
    offer_hosts (completion, prefix, AS_PEER);
  else if (g_str_equal (what, ":apps"))
    offer_apps (completion, prefix);
  else if (*what == ':')
    ctl_print_line (&completion->ctl->out, "%s", what);
  else
    offer (completion, prefix, what, "");
}

/* Returns: (transfer none) (nullable) */
static const char *
find_values (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i].name, name))
      return kinds[i].values;
  return NULL;
}

/* `values`: separated by | */
static void
offer_values (const Completion *completion, const char *prefix, const char *values)
{
  g_auto (GStrv) all = g_strsplit (values, "|", -1);

  for (size_t i = 0; all[i] != NULL; i++)
    offer_value (completion, prefix, all[i]);
}

/* `name`: as the help has it, such as FILE, [FILE|KEY], HOST… or leaf|path. `prefix`: the option
 * that the word has already, up to its =. */
static void
offer_kind (const Completion *completion, const char *prefix, const char *name)
{
  g_auto (GStrv) choices = NULL;
  g_autoptr (GString) plain = g_string_new (name);

  if (find_values (name) == NULL)
    {
      g_string_replace (plain, "…", "", 0);
      g_string_replace (plain, "[", "", 0);
      g_string_replace (plain, "]", "", 0);
    }
  choices = g_strsplit (plain->str, "|", -1);
  for (size_t i = 0; choices[i] != NULL; i++)
    {
      const char *values = find_values (choices[i]);

      if (values != NULL || g_ascii_islower (*choices[i]))
        offer_values (completion, prefix, values != NULL ? values : choices[i]);
    }
}

static void
offer_options (const Completion *completion, const GOptionEntry *options)
{
  for (const GOptionEntry *option = options; option->long_name != NULL; option++)
    {
      gboolean takes = option->arg_description != NULL;
      g_autofree char *word = g_strconcat ("--", option->long_name, takes ? "=" : "", NULL);

      offer (completion, "", word, _ (option->description));
    }
}

/* `word`: --NAME or --NAME=VALUE. Returns: (transfer none) (nullable) */
static const GOptionEntry *
find_long (const GOptionEntry *options, const char *word)
{
  size_t given = strcspn (word, "=");

  for (const GOptionEntry *option = options; option->long_name != NULL; option++)
    {
      size_t length = strlen (option->long_name);

      if (given == length + 2 && strncmp (word + 2, option->long_name, length) == 0)
        return option;
    }
  return NULL;
}

/* Returns: (transfer none) (nullable) */
static const GOptionEntry *
find_short (const GOptionEntry *options, char letter)
{
  for (const GOptionEntry *option = options; option->long_name != NULL; option++)
    if (option->short_name == letter)
      return option;
  return NULL;
}

/* Of letters behind a dash, the last may take a value; behind one that does, there are no letters.
 * Returns: (transfer none) (nullable) */
static const GOptionEntry *
find_option (const Completion *completion, const char *word)
{
  const GOptionEntry *const tables[] = { completion->options, completion->ctl->globals };
  const GOptionEntry *option = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (tables) && word[1] == '-'; i++)
    if ((option = find_long (tables[i], word)) != NULL)
      return option;
  for (const char *letter = word + 1; word[1] != '-' && *letter != '\0'; letter++)
    {
      option = find_short (tables[0], *letter);
      option = option != NULL ? option : find_short (tables[1], *letter);
      if (option != NULL && option->arg_description != NULL)
        return letter[1] == '\0' ? option : NULL;
    }
  return option;
}

static gboolean
takes_next (const GOptionEntry *option, const char *word)
{
  return option != NULL && option->arg_description != NULL && strchr (word, '=') == NULL;
}

/* Whether the first argument may be given as this option instead, as the METHOD of a request. */
static gboolean
stands_for_argument (const Completion *completion, const GOptionEntry *option)
{
  g_auto (GStrv) names = g_strsplit (completion->ctl->verb->arguments, " ", 2);

  return option != NULL && g_strcmp0 (option->arg_description, names[0]) == 0;
}

/* Whether the word is the value of the option before it. */
static gboolean
is_value (const GOptionEntry *option, const char *word)
{
  return option != NULL && !((option->flags & G_OPTION_FLAG_OPTIONAL_ARG) != 0 && *word == '-');
}

/* The hosts are then those of the app. A name that is wrong is none. `value`: (nullable) */
static void
note_app (const Completion *completion, const GOptionEntry *option, const char *value)
{
  Ctl *ctl = completion->ctl;

  if (option == NULL || value == NULL || g_strcmp0 (option->long_name, "app") != 0)
    return;
  g_free (ctl->app);
  ctl->app = g_strdup (value);
  ctl_scope_check (ctl, completion->options, NULL);
}

/* Reads the words before the one that is completed.
 * Returns: (transfer none) (nullable): the option whose value it is */
static const GOptionEntry *
read_words (Completion *completion, char **words)
{
  const GOptionEntry *option = NULL;

  for (; words[1] != NULL; words++)
    {
      const char *word = *words;

      if (is_value (option, word))
        {
          note_app (completion, option, word);
          option = NULL;
        }
      else if (completion->no_options || *word != '-' || word[1] == '\0')
        completion->place++;
      else if (g_str_equal (word, "--"))
        completion->no_options = TRUE;
      else
        {
          const GOptionEntry *given = find_option (completion, word);
          const char *equals = strchr (word, '=');

          completion->place += stands_for_argument (completion, given) ? 1 : 0;
          note_app (completion, given, equals != NULL ? equals + 1 : NULL);
          option = takes_next (given, word) ? given : NULL;
        }
    }
  completion->word = *words;
  return is_value (option, *words) ? option : NULL;
}

/* The last name stands for all that follow, if it may be repeated. */
static void
offer_argument (const Completion *completion)
{
  const CtlVerb *verb = completion->ctl->verb;
  g_auto (GStrv) names = g_strsplit (verb->arguments, " ", -1);
  unsigned int count = g_strv_length (names);

  if (completion->place < count)
    offer_kind (completion, "", names[completion->place]);
  else if (count > 0 && g_str_has_suffix (names[count - 1], "…"))
    offer_kind (completion, "", names[count - 1]);
  else if (count > 0 && g_str_has_suffix (names[count - 1], "…]"))
    offer_kind (completion, "", names[count - 1]);
}

/* Called by ctl_parse (): the verb's own options are known now. */
void
ctl_complete_verb (Ctl *ctl, const GOptionEntry *options)
{
  Completion completion = { .ctl = ctl, .options = options };
  const GOptionEntry *option = read_words (&completion, ctl->words + 2);
  const char *equals = strchr (completion.word, '=');
  g_autofree char *prefix = NULL;

  if (option != NULL)
    {
      offer_kind (&completion, "", option->arg_description);
      return;
    }
  if (completion.no_options || *completion.word != '-')
    {
      offer_argument (&completion);
      return;
    }
  option = equals != NULL ? find_option (&completion, completion.word) : NULL;
  if (option != NULL && option->arg_description != NULL)
    {
      prefix = g_strndup (completion.word, (gsize)(equals - completion.word) + 1);
      offer_kind (&completion, prefix, option->arg_description);
      return;
    }
  offer_options (&completion, options);
  offer_options (&completion, ctl->globals);
}

gboolean
ctl_complete_is_asked (Ctl *ctl)
{
  return ctl->words[1] != NULL && g_str_equal (ctl->words[1], VERB) && ctl->words[2] != NULL;
}

/* Options before the verb take no value. Returns: the place of the verb; 0: there is none yet */
static unsigned int
find_verb (char **words)
{
  for (unsigned int i = 2; words[i + 1] != NULL; i++)
    if (*words[i] != '-')
      return i;
  return 0;
}

/* A verb's own options are only known where it parses them, so it is run, and goes no further. */
CtlExit
ctl_complete (Ctl *ctl, const CtlVerb *verbs, GError **error)
{
  unsigned int found = find_verb (ctl->words);
  /* It takes a verb, and nothing else. */
  gboolean help = found != 0 && g_str_equal (ctl->words[found], CTL_HELP);
  unsigned int place = help ? 0 : found;
  const char *last = ctl->words[g_strv_length (ctl->words) - 1];
  const Completion first = { .ctl = ctl, .word = last };

  if (help && ctl->words[found + 2] != NULL)
    return CTL_EXIT_OK;
  for (const CtlVerb *verb = verbs; verb->name != NULL; verb++)
    {
      if (place != 0 && g_str_equal (verb->name, ctl->words[place]))
        ctl->verb = verb;
      if (place == 0 && *last != '-')
        offer (&first, "", verb->name, _ (verb->summary));
    }
  if (found == 0 && *last != '-')
    offer (&first, "", CTL_HELP, _ ("Show the help of a verb"));
  if (place == 0 && *last == '-')
    offer_options (&first, ctl->globals);
  if (ctl->verb == NULL)
    return CTL_EXIT_OK;
  for (unsigned int i = 1; i < place; i++)
    g_free (ctl->words[i]);
  memmove (ctl->words + 1, ctl->words + place,
           (g_strv_length (ctl->words + place) + 1) * sizeof (char *));
  ctl->completing = TRUE;
  return ctl->verb->run (ctl, error);
}
