/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `list`: a table of the pins that the caller may see, sorted by host. */

#include "config.h"

#include "certpinctl-list.h"

#include "certpinctl-options.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-reply.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

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

static void
add_remark (GStrvBuilder *cells, const char *text)
{
  g_autofree char *remark = *text != '\0' ? g_strdup_printf ("(%s)", text) : g_strdup ("");

  g_strv_builder_add (cells, remark);
}

static void
add_pause (GStrvBuilder *cells, gint64 until, const char *reason)
{
  g_autofree char *time = ctl_time_to_text (until);
  g_autofree char *text = g_strdup_printf ("paused until %s: %s", time, reason);

  add_remark (cells, text);
}

/* The keys, or the reason why there are none; then warnings, and a pause. All but keys are in
 * parentheses. */
static GStrv
last_cells_of_pin (GVariant *pin)
{
  g_autoptr (GStrvBuilder) cells = g_strv_builder_new ();
  g_autofree const char **keys = NULL;
  const char *reason = find_text (pin, "reason"), *warning = ctl_warning_of_pin (pin);
  gint64 paused_until;

  g_variant_lookup (pin, "keys", "^a&s", &keys);
  if (keys != NULL && keys[0] != NULL)
    g_strv_builder_addv (cells, keys);
  else
    add_remark (cells, reason);
  if (warning != NULL)
    add_remark (cells, warning);
  if (g_variant_lookup (pin, "paused-until", "x", &paused_until))
    add_pause (cells, paused_until, find_text (pin, "pause-reason"));
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
      cells[COLUMN_SCOPE] = g_strdup (i == 0 ? find_text (pin, "scope") : "");
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

/* Returns: (nullable): `a{sv}`, floating */
static GVariant *
options_of_list (gboolean system, gboolean user, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (system && user)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "give only one of --system and --user");
      return NULL;
    }
  if (system || user)
    g_variant_dict_insert (&dict, "scope", "s", system ? "system" : "user");
  return g_variant_dict_end (&dict);
}

CtlExit
ctl_list (Ctl *ctl, GError **error)
{
  gboolean system = FALSE, user = FALSE;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, "only the system's pins", NULL },
    { "user", 0, 0, G_OPTION_ARG_NONE, &user, "only your own pins", NULL },
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) unsorted = NULL, pins = NULL;
  GVariant *to_service;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  to_service = options_of_list (system, user, error);
  if (to_service == NULL)
    return CTL_EXIT_USAGE;
  certpin_client_list_pins_async (ctl->client, to_service, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  unsorted
      = ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, error), error);
  if (unsorted == NULL)
    return CTL_EXIT_FAILED;
  pins = sort_pins (unsorted);
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pins': %v}", pins));
  else
    print_pins (ctl, pins);
  return CTL_EXIT_OK;
}
