/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `list`: a table of the pins that the caller may see, sorted by host. */

#include "config.h"

#include "certpinctl-list.h"

#include "certpinctl-options.h"
#include "certpinctl-pager.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <pwd.h>
#include <string.h>

#define WARNING_INDENT 2

enum
{
  COLUMN_HOST,
  COLUMN_SCOPE,
  COLUMN_STATE,
  COLUMN_MATCH,
  COLUMN_MODE,
  COLUMN_EXPIRES,
  N_COLUMNS
};

/* Returns: (transfer none) */
static const char *
find_text (GVariant *pin, const char *key)
{
  const char *text = "";

  g_variant_lookup (pin, key, "&s", &text);
  return text;
}

static char *
expiry_of_pin (GVariant *pin)
{
  gint64 expires = 0;

  g_variant_lookup (pin, "expires", "x", &expires);
  return expires != 0 ? ctl_time_to_text (expires) : g_strdup (_ ("never"));
}

/* Returns: (transfer full): with whose pin it is, in a list of all users', or of apps' */
static char *
scope_of_pin (GVariant *pin)
{
  guint32 uid;

  if (*find_text (pin, "app") != '\0')
    return g_strdup (find_text (pin, "app"));

  return g_variant_lookup (pin, "uid", "u", &uid) ? g_strdup_printf (_ ("uid %u"), uid)
                                                  : g_strdup (find_text (pin, "scope"));
}

/* A line below the row of its pin. `text`: consumed */
static void
add_line (GPtrArray *rows, char *text)
{
  g_autofree char *given = text;

  g_ptr_array_add (rows, g_strdupv ((char *[]){ given, NULL }));
}

/* Returns: (transfer full) (nullable): when the server was last seen, and its certificate's end */
static char *
sighting_of_pin (GVariant *pin)
{
  g_autoptr (GVariant) served = g_variant_lookup_value (pin, "served", G_VARIANT_TYPE_VARDICT);
  g_autofree char *seen = NULL, *end = NULL;
  gint64 time = 0, not_after = 0;

  if (served == NULL)
    return NULL;
  g_variant_lookup (served, "time", "x", &time);
  g_variant_lookup (served, "not-after", "x", &not_after);
  seen = ctl_time_to_day (time);
  end = ctl_time_to_day (not_after);
  return g_strdup_printf (_ ("last seen %s, certificate ends %s"), seen, end);
}

static void
add_pause (GPtrArray *rows, gint64 until, const char *reason)
{
  g_autofree char *time = ctl_time_to_text (until);

  add_line (rows, g_strdup_printf (_ ("  (paused until %s: %s)"), time, reason));
}

/* The keys, or the reason why there are none; then what was seen, a warning, and a pause. All but
 * keys are in parentheses. */
static void
add_lines (GPtrArray *rows, GVariant *pin)
{
  g_autofree const char **keys = NULL;
  const char *reason = find_text (pin, "reason"), *warning = ctl_warning_of_pin (pin);
  g_autofree char *sighting = sighting_of_pin (pin);
  gint64 paused_until;

  g_variant_lookup (pin, "keys", "^a&s", &keys);
  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    add_line (rows, g_strdup_printf ("  %s", keys[i]));
  if ((keys == NULL || keys[0] == NULL) && *reason != '\0')
    add_line (rows, g_strdup_printf ("  (%s)", reason));
  if (sighting != NULL)
    add_line (rows, g_strdup_printf ("  (%s)", sighting));
  if (warning != NULL)
    add_line (rows, g_strdup_printf ("  (%s)", warning));
  if (g_variant_lookup (pin, "paused-until", "x", &paused_until))
    add_pause (rows, paused_until, find_text (pin, "pause-reason"));
}

static void
add_rows (GPtrArray *rows, GVariant *pin)
{
  GStrv cells = g_new0 (char *, N_COLUMNS + 1);

  cells[COLUMN_HOST] = g_strdup (find_text (pin, "host"));
  cells[COLUMN_SCOPE] = scope_of_pin (pin);
  cells[COLUMN_STATE] = g_strdup (find_text (pin, "state"));
  cells[COLUMN_MATCH] = g_strdup (find_text (pin, "match"));
  cells[COLUMN_MODE] = g_strdup (find_text (pin, "mode"));
  cells[COLUMN_EXPIRES] = expiry_of_pin (pin);
  g_ptr_array_add (rows, cells);
  add_lines (rows, pin);
}

/* Below the table: sentences are too long for a cell. They are indented, for programs that read
 * only the table. */
static void
print_warnings (Ctl *ctl, GVariant *pins)
{
  gboolean any = FALSE;

  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      g_autofree const char **warnings = NULL;

      g_variant_lookup (pin, "warnings", "^a&s", &warnings);
      for (size_t j = 0; warnings != NULL && warnings[j] != NULL; j++)
        {
          g_autofree char *text
              = g_strdup_printf (_ ("warning: %s (%s): %s"), find_text (pin, "host"),
                                 find_text (pin, "scope"), warnings[j]);

          if (!any)
            ctl_print_blank (&ctl->out);
          any = TRUE;
          ctl_print_cell (&ctl->out, "", WARNING_INDENT);
          ctl_print_wrapped (&ctl->out, text, WARNING_INDENT, 2 * WARNING_INDENT);
        }
    }
}

/* `none`: what to say if there are none; on a terminal, unless it is an answer to a question */
static void
print_pins (Ctl *ctl, GVariant *pins, const char *none)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  const char *const titles[]
      = { _ ("HOST"), _ ("SCOPE"), _ ("STATE"), _ ("MATCH"), _ ("MODE"), _ ("EXPIRES"), NULL };

  G_STATIC_ASSERT (G_N_ELEMENTS (titles) == N_COLUMNS + 1);
  g_ptr_array_add (rows, g_strdupv ((char **)titles));
  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);

      add_rows (rows, pin);
    }
  if (rows->len > 1)
    ctl_print_table (&ctl->out, rows, N_COLUMNS);
  else if (none != NULL || ctl->err.terminal)
    ctl_print_message (
        &ctl->err, /* kind= */ NULL,
        none != NULL ? none : _ ("nothing is pinned; to pin a host: certpinctl pin --fetch HOST"));
  print_warnings (ctl, pins);
}

/* The pins of a host are in the order in which they apply: of files, of the system, of the user. */
static int
rank_of_pin (GVariant *pin)
{
  if (strcmp (find_text (pin, "scope"), "system") != 0)
    return 2;
  return *find_text (pin, "source") != '\0' ? 0 : 1;
}

static int
compare_pins (gconstpointer a, gconstpointer b)
{
  GVariant *one = *(GVariant *const *)a, *other = *(GVariant *const *)b;
  int hosts = strcmp (find_text (one, "host"), find_text (other, "host"));

  if (hosts != 0 || rank_of_pin (one) != rank_of_pin (other))
    return hosts != 0 ? hosts : rank_of_pin (one) - rank_of_pin (other);
  return strcmp (find_text (one, "app"), find_text (other, "app"));
}

/* The service may list them in any order. Returns: (transfer full) */
static GVariant *
sort_pins (GVariant *pins)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);

  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    g_ptr_array_add (sorted, g_variant_get_child_value (pins, i));
  g_ptr_array_sort (sorted, compare_pins);
  return g_variant_ref_sink (
      g_variant_new_array (G_VARIANT_TYPE_VARDICT, (GVariant *const *)sorted->pdata, sorted->len));
}

/* Whether the certificate of the server, or else that of the pin, ends by then, or the pin does. */
static gboolean
ends_by (GVariant *pin, gint64 moment)
{
  g_autoptr (GVariant) served = g_variant_lookup_value (pin, "served", G_VARIANT_TYPE_VARDICT);
  gint64 not_after = 0, expires = 0;

  g_variant_lookup (served != NULL ? served : pin, "not-after", "x", &not_after);
  g_variant_lookup (pin, "expires", "x", &expires);
  return (not_after != 0 && not_after <= moment) || (expires != 0 && expires <= moment);
}

/* Returns: (transfer full): those that end by then */
static GVariant *
filter_ending (GVariant *pins, gint64 moment)
{
  GVariantBuilder ending;

  g_variant_builder_init (&ending, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);

      if (ends_by (pin, moment))
        g_variant_builder_add_value (&ending, pin);
    }
  return g_variant_ref_sink (g_variant_builder_end (&ending));
}

/* Shows the pins, or those of them that end in a time.
 * `ending`: (nullable): the time, as --ending said it. */
static void
show (Ctl *ctl, GVariant *pins, const char *ending, gint64 span)
{
  g_autoptr (GVariant) shown = NULL;
  g_autofree char *none = NULL;

  shown = ending != NULL ? filter_ending (pins, g_get_real_time () / G_USEC_PER_SEC + span)
                         : g_variant_ref (pins);
  if (ending != NULL)
    none = g_strdup_printf (_ ("no pin, and no certificate of a pinned server, ends within %s"),
                            ending);
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pins': %v}", shown));
  else
    print_pins (ctl, shown, none);
}

/* `text`: a number, or the name of an account. Errors: G_OPTION_ERROR. */
static gboolean
parse_uid (const char *text, guint32 *uid, GError **error)
{
  const struct passwd *account;
  guint64 number;

  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 1, &number, NULL))
    {
      *uid = (guint32)number;
      return TRUE;
    }
  account = getpwnam (text);
  if (account == NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("there is no user ‘%s’; give a name or a uid"), text);
      return FALSE;
    }
  *uid = account->pw_uid;
  return TRUE;
}

/* `options`: floating. Returns: (transfer full) (nullable): `aa{sv}` */
static GVariant *
ask (Ctl *ctl, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_list_pins_async (ctl->client, options, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, error), error);
}

/* Adds a user's own pins, each with its uid. */
static gboolean
add_user (Ctl *ctl, guint32 uid, GVariantBuilder *all, GError **error)
{
  g_autoptr (GVariant) pins
      = ask (ctl, g_variant_new_parsed ("{'uid': <%u>, 'scope': <'user'>}", uid), error);

  for (gsize i = 0; pins != NULL && i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (pin);

      g_variant_dict_insert (&dict, "uid", "u", uid);
      g_variant_builder_add_value (all, g_variant_dict_end (&dict));
    }
  return pins != NULL;
}

/* Returns: (transfer full) (nullable): the pins of the system and of all users */
static GVariant *
ask_for_all (Ctl *ctl, GError **error)
{
  g_auto (GVariantBuilder) all = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GArray) users = NULL;
  g_autoptr (GVariant) system = NULL;

  certpin_client_list_users_async (ctl->client, /* options= */ NULL, ctl->cancellable,
                                   ctl_on_result, ctl);
  result = ctl_wait (ctl);
  users = certpin_client_list_users_finish (ctl->client, result, error);
  system = users != NULL ? ask (ctl, g_variant_new_parsed ("{'scope': <'system'>}"), error) : NULL;
  if (system == NULL)
    return NULL;
  for (gsize i = 0; i < g_variant_n_children (system); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (system, i);

      g_variant_builder_add_value (&all, pin);
    }
  for (unsigned int i = 0; i < users->len; i++)
    if (!add_user (ctl, g_array_index (users, guint32, i), &all, error))
      return NULL;
  return g_variant_ref_sink (g_variant_builder_end (&all));
}

/* Returns: (transfer full) (nullable): the pins of all apps of the user */
static GVariant *
ask_for_apps (Ctl *ctl, GError **error)
{
  g_auto (GVariantBuilder) all = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GStrv) apps = ctl_scope_list_apps (ctl, error);

  if (apps == NULL)
    return NULL;
  for (size_t i = 0; apps[i] != NULL; i++)
    {
      g_autoptr (GVariant) pins = ask (ctl, g_variant_new_parsed ("{'app': <%s>}", apps[i]), error);

      for (gsize j = 0; pins != NULL && j < g_variant_n_children (pins); j++)
        {
          g_autoptr (GVariant) pin = g_variant_get_child_value (pins, j);

          g_variant_builder_add_value (&all, pin);
        }
      if (pins == NULL)
        return NULL;
    }
  return g_variant_ref_sink (g_variant_builder_end (&all));
}

/* What the command line asks for. */
typedef struct
{
  Ctl *ctl;
  gboolean system, user, all_users;
  gboolean apps; /* of one, if `ctl` names it, or of all */
  char *uid;     /* (nullable) */
} Wanted;

/* --app. `value`: (nullable) */
static gboolean
take_app (const char *name, const char *value, gpointer data, GError **error)
{
  Wanted *wanted = data;

  wanted->apps = TRUE;
  g_free (wanted->ctl->app);
  wanted->ctl->app = g_strdup (value);
  return TRUE;
}

/* Returns: (transfer full) (nullable): the pins that are wanted, in any order */
static GVariant *
ask_for_wanted (Ctl *ctl, const Wanted *wanted, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  guint32 uid;

  if (wanted->system && wanted->user)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("give only one of --system and --user"));
      return NULL;
    }
  if (wanted->all_users && (wanted->system || wanted->user || wanted->uid != NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("--all-users goes without --system, --user and --uid"));
      return NULL;
    }
  if (wanted->apps && (wanted->system || wanted->user || wanted->all_users || wanted->uid != NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("--app goes without --system, --user, --uid and --all-users"));
      return NULL;
    }
  if (wanted->all_users)
    return ask_for_all (ctl, error);
  if (wanted->apps)
    return ctl->app != NULL ? ask (ctl, ctl_scope_options (ctl, /* system= */ FALSE), error)
                            : ask_for_apps (ctl, error);
  if (wanted->system || wanted->user)
    {
      const char *scope = ctl_scope_find_name (ctl, wanted->system, error);

      if (scope == NULL)
        return NULL;
      g_variant_dict_insert (&dict, "scope", "s", scope);
    }
  if (wanted->uid != NULL && !parse_uid (wanted->uid, &uid, error))
    return NULL;
  if (wanted->uid != NULL)
    g_variant_dict_insert (&dict, "uid", "u", uid);
  return ask (ctl, g_variant_dict_end (&dict), error);
}

CtlExit
ctl_list (Ctl *ctl, GError **error)
{
  Wanted wanted = { .ctl = ctl };
  g_autofree char *ending = NULL;
  gint64 span = 0;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &wanted.system, N_ ("only the system's pins"), NULL },
    { "user", 0, 0, G_OPTION_ARG_NONE, &wanted.user, N_ ("only your own pins"), NULL },
    { "app", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, (gpointer)take_app,
      N_ ("only those of a sandboxed app, or of all of yours"), N_ ("APP") },
    { "ending", 0, 0, G_OPTION_ARG_STRING, &ending,
      N_ ("only pins that, or whose servers' certificates, end within it"), N_ ("TIME") },
    { "uid", 0, 0, G_OPTION_ARG_STRING, &wanted.uid, N_ ("another user's pins instead of yours"),
      N_ ("USER") },
    { "all-users", 0, 0, G_OPTION_ARG_NONE, &wanted.all_users, N_ ("the pins of all users"), NULL },
    { NULL },
  };
  g_autofree char *uid = NULL;
  g_autoptr (GVariant) unsorted = NULL, pins = NULL;

  if (!ctl_parse_with (ctl, options, &wanted, error))
    return CTL_EXIT_OK;
  if (ending != NULL && !ctl_time_parse_span (ending, &span, error))
    return CTL_EXIT_USAGE;
  unsorted = ask_for_wanted (ctl, &wanted, error);
  uid = wanted.uid;
  if (unsorted == NULL)
    return CTL_EXIT_FAILED;
  pins = sort_pins (unsorted);
  ctl_pager_open (ctl);
  show (ctl, pins, ending, span);
  return CTL_EXIT_OK;
}
