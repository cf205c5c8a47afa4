/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `import`: pin files become pins of the user or of the system. All files are checked
 * before the first one is imported. */

#include "config.h"

#include "certpinctl-import.h"

#include "certpinctl-import-outages.h"
#include "certpinctl-input.h"
#include "certpinctl-locale.h"
#include "certpinctl-options.h"
#include "certpinctl-outcome.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

#define FILE_MAX_BYTES (16 * 1024 * 1024)
#define LOOK_S         60
#define LOOK_MAX_S     3600

enum
{
  COLUMN_HOST,
  COLUMN_CHANGE,
  COLUMN_WHAT,
  N_COLUMNS
};

/* Returns: (transfer none): "" if there is none */
static const char *
find_text (GVariant *values, const char *key)
{
  const char *text = "";

  g_variant_lookup (values, key, "&s", &text);
  return text;
}

static GVariant *
find_values (GVariant *change, const char *key)
{
  return g_variant_lookup_value (change, key, G_VARIANT_TYPE_VARDICT);
}

/* The table */

/* Adds what is in the first list and not in the other. */
static void
add_keys (GStrvBuilder *lines, GVariant *pin, GVariant *other, const char *kind)
{
  g_autofree const char **keys = NULL, **others = NULL;

  g_variant_lookup (pin, "keys", "^a&s", &keys);
  if (other != NULL)
    g_variant_lookup (other, "keys", "^a&s", &others);
  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    if (others == NULL || !g_strv_contains (others, keys[i]))
      {
        g_autofree char *line = g_strdup_printf ("%s %s", kind, keys[i]);
        g_strv_builder_add (lines, line);
      }
}

static void
add_difference (GStrvBuilder *lines, const char *name, const char *before, const char *after)
{
  g_autofree char *line = NULL;

  if (strcmp (before, after) == 0)
    return;
  line = g_strdup_printf ("%s: %s → %s", name, *before != '\0' ? before : _ ("none"),
                          *after != '\0' ? after : _ ("none"));
  g_strv_builder_add (lines, line);
}

static char *
show_expiry (GVariant *pin)
{
  gint64 expires = 0;

  g_variant_lookup (pin, "expires", "x", &expires);
  return expires != 0 ? ctl_time_to_text (expires) : g_strdup (_ ("never"));
}

static char *
show_anchors (GVariant *pin)
{
  guint32 count = 0;

  return g_variant_lookup (pin, "trust-anchors", "u", &count)
             ? g_strdup_printf (_ ("%u own"), count)
             : g_strdup (C_ ("trust anchors", "the system's"));
}

/* `change`: a word of the interface */
static const char *
name_of_change (const char *change)
{
  if (strcmp (change, "new") == 0)
    return _ ("new");
  return strcmp (change, "replaced") == 0 ? _ ("replaced") : change;
}

/* Returns: (transfer full): what is different, a line each */
static GStrv
compare (GVariant *pin, GVariant *old)
{
  static const char *const texts[] = { "match", "mode", "reason", "note", "subject" };
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  g_autofree char *expiry = show_expiry (pin), *old_expiry = show_expiry (old);
  g_autofree char *anchors = show_anchors (pin), *old_anchors = show_anchors (old);

  add_keys (lines, pin, old, _ ("added"));
  add_keys (lines, old, pin, _ ("removed"));
  add_difference (lines, _ ("state"), ctl_locale_translate (find_text (old, "state")),
                  ctl_locale_translate (find_text (pin, "state")));
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    add_difference (lines, _ (texts[i]), find_text (old, texts[i]), find_text (pin, texts[i]));
  add_difference (lines, _ ("expires"), old_expiry, expiry);
  add_difference (lines, _ ("trust anchors"), old_anchors, anchors);
  return g_strv_builder_end (lines);
}

/* Returns: (transfer full): what a new pin is, a line each */
static GStrv
describe (GVariant *pin)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  g_autofree char *expiry = show_expiry (pin);

  if (*find_text (pin, "reason") != '\0')
    {
      g_autofree char *reason = g_strdup_printf (_ ("blocked: %s"), find_text (pin, "reason"));
      g_strv_builder_add (lines, reason);
    }
  add_keys (lines, pin, /* other= */ NULL, _ ("key"));
  add_difference (lines, _ ("match"), "leaf", find_text (pin, "match"));
  add_difference (lines, _ ("mode"), "enforce", find_text (pin, "mode"));
  add_difference (lines, _ ("expires"), _ ("never"), expiry);
  return g_strv_builder_end (lines);
}

/* `lines`: (transfer full). Returns: (transfer full): with one more, if it is not empty */
static GStrv
with_outage (GStrv lines, const char *outage)
{
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();
  g_auto (GStrv) given = lines;

  g_strv_builder_addv (all, (const char **)given);
  if (*outage != '\0')
    g_strv_builder_add (all, outage);
  return g_strv_builder_end (all);
}

/* `lines`: (transfer full): what is different or new */
static void
add_rows (GPtrArray *rows, GVariant *change, GStrv lines)
{
  g_auto (GStrv) what = with_outage (lines, find_text (change, CTL_IMPORT_OUTAGE));
  size_t i = 0;

  do
    {
      GStrv cells = g_new0 (char *, N_COLUMNS + 1);

      cells[COLUMN_HOST] = g_strdup (i == 0 ? find_text (change, "host") : "");
      cells[COLUMN_CHANGE] = g_strdup (i == 0 ? name_of_change (find_text (change, "change")) : "");
      cells[COLUMN_WHAT] = g_strdup (what[0] != NULL ? what[i] : _ ("the order, or the issuer"));
      g_ptr_array_add (rows, cells);
    }
  while (what[0] != NULL && what[++i] != NULL);
}

/* Returns: how many pins are the same, and not in the table */
static unsigned int
add_changes (GPtrArray *rows, GPtrArray *changes)
{
  unsigned int same = 0;

  for (unsigned int i = 0; i < changes->len; i++)
    {
      GVariant *change = changes->pdata[i];
      g_autoptr (GVariant) pin = find_values (change, "pin"), old = find_values (change, "old");

      if (strcmp (find_text (change, "change"), "same") == 0)
        same++;
      else
        add_rows (rows, change, old != NULL ? compare (pin, old) : describe (pin));
    }
  return same;
}

static void
print_changes (Ctl *ctl, GPtrArray *changes, gboolean is_dry)
{
  const char *const titles[] = { _ ("HOST"), _ ("CHANGE"), _ ("WHAT"), NULL };
  g_autofree char *set = NULL, *left = NULL;
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  unsigned int same, changed;

  g_ptr_array_add (rows, g_strdupv ((char **)titles));
  same = add_changes (rows, changes);
  changed = changes->len - same;
  if (rows->len > 1)
    ctl_print_table (&ctl->out, rows, N_COLUMNS);
  set = is_dry
            ? g_strdup_printf (ngettext ("Would set %u pin", "Would set %u pins", changed), changed)
            : g_strdup_printf (ngettext ("Set %u pin", "Set %u pins", changed), changed);
  left = g_strdup_printf (ngettext ("%u is the same already", "%u are the same already", same),
                          same);
  ctl_print_line (&ctl->out, "%s; %s", set, left);
}

/* The files */

/* Returns: (transfer full) (nullable): the text of a file */
static char *
read_file (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = ctl_input_read (path, FILE_MAX_BYTES, error);
  g_autofree char *shown = ctl_input_show (path);
  char *text = bytes != NULL ? ctl_input_get_text (bytes) : NULL;

  if (bytes != NULL && text == NULL)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                 _ ("%s is not text in UTF-8, so it is not a pin file"), shown);
  return text;
}

static gboolean
import (Ctl *ctl, const char *text, GVariant *options, GPtrArray *changes, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) reply = NULL;

  certpin_client_import_pins_async (ctl->client, text, options, ctl->cancellable, ctl_on_result,
                                    ctl);
  result = ctl_wait (ctl);
  reply = ctl_reply_take_records (certpin_client_import_pins_finish (ctl->client, result, error),
                                  CTL_REPLY_CHANGE, error);
  for (gsize i = 0; reply != NULL && i < g_variant_n_children (reply); i++)
    g_ptr_array_add (changes, g_variant_get_child_value (reply, i));
  return reply != NULL;
}

/* Returns: (transfer full) (nullable): the changes of all texts */
static GPtrArray *
import_all (Ctl *ctl, GPtrArray *texts, gboolean system, gboolean is_dry, GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);

  for (unsigned int i = 0; i < texts->len; i++)
    {
      g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
      g_autofree char *shown = ctl_input_show (ctl->arguments[i]);
      gboolean done;

      ctl_scope_add (ctl, system, &options);
      g_variant_dict_insert (&options, "dry-run", "b", is_dry);
      if (!is_dry)
        ctl_outcome_begin (ctl, system);
      done = import (ctl, texts->pdata[i], g_variant_dict_end (&options), changes, error);
      if (!is_dry)
        ctl_outcome_end_import (ctl, ctl->arguments[i], system, error);
      if (!done)
        {
          if (error != NULL
              && ((*error)->domain == CERTPIN_ERROR || ctl_error_is_cancelled (*error)))
            g_prefix_error (error, "%s: ", shown);
          return NULL;
        }
    }
  return g_steal_pointer (&changes);
}

/* One file would replace what another one says. */
static gboolean
check_twice (GPtrArray *changes, GError **error)
{
  g_autoptr (GHashTable) hosts = g_hash_table_new (g_str_hash, g_str_equal);

  for (unsigned int i = 0; i < changes->len; i++)
    if (!g_hash_table_add (hosts, (gpointer)find_text (changes->pdata[i], "host")))
      {
        g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                     _ ("‘%s’ is pinned in two of the files, so nothing was changed"),
                     find_text (changes->pdata[i], "host"));
        return FALSE;
      }
  return TRUE;
}

/* Returns: (transfer full) (nullable): of char *, in the order of the command line */
static GPtrArray *
read_files (Ctl *ctl, GError **error)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (size_t i = 0; ctl->arguments[i] != NULL; i++)
    {
      char *text = read_file (ctl->arguments[i], error);

      if (text == NULL)
        return NULL;
      g_ptr_array_add (texts, text);
    }
  return g_steal_pointer (&texts);
}

/* What is to be imported, and how. */
typedef struct
{
  gboolean system;
  gboolean dry_run;
  gboolean yes;
  int look_s;
} Options;

static gboolean
parse (Ctl *ctl, Options *given, GError **error)
{
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &given->system, N_ ("change the pins of all users"),
      NULL },
    CTL_OPTION_APP (ctl, N_ ("change the pins of a sandboxed app")),
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &given->dry_run,
      N_ ("show what would change, and change nothing"), NULL },
    { "look", 0, 0, G_OPTION_ARG_INT, &given->look_s,
      N_ ("how long to look at the servers, with --system (default: 60)"), N_ ("SECONDS") },
    { "yes", 'y', 0, G_OPTION_ARG_NONE, &given->yes, N_ ("set them without looking or asking"),
      NULL },
    { NULL },
  };

  *given = (Options){ .look_s = G_MININT };
  if (!ctl_parse (ctl, options, error))
    return FALSE;
  if (given->look_s == G_MININT)
    given->look_s = LOOK_S;
  else if (!given->system)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _ ("without --system, no server is looked at; leave out --look"));
  else if (given->look_s < 1 || given->look_s > LOOK_MAX_S)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("‘%d’ is not a time in seconds from 1 to %d"), given->look_s, LOOK_MAX_S);
  return *error == NULL;
}

/* Looking at servers takes time: somebody who may not set the pins is told before that. Nothing is
 * in the text, so nothing is changed. */
static gboolean
check_right (Ctl *ctl, GError **error)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  gboolean done;

  ctl_outcome_begin (ctl, /* system= */ TRUE);
  done = import (ctl, "[Pin File]\nVersion=1\n", ctl_scope_options (ctl, /* system= */ TRUE), none,
                 error);
  ctl_outcome_end_import (ctl, ctl->arguments[0], /* system= */ TRUE, error);
  return done;
}

/* Returns: (transfer full) (nullable): the changes that would be made, with what is known of their
 * servers */
static GPtrArray *
check (Ctl *ctl, GPtrArray *texts, const Options *given, GError **error)
{
  g_autoptr (GPtrArray) changes = import_all (ctl, texts, given->system, /* is_dry= */ TRUE, error);

  if (changes == NULL || !check_twice (changes, error))
    return NULL;
  if (!given->system || (given->yes && !given->dry_run))
    return g_steal_pointer (&changes);
  if (!given->dry_run && !check_right (ctl, error))
    return NULL;
  return ctl_import_look (ctl, changes, (unsigned int)given->look_s, error);
}

static void
print (Ctl *ctl, GPtrArray *changes, gboolean is_dry)
{
  GVariant *array;

  if (!ctl->json)
    {
      print_changes (ctl, changes, is_dry);
      return;
    }
  array = g_variant_new_array (G_VARIANT_TYPE_VARDICT, (GVariant *const *)changes->pdata,
                               changes->len);
  ctl_print_json (&ctl->out,
                  g_variant_new_parsed ("{'changes': %v, 'dry-run': <%b>}", array, is_dry));
}

CtlExit
ctl_import (Ctl *ctl, GError **error)
{
  g_autoptr (GPtrArray) texts = NULL, checked = NULL, done = NULL;
  Options given;

  if (!parse (ctl, &given, error))
    return CTL_EXIT_OK;
  texts = read_files (ctl, error);
  checked = texts != NULL ? check (ctl, texts, &given, error) : NULL;
  if (checked == NULL)
    return CTL_EXIT_FAILED;
  if (given.dry_run)
    {
      print (ctl, checked, /* is_dry= */ TRUE);
      return CTL_EXIT_OK;
    }
  if (!ctl_import_confirm (ctl, checked, error))
    return CTL_EXIT_FAILED;
  done = import_all (ctl, texts, given.system, /* is_dry= */ FALSE, error);
  if (done == NULL)
    return CTL_EXIT_FAILED;
  print (ctl, done, /* is_dry= */ FALSE);
  return CTL_EXIT_OK;
}
