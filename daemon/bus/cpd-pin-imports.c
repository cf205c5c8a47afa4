/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The method ImportPins: many pins as one text. A thread reads the text, and another describes the
 * changes, since both take longer than a turn of the main loop may. Between them, each pin is a
 * change like any other. */

#include "config.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/bus/cpd-pin-order.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-app.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-pin-file.h"
#include "dbus/certpin-names.h"

#include <string.h>

#define TEXT_MAX_BYTES (4 * 1024 * 1024)

/* The reply describes each of them twice, and has to fit into one message. */
#define PINS_MAX CPD_PIN_FILE_RUN_TIME_MAX

/* An error on the bus has room for some. */
#define SUMMARY_MAX_BYTES 1400

/* What becomes of one pin of the text. */
typedef struct
{
  CpdPin *pin;         /* of the text; in the end, the one that is in force */
  CpdPin *old;         /* what was there; NULL: nothing */
  gboolean lends_note; /* its note is made of what the text says of its origin */
} Item;

/* One import; belongs to its call. */
typedef struct
{
  CpdLayer layer;
  gboolean is_dry;
  GBytes *text;
  char *who;         /* whose pins they become */
  GArray *items;     /* of Item */
  GPtrArray *faults; /* of the text */
  unsigned int n_pending;
  GPtrArray *failed; /* of char *: the hosts that were not changed */
  GError *failure;   /* why, of the first one */
} Import;

static void
item_clear (gpointer data)
{
  Item *item = data;

  cpd_pin_unref (item->pin);
  cpd_pin_unref (item->old);
}

static void
import_free (gpointer data)
{
  Import *import = data;

  g_bytes_unref (import->text);
  g_free (import->who);
  g_array_unref (import->items);
  g_ptr_array_unref (import->faults);
  g_ptr_array_unref (import->failed);
  g_clear_error (&import->failure);
  g_free (import);
}

static Item *
get_item (Import *import, unsigned int index)
{
  return &g_array_index (import->items, Item, index);
}

/* The end: what has changed, or would change */

static gboolean
is_same (const Item *item)
{
  return item->old != NULL && cpd_pin_shows_the_same (item->pin, item->old)
         && (g_strcmp0 (item->pin->note, item->old->note) == 0
             || (item->lends_note && item->old->note == NULL));
}

/* Returns: (floating): a{sv} */
static GVariant *
describe_item (const Item *item, gint64 now)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  gboolean same = is_same (item);

  g_variant_dict_insert (&dict, "host", "s", cpd_host_get_text (item->pin->host));
  g_variant_dict_insert (&dict, "change", "s",
                         same                ? "same"
                         : item->old != NULL ? "replaced"
                                             : "new");
  g_variant_dict_insert_value (
      &dict, "pin", cpd_describe_pin (same ? item->old : item->pin, /* sighting= */ NULL, now));
  if (item->old != NULL && !same)
    g_variant_dict_insert_value (&dict, "old",
                                 cpd_describe_pin (item->old, /* sighting= */ NULL, now));
  return g_variant_dict_end (&dict);
}

static void
describe_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Import *import = task_data;
  gint64 now = cpd_call_now_s ();
  GVariantBuilder changes;
  GVariant *reply;

  g_variant_builder_init (&changes, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned int i = 0; i < import->items->len; i++)
    g_variant_builder_add_value (&changes, describe_item (get_item (import, i), now));
  reply = g_variant_ref_sink (g_variant_new ("(aa{sv})", &changes));
  g_variant_get_data (reply); /* so that nothing is left to be serialized */
  g_task_return_pointer (task, reply, (GDestroyNotify)g_variant_unref);
}

static void
import_on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), NULL);

  cpd_call_return (user_data, reply);
}

static void
describe (CpdCall *call)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, import_on_described, call);

  g_task_set_source_tag (task, describe);
  g_task_set_task_data (task, call->data, NULL);
  g_task_run_in_thread (task, describe_in_thread);
}

/* The changes */

/* Returns: (transfer full): which hosts were not changed, and why */
static GError *
explain_failure (const Import *import)
{
  g_autoptr (GString) hosts = g_string_new (NULL);
  unsigned int i;

  for (i = 0; i < import->failed->len && hosts->len < SUMMARY_MAX_BYTES / 2; i++)
    g_string_append_printf (hosts, "%s‘%s’", i > 0 ? ", " : "", (char *)import->failed->pdata[i]);
  if (i < import->failed->len)
    g_string_append_printf (hosts, " and %u more", import->failed->len - i);
  return g_error_new (import->failure->domain, import->failure->code,
                      "%u of %u pins were not imported, %s; the others were; of the first: %s",
                      import->failed->len, import->items->len, hosts->str,
                      import->failure->message);
}

static void
finish (CpdCall *call)
{
  const Import *import = call->data;

  if (import->failed->len > 0)
    cpd_call_fail (call, explain_failure (import));
  else
    describe (call);
}

/* Which item of which call a change is for. */
typedef struct
{
  CpdCall *call;
  unsigned int index;
} Turn;

static void
import_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Turn *turn = user_data;
  CpdCall *call = turn->call;
  Import *import = call->data;
  Item *item = get_item (import, turn->index);
  CpdPin *old = cpd_store_change_get_old (result);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  if (old != NULL)
    item->old = cpd_pin_ref (old);
  if (pin != NULL && pin != old)
    cpd_audit_pin_changed (call->parts->audit, call->caller, old, pin);
  if (pin == NULL)
    g_ptr_array_add (import->failed, g_strdup (cpd_host_get_text (item->pin->host)));
  if (pin == NULL && import->failure == NULL)
    import->failure = g_steal_pointer (&error);
  if (--import->n_pending == 0)
    finish (call);
}

/* All take their places in the queue of the scope at once, one behind the other. */
static void
store_all (CpdCall *call)
{
  Import *import = call->data;
  unsigned int n = import->items->len;

  import->n_pending = n;
  for (unsigned int i = 0; i < n; i++)
    {
      Item *item = get_item (import, i);
      Turn *turn = g_new0 (Turn, 1);

      turn->call = call;
      turn->index = i;
      cpd_store_import_pin_async (call->parts->store, call->asker.owner, item->pin,
                                  item->lends_note, import_on_stored, turn);
    }
}

static void
look_only (CpdCall *call)
{
  Import *import = call->data;
  const char *block = cpd_store_get_block (call->parts->store, import->layer, call->asker.owner);

  if (block != NULL)
    {
      cpd_call_fail (call, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                                        "it is not known what is pinned in this scope: %s", block));
      return;
    }
  for (unsigned int i = 0; i < import->items->len; i++)
    {
      Item *item = get_item (import, i);

      item->old = cpd_store_get_pin (call->parts->store, import->layer, call->asker.owner,
                                     item->pin->host);
    }
  describe (call);
}

/* The text */

/* It is made by the caller, and now: what the text says of that is for people alone. */
static void
take_pin (Import *import, CpdPin *pin)
{
  g_autofree char *origin = pin->note == NULL ? cpd_pin_describe_origin (pin) : NULL;
  Item item = { .pin = cpd_pin_ref (pin), .lends_note = origin != NULL };

  if (origin != NULL)
    pin->note = cpd_text_shorten (origin, strlen (origin), CPD_PIN_TEXT_MAX_BYTES);
  pin->created = cpd_call_now_s ();
  g_free (pin->created_by);
  pin->created_by = g_strdup (import->who);
  g_array_append_val (import->items, item);
}

static void
check_count (Import *import)
{
  g_autofree char *sentence = g_strdup_printf (
      "it has more than %d pins, which are imported in one call; split it", PINS_MAX);

  if (import->items->len > PINS_MAX)
    cpd_faults_tell (import->faults, sentence);
}

static void
read_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Import *import = task_data;
  const CpdPinFileContext context
      = { .layer = import->layer, .at_run_time = TRUE, .problems = import->faults };
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GPtrArray) pins = cpd_pin_file_parse (import->text, &context, &hosts, NULL);

  for (unsigned int i = 0; pins != NULL && i < pins->len; i++)
    take_pin (import, pins->pdata[i]);
  check_count (import);
  g_task_return_boolean (task, TRUE);
}

static void
import_on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  Import *import = call->data;
  g_autofree char *summary = NULL;

  cpd_call_end_turn (call);
  if (import->faults->len > 0)
    {
      summary = cpd_faults_summarise (import->faults, SUMMARY_MAX_BYTES);
      cpd_call_fail (call, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                                        "the text is wrong, so nothing was changed: %s", summary));
    }
  else if (import->is_dry)
    look_only (call);
  else if (import->items->len > 0)
    store_all (call);
  else
    finish (call);
}

static void
import_start (gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, import_on_read, call);

  g_task_set_source_tag (task, import_start);
  g_task_set_task_data (task, call->data, NULL);
  g_task_run_in_thread (task, read_in_thread);
}

static void
act_import (CpdCall *call)
{
  Import *import = call->data;

  import->who = cpd_caller_describe (call->caller);
  cpd_call_take_turn (call, import_start);
}

static gboolean
parse_import_pins (CpdCall *call, GVariant *arguments, GError **error)
{
  const char *text, *scope = NULL, *app = NULL;
  gboolean is_dry = FALSE;
  const CpdOption table[] = { { "scope", "s", &scope, 1, 16 },
                              { "app", "s", &app, 1, CPD_APP_MAX_BYTES },
                              { "dry-run", "b", &is_dry, 0, 1 } };
  g_autoptr (GVariant) options = NULL;
  CpdLayer layer;
  Import *import;

  g_variant_get (arguments, "(&s@a{sv})", &text, &options);
  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error))
    return FALSE;
  call->asker.only_looks = is_dry;
  if (!cpd_asker_take_scope (&call->asker, scope, app, &layer, error))
    return FALSE;
  if (strlen (text) > TEXT_MAX_BYTES)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "the text has more than 4 MiB; split it");
  import = g_new0 (Import, 1);
  import->layer = layer;
  import->is_dry = is_dry;
  import->text = g_bytes_new (text, strlen (text));
  import->items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (import->items, item_clear);
  import->faults = cpd_faults_new ();
  import->failed = g_ptr_array_new_with_free_func (g_free);
  cpd_call_take_data (call, import, import_free);
  if (!is_dry)
    call->action = layer == CPD_LAYER_SYSTEM ? CERTPIN_ACTION_SYSTEM_PINS : CERTPIN_ACTION_OWN_PINS;
  call->imports = TRUE;
  call->act = act_import;
  return TRUE;
}

const CpdMethod cpd_pin_imports[] = {
  { "ImportPins", parse_import_pins },
  { NULL },
};
