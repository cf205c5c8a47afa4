/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `log`: what the service has written to the journal. Only entries count of which journald
 * itself says that they come from its unit: no other program can write such. */

#include "config.h"

#include "certpinctl-log.h"

#include "certpinctl-host.h"
#include "certpinctl-journal.h"
#include "certpinctl-lookup.h"
#include "certpinctl-options.h"
#include "certpinctl-pager.h"
#include "certpinctl-time.h"

#include <glib/gi18n.h>

#include <string.h>

/* The fields of an entry, in the order of JSON. */
static const struct
{
  const char *field;
  const char *name;
  const char
      *label; /* (nullable): of its values, each on a line of its own; the message has others */
} fields[] = {
  { "CERTPIN_EVENT", "event", NULL },
  { "CERTPIN_HOST", "host", NULL },
  { "CERTPIN_SCOPE", "scope", NULL },
  { "CERTPIN_UID", "uid", NULL },
  { "CERTPIN_APP", "app", NULL },
  { "CERTPIN_PROGRAM", "program", NULL },
  { "CERTPIN_OWNER", "owner", NULL },
  { "CERTPIN_VERDICT", "verdict", NULL },
  { "CERTPIN_REASON", "reason", NULL },
  { "CERTPIN_ACTION", "action", NULL },
  { "CERTPIN_FILE", "file", NULL },
  { "CERTPIN_LINE", "line", NULL },
  { "CERTPIN_KEY", "key", NULL },
  { "CERTPIN_LEFT_OUT", "left-out", NULL },
  { "CERTPIN_OLD_KEYS", "old-keys", "old" },
  { "CERTPIN_NEW_KEYS", "new-keys", "new" },
  { "MESSAGE", "message", NULL },
};

/* How many entries come first if one follows the journal, as with journalctl. */
#define FOLLOW_LINES 10

typedef struct
{
  char *since, *until;
  int lines; /* G_MININT: not given */
  gboolean follow;
  char *host; /* (nullable): as the journal names it */
} Options;

/* What one journalctl reads. */
typedef struct
{
  const char *host; /* (nullable): NULL: all */
  const char *since, *until;
  const char *cursor; /* (nullable): what comes after this entry */
  int lines;          /* less than 0: all */
  gboolean follow;
} Part;

static gboolean
parse (Ctl *ctl, Options *given, GError **error)
{
  const GOptionEntry options[] = {
    { "since", 0, 0, G_OPTION_ARG_STRING, &given->since, N_ ("only entries since TIME"),
      N_ ("TIME") },
    { "until", 0, 0, G_OPTION_ARG_STRING, &given->until, N_ ("only entries until TIME"),
      N_ ("TIME") },
    { "lines", 'n', 0, G_OPTION_ARG_INT, &given->lines, N_ ("only the last N entries"), N_ ("N") },
    { "follow", 'f', 0, G_OPTION_ARG_NONE, &given->follow,
      N_ ("also entries that are still to come"), NULL },
    { NULL },
  };

  if (!ctl_parse (ctl, options, error))
    return FALSE;
  if (given->lines < 0 && given->lines != G_MININT)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("‘%d’ is not a number of entries; give 0 or more"), given->lines);
      return FALSE;
    }
  if (ctl->arguments == NULL)
    return TRUE;
  /* The journal can be read without the service, which knows other scripts, and refuses an empty
   * name. */
  given->host = g_str_is_ascii (ctl->arguments[0]) && *ctl->arguments[0] != '\0'
                    ? g_ascii_strdown (ctl->arguments[0], -1)
                    : ctl_lookup_name (ctl, ctl->arguments[0], error);
  return given->host != NULL;
}

/* Returns: (transfer full): which entries, for journalctl */
static char *
match_host (const char *host)
{
  g_autofree char *name = NULL;
  guint16 port;

  return ctl_host_split (host, &name, &port) ? g_strconcat ("CERTPIN_HOST=", host, NULL)
                                             : g_strconcat ("CERTPIN_NAME=", name, NULL);
}

/* What is not a time of ours may be one of journalctl's, such as ‘yesterday’. */
static void
add_time (GStrvBuilder *arguments, const char *option, const char *text)
{
  g_autofree char *argument = NULL;
  gint64 unix_s;

  if (text == NULL)
    return;
  if (ctl_time_parse_past (text, g_get_real_time () / G_USEC_PER_SEC, &unix_s, NULL))
    argument = g_strdup_printf ("%s=@%" G_GINT64_FORMAT, option, unix_s);
  else
    argument = g_strconcat (option, "=", text, NULL);
  g_strv_builder_add (arguments, argument);
}

/* Returns: (transfer full): the only fields that journalctl must print */
static char *
list_fields (void)
{
  GString *text = g_string_new ("--output-fields=");

  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "," : "", fields[i].field);
  return g_string_free (text, /* free_segment= */ FALSE);
}

/* Returns: (transfer full): the command line */
static GStrv
build_command (const Part *part)
{
  g_autoptr (GStrvBuilder) arguments = g_strv_builder_new ();
  g_autofree char *wanted = list_fields (), *match = NULL;
  g_autofree char *after = g_strconcat ("--after-cursor=", part->cursor, NULL);

  g_strv_builder_add_many (arguments, "journalctl", "--system", "--quiet", "--no-pager",
                           "--output=export", wanted, NULL);
  add_time (arguments, "--since", part->since);
  add_time (arguments, "--until", part->until);
  if (part->cursor != NULL)
    g_strv_builder_add (arguments, after);
  if (part->lines >= 0)
    {
      g_autofree char *lines = g_strdup_printf ("--lines=%d", part->lines);
      g_strv_builder_add (arguments, lines);
    }
  if (part->follow)
    g_strv_builder_add_many (arguments, "--follow", "--no-tail", NULL);
  g_strv_builder_add (arguments, "_SYSTEMD_UNIT=certpind.service");
  if (part->host != NULL && (match = match_host (part->host)) != NULL)
    g_strv_builder_add (arguments, match);
  return g_strv_builder_end (arguments);
}

static gint64
get_time (GHashTable *entry)
{
  const char *text = g_hash_table_lookup (entry, "__REALTIME_TIMESTAMP");

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) / G_USEC_PER_SEC : 0;
}

/* `keys`: with a space between them. */
static void
print_keys (CtlStream *stream, const char *label, const char *keys)
{
  g_auto (GStrv) all = g_strsplit (keys, " ", -1);

  for (size_t i = 0; all[i] != NULL; i++)
    ctl_print_line (stream, "  %s  %s", label, all[i]);
}

static void
print_text (Ctl *ctl, GHashTable *entry)
{
  const char *message = g_hash_table_lookup (entry, "MESSAGE");
  g_autofree char *time = ctl_time_to_text (get_time (entry));

  ctl_print_line (&ctl->out, "%s  %s", time, message != NULL ? message : "");
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const char *value = g_hash_table_lookup (entry, fields[i].field);

      if (value != NULL && fields[i].label != NULL)
        print_keys (&ctl->out, fields[i].label, value);
    }
}

static void
print_json (Ctl *ctl, GHashTable *entry)
{
  g_auto (GVariantDict) document = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&document, "time", "x", get_time (entry));
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const char *value = g_hash_table_lookup (entry, fields[i].field);
      g_autofree char *valid = value != NULL ? g_utf8_make_valid (value, -1) : NULL;
      g_auto (GStrv) all = valid != NULL ? g_strsplit (valid, " ", -1) : NULL;

      if (valid != NULL && fields[i].label != NULL)
        g_variant_dict_insert (&document, fields[i].name, "^as", all);
      else if (valid != NULL)
        g_variant_dict_insert (&document, fields[i].name, "s", valid);
    }
  ctl_print_json (&ctl->out, g_variant_dict_end (&document));
}

/* `cursor`: (inout): of the last entry that was read; (transfer full) (nullable) */
static CtlExit
print_all (Ctl *ctl, CtlJournal *journal, char **cursor, GError **error)
{
  g_autoptr (GError) reason = NULL;
  GHashTable *entry;

  while ((entry = ctl_journal_read (journal, &reason)) != NULL)
    {
      (ctl->json ? print_json : print_text) (ctl, entry);
      g_free (*cursor);
      *cursor = g_strdup (g_hash_table_lookup (entry, "__CURSOR"));
      g_hash_table_unref (entry);
    }
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return CTL_EXIT_FAILED;
    }
  return CTL_EXIT_OK;
}

/* journalctl says only to people that there is no journal at all. What else fails then, the first
 * one has told.
 * Returns: (transfer full): it may be empty */
static char *
ask_why (void)
{
  static const char *const command[]
      = { "journalctl", "--system", "--no-pager", "--lines=0", NULL };
  g_autoptr (CtlJournal) journal = ctl_journal_open (command, /* error= */ NULL);
  GHashTable *entry = journal != NULL ? ctl_journal_read (journal, /* error= */ NULL) : NULL;

  if (entry != NULL)
    g_hash_table_unref (entry);
  return journal != NULL ? ctl_journal_read_complaints (journal) : g_strdup ("");
}

static void
say_none (Ctl *ctl)
{
  g_autofree char *why = ask_why ();
  g_autofree char *text
      = *why != '\0'
            ? g_strdup_printf (_ ("the journal has no such entry; journalctl says: %s"), why)
            : g_strdup (_ ("the journal has no such entry"));

  ctl_print_message (&ctl->err, C_ ("message", "note"), text);
}

/* `alone`: no other part comes. `cursor`: as in print_all () */
static CtlExit
run (Ctl *ctl, const Part *part, gboolean alone, char **cursor, GError **error)
{
  g_auto (GStrv) command = build_command (part);
  g_autoptr (CtlJournal) journal = ctl_journal_open ((const char *const *)command, error);
  CtlExit status = journal != NULL ? print_all (ctl, journal, cursor, error) : CTL_EXIT_FAILED;

  if (status == CTL_EXIT_OK && alone && *cursor == NULL && !ctl->json)
    say_none (ctl);
  return status;
}

static CtlExit
show (Ctl *ctl, const Options *given, GError **error)
{
  const Part part = { given->host, given->since, given->until, .lines = given->lines };
  g_autofree char *cursor = NULL;

  ctl_pager_open (ctl);
  return run (ctl, &part, /* alone= */ TRUE, &cursor, error);
}

/* A journalctl that follows from the end and finds no entry before that never shows one (seen with
 * systemd 252). So one prints the last entries, and another follows from there, or from now. */
static CtlExit
follow (Ctl *ctl, const Options *given, GError **error)
{
  int lines = given->lines != G_MININT ? given->lines : FOLLOW_LINES;
  const Part last = { given->host, given->since, given->until, .lines = lines };
  Part next = { given->host, given->since, given->until, .lines = -1, .follow = TRUE };
  g_autofree char *now
      = g_strdup_printf ("@%" G_GINT64_FORMAT, g_get_real_time () / G_USEC_PER_SEC);
  g_autofree char *cursor = NULL;
  CtlExit status = CTL_EXIT_OK;

  ctl->out.by_line = TRUE;
  if (given->since != NULL && given->lines == G_MININT)
    return run (ctl, &next, /* alone= */ FALSE, &cursor, error);
  if (lines > 0)
    status = run (ctl, &last, /* alone= */ FALSE, &cursor, error);
  if (status != CTL_EXIT_OK)
    return status;
  next.cursor = cursor;
  next.since = cursor == NULL ? now : NULL;
  return run (ctl, &next, /* alone= */ FALSE, &cursor, error);
}

CtlExit
ctl_log (Ctl *ctl, GError **error)
{
  Options given = { .lines = G_MININT };
  CtlExit status = CTL_EXIT_OK;

  if (parse (ctl, &given, error))
    status = (given.follow ? follow : show) (ctl, &given, error);
  g_free (given.since);
  g_free (given.until);
  g_free (given.host);
  return status;
}
