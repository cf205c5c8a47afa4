/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `list`: a table of the pins that the caller may see. */

#include "config.h"

#include "certpinctl.h"

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

static char *
text_in_pin (GVariant *pin, const char *key)
{
  const char *text = "";

  g_variant_lookup (pin, key, "&s", &text);
  return g_strdup (text);
}

static char *
expiry_of_pin (GVariant *pin)
{
  gint64 expires = 0;

  g_variant_lookup (pin, "expires", "x", &expires);
  return expires != 0 ? ctl_text_of_time (expires) : g_strdup ("never");
}

/* The keys; where there are none, why, in parentheses. */
static GStrv
last_cells_of_pin (GVariant *pin)
{
  g_autoptr (GStrvBuilder) cells = g_strv_builder_new ();
  g_autofree const char **keys = NULL;
  g_autofree char *reason = NULL, *text = NULL;

  if (g_variant_lookup (pin, "keys", "^a&s", &keys) && keys[0] != NULL)
    g_strv_builder_addv (cells, keys);
  else
    {
      reason = text_in_pin (pin, "reason");
      text = *reason != '\0' ? g_strdup_printf ("(%s)", reason) : g_strdup ("");
      g_strv_builder_add (cells, text);
    }
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

      cells[COLUMN_HOST] = i == 0 ? text_in_pin (pin, "host") : g_strdup ("");
      cells[COLUMN_SCOPE] = i == 0 ? text_in_pin (pin, "scope") : g_strdup ("");
      cells[COLUMN_STATE] = i == 0 ? text_in_pin (pin, "state") : g_strdup ("");
      cells[COLUMN_MATCH] = i == 0 ? text_in_pin (pin, "match") : g_strdup ("");
      cells[COLUMN_MODE] = i == 0 ? text_in_pin (pin, "mode") : g_strdup ("");
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

static GVariant *
options_of_list (gboolean system, gboolean user)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (system != user)
    g_variant_dict_insert (&dict, "scope", "s", system ? "system" : "user");
  return g_variant_dict_end (&dict);
}

CtlExit
ctl_list (Ctl *ctl, GError **error)
{
  gboolean system = FALSE, user = FALSE;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, "only the pins of the whole system", NULL },
    { "user", 0, 0, G_OPTION_ARG_NONE, &user, "only your own pins", NULL },
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) pins = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  certpin_client_list_pins_async (ctl->client, options_of_list (system, user), ctl->cancellable,
                                  ctl_on_result, ctl);
  result = ctl_wait (ctl);
  pins = ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, error), error);
  if (pins == NULL)
    return CTL_EXIT_FAILED;
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pins': %v}", pins));
  else
    print_pins (ctl, pins);
  return CTL_EXIT_OK;
}
