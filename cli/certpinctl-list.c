/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `list`: a table of the pins that the caller may see, sorted by host. */

#include "config.h"

#include "certpinctl-list.h"

#include "certpinctl-options.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-reply.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <pwd.h>
#include <string.h>

enum
{
  COLUMN_HOST,
  COLUMN_SCOPE,
  COLUMN_STATE,
  COLUMN_MATCH,
  COLUMN_MODE,
  COLUMN_EXPIRES,
  COLUMN_KEYS,
  N_COLUMNS
};

static const char *const titles[]
    = { "HOST", "SCOPE", "STATE", "MATCH", "MODE", "EXPIRES", "KEYS", NULL };

G_STATIC_ASSERT (G_N_ELEMENTS (titles) == N_COLUMNS + 1);

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
  return expires != 0 ? ctl_time_to_text (expires) : g_strdup ("never");
}

/* Returns: (transfer full): with whose pin it is, in a list of all users' */
static char *
scope_of_pin (GVariant *pin)
{
  guint32 uid;

  return g_variant_lookup (pin, "uid", "u", &uid) ? g_strdup_printf ("uid %u", uid)
                                                  : g_strdup (find_text (pin, "scope"));
}

static void
add_remark (GStrvBuilder *cells, const char *text)
{
  g_autofree char *remark = *text != '\0' ? g_strdup_printf ("(%s)", text) : g_strdup ("");

  g_strv_builder_add (cells, remark);
}

/* The keys, or the reason why there are none; then warnings. Reasons and warnings are in
 * parentheses. */
static GStrv
last_cells_of_pin (GVariant *pin)
{
  g_autoptr (GStrvBuilder) cells = g_strv_builder_new ();
  g_autofree const char **keys = NULL;
  const char *reason = find_text (pin, "reason"), *warning = ctl_warning_of_pin (pin);

  g_variant_lookup (pin, "keys", "^a&s", &keys);
  if (keys != NULL && keys[0] != NULL)
    g_strv_builder_addv (cells, keys);
  else
    add_remark (cells, reason);
  if (warning != NULL)
    add_remark (cells, warning);
  return g_strv_builder_end (cells);
}

/* A row for the pin and its first key, and one for each further key. */
static void
add_rows (GPtrArray *rows, GVariant *pin)
{
  g_auto (GStrv) last_cells = last_cells_of_pin (pin);

  for (size_t i = 0; last_cells[i] != NULL; i++)
    {
      GStrv cells = g_new0 (char *, N_COLUMNS + 1);

      cells[COLUMN_HOST] = g_strdup (i == 0 ? find_text (pin, "host") : "");
      cells[COLUMN_SCOPE] = i == 0 ? scope_of_pin (pin) : g_strdup ("");
      cells[COLUMN_STATE] = g_strdup (i == 0 ? find_text (pin, "state") : "");
      cells[COLUMN_MATCH] = g_strdup (i == 0 ? find_text (pin, "match") : "");
      cells[COLUMN_MODE] = g_strdup (i == 0 ? find_text (pin, "mode") : "");
      cells[COLUMN_EXPIRES] = i == 0 ? expiry_of_pin (pin) : g_strdup ("");
      cells[COLUMN_KEYS] = g_strdup (last_cells[i]);
      g_ptr_array_add (rows, cells);
    }
}

static void
print_pins (Ctl *ctl, GVariant *pins)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);

  g_ptr_array_add (rows, g_strdupv ((char **)titles));
  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);

      add_rows (rows, pin);
    }
  if (rows->len > 1)
    ctl_print_table (&ctl->out, rows, N_COLUMNS);
  else if (ctl->err.terminal)
    ctl_print_message (&ctl->err, /* kind= */ NULL, "nothing is pinned");
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

  return hosts != 0 ? hosts : rank_of_pin (one) - rank_of_pin (other);
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
                   "there is no user ‘%s’; give a name or a uid", text);
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
  g_autoptr (GVariant) users = NULL, system = NULL;

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
  for (gsize i = 0; i < g_variant_n_children (users); i++)
    {
      guint32 uid;

      g_variant_get_child (users, i, "u", &uid);
      if (!add_user (ctl, uid, &all, error))
        return NULL;
    }
  return g_variant_ref_sink (g_variant_builder_end (&all));
}

/* What the command line asks for. */
typedef struct
{
  gboolean system, user, all_users;
  char *uid; /* (nullable) */
} Wanted;

/* Returns: (transfer full) (nullable): the pins that are wanted, in any order */
static GVariant *
ask_for_wanted (Ctl *ctl, const Wanted *wanted, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  guint32 uid;

  if (wanted->system && wanted->user)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "give only one of --system and --user");
      return NULL;
    }
  if (wanted->all_users && (wanted->system || wanted->user || wanted->uid != NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--all-users goes without --system, --user and --uid");
      return NULL;
    }
  if (wanted->all_users)
    return ask_for_all (ctl, error);
  if (wanted->system || wanted->user)
    g_variant_dict_insert (&dict, "scope", "s", wanted->system ? "system" : "user");
  if (wanted->uid != NULL && !parse_uid (wanted->uid, &uid, error))
    return NULL;
  if (wanted->uid != NULL)
    g_variant_dict_insert (&dict, "uid", "u", uid);
  return ask (ctl, g_variant_dict_end (&dict), error);
}

CtlExit
ctl_list (Ctl *ctl, GError **error)
{
  Wanted wanted = { 0 };
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &wanted.system, "only the system's pins", NULL },
    { "user", 0, 0, G_OPTION_ARG_NONE, &wanted.user, "only your own pins", NULL },
    { "uid", 0, 0, G_OPTION_ARG_STRING, &wanted.uid, "another user's pins instead of yours",
      "USER" },
    { "all-users", 0, 0, G_OPTION_ARG_NONE, &wanted.all_users, "the pins of all users", NULL },
    { NULL },
  };
  g_autofree char *uid = NULL;
  g_autoptr (GVariant) unsorted = NULL, pins = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  unsorted = ask_for_wanted (ctl, &wanted, error);
  uid = wanted.uid;
  if (unsorted == NULL)
    return CTL_EXIT_FAILED;
  pins = sort_pins (unsorted);
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pins': %v}", pins));
  else
    print_pins (ctl, pins);
  return CTL_EXIT_OK;
}
