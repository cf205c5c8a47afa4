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

static const char *const titles[] = { "HOST", "SCOPE", "STATE", "MATCH", "MODE", "EXPIRES", NULL };

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
  return g_strdup_printf ("last seen %s, certificate ends %s", seen, end);
}

/* The keys, or the reason why there are none; then what was seen, and a warning. All but keys are
 * in parentheses. */
static void
add_lines (GPtrArray *rows, GVariant *pin)
{
  g_autofree const char **keys = NULL;
  const char *reason = find_text (pin, "reason"), *warning = ctl_warning_of_pin (pin);
  g_autofree char *sighting = sighting_of_pin (pin);

  g_variant_lookup (pin, "keys", "^a&s", &keys);
  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    add_line (rows, g_strdup_printf ("  %s", keys[i]));
  if ((keys == NULL || keys[0] == NULL) && *reason != '\0')
    add_line (rows, g_strdup_printf ("  (%s)", reason));
  if (sighting != NULL)
    add_line (rows, g_strdup_printf ("  (%s)", sighting));
  if (warning != NULL)
    add_line (rows, g_strdup_printf ("  (%s)", warning));
}

static void
add_rows (GPtrArray *rows, GVariant *pin)
{
  GStrv cells = g_new0 (char *, N_COLUMNS + 1);

  cells[COLUMN_HOST] = g_strdup (find_text (pin, "host"));
  cells[COLUMN_SCOPE] = g_strdup (find_text (pin, "scope"));
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
          g_autofree char *text = g_strdup_printf ("warning: %s (%s): %s", find_text (pin, "host"),
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

  g_ptr_array_add (rows, g_strdupv ((char **)titles));
  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);

      add_rows (rows, pin);
    }
  if (rows->len > 1)
    ctl_print_table (&ctl->out, rows, N_COLUMNS);
  else if (none != NULL || ctl->err.terminal)
    ctl_print_message (&ctl->err, /* kind= */ NULL, none != NULL ? none : "nothing is pinned");
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
    none
        = g_strdup_printf ("no pin, and no certificate of a pinned server, ends within %s", ending);
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pins': %v}", shown));
  else
    print_pins (ctl, shown, none);
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
  g_autofree char *ending = NULL;
  gint64 span = 0;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, "only the system's pins", NULL },
    { "user", 0, 0, G_OPTION_ARG_NONE, &user, "only your own pins", NULL },
    { "ending", 0, 0, G_OPTION_ARG_STRING, &ending,
      "only pins that, or whose servers' certificates, end within it", "TIME" },
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) unsorted = NULL, pins = NULL;
  GVariant *to_service;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  to_service = options_of_list (system, user, error);
  if (to_service == NULL || (ending != NULL && !ctl_time_parse_span (ending, &span, error)))
    return CTL_EXIT_USAGE;
  certpin_client_list_pins_async (ctl->client, to_service, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  unsorted
      = ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, error), error);
  if (unsorted == NULL)
    return CTL_EXIT_FAILED;
  pins = sort_pins (unsorted);
  show (ctl, pins, ending, span);
  return CTL_EXIT_OK;
}
