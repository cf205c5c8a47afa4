/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of the Pins interface that only read: GetPin, ListPins, ExportPins, LastFailure.
 * Callers need no authorisation to see their own pins and failures. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/core/base/cpd-app.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/pins/cpd-pin-file-name.h"
#include "daemon/core/pins/cpd-pin-file.h"
#include "dbus/certpin-names.h"

#include <string.h>

/* How many pins may be requested, and one reply has: more would block the main loop. */
#define LIST_MAX   500
#define LIST_SLICE 32
/* A slice ends after this size: an administrator's notes may be long. */
#define LIST_BYTES (256 * 1024)

/* What is asked for. */
typedef struct
{
  CpdHost *host;
  const char *scope; /* of the call's own message; NULL: not given */
  guint32 uid;       /* CPD_ALL_UIDS: not given */
  char *start_after; /* a host's text; NULL: from the first one on */
  guint32 max;       /* how many pins at most, except those of the last host */
} Query;

static void
query_free (gpointer data)
{
  Query *query = data;

  cpd_host_unref (query->host);
  g_free (query->start_after);
  g_free (query);
}

/* `query`: (transfer full) */
static void
want (CpdCall *call, Query *query, CpdCallAct act)
{
  cpd_call_take_data (call, query, query_free);
  call->act = act;
}

/* Returns: whose pins are asked for */
static CpdOwner
get_owner (const CpdCall *call, const Query *query)
{
  return query->uid != CPD_ALL_UIDS ? query->uid : call->asker.owner;
}

/* Lists show what is kept: who follows the changes of pins is not told of transient ones. */
static gboolean
covers (const Query *query, CpdLayer layer)
{
  if (query->scope == NULL)
    return layer != CPD_LAYER_TRANSIENT || query->host != NULL;
  return g_str_equal (query->scope, cpd_describe_scope (layer));
}

/* Where a scope cannot be read, a pin of a wider one is not the narrowest.
 * Errors: CERTPIN_ERROR_NOT_PINNED; CERTPIN_ERROR_STORE_FAILED: that is not known.
 * Returns: (transfer full) (nullable) */
static CpdPin *
find_narrowest (CpdCall *call, const Query *query, GError **error)
{
  static const CpdLayer narrowest_first[]
      = { CPD_LAYER_TRANSIENT, CPD_LAYER_APP, CPD_LAYER_USER, CPD_LAYER_SYSTEM, CPD_LAYER_FILES };
  CpdStore *store = call->parts->store;
  const char *block = NULL;

  for (size_t i = 0; block == NULL && i < G_N_ELEMENTS (narrowest_first); i++)
    if (covers (query, narrowest_first[i]))
      {
        CpdPin *pin
            = cpd_store_find_pin (store, narrowest_first[i], call->asker.owner, query->host);

        if (pin != NULL)
          return pin;
        block = cpd_store_get_block (store, narrowest_first[i], call->asker.owner);
      }
  if (block != NULL)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                 "it is not known what is pinned for ‘%s’: %s", cpd_host_get_text (query->host),
                 block);
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED, "nothing is pinned for ‘%s’",
                 cpd_host_get_text (query->host));
  return NULL;
}

static void
act_get_pin (CpdCall *call)
{
  GError *error = NULL;
  g_autoptr (CpdPin) pin = find_narrowest (call, call->data, &error);

  if (pin != NULL)
    cpd_call_return (call, g_variant_new ("(@a{sv})", cpd_describe_stored_pin (
                                                          call->parts->store, call->asker.owner,
                                                          pin, cpd_call_now_s ())));
  else
    cpd_call_fail (call, error);
}

static gboolean
parse_get_pin (CpdCall *call, GVariant *arguments, GError **error)
{
  const char *host, *scope = NULL, *app = NULL;
  const CpdOption table[]
      = { { "scope", "s", &scope, 1, 16 }, { "app", "s", &app, 1, CPD_APP_MAX_BYTES } };
  g_autoptr (GVariant) options = NULL;
  g_autoptr (CpdHost) parsed = NULL;
  Query *query;

  g_variant_get (arguments, "(&s@a{sv})", &host, &options);
  parsed = cpd_host_new (host, error);
  if (parsed == NULL || !cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !cpd_asker_take_layers (&call->asker, scope, app, &scope, error))
    return FALSE;
  query = g_new0 (Query, 1);
  query->host = g_steal_pointer (&parsed);
  query->scope = scope;
  want (call, query, act_get_pin);
  return TRUE;
}

/* The pins of one layer that come next. */
typedef struct
{
  GPtrArray *pins; /* of CpdPin, in order */
  unsigned int next;
} Run;

static const char *
get_next_host (const Run *run)
{
  return run->next < run->pins->len
             ? cpd_host_get_text (((CpdPin *)run->pins->pdata[run->next])->host)
             : NULL;
}

/* Returns: (nullable): the least of the hosts that come next */
static const char *
find_least_host (const Run *runs, size_t n_runs)
{
  const char *least = NULL;

  for (size_t i = 0; i < n_runs; i++)
    {
      const char *host = get_next_host (&runs[i]);

      if (host != NULL && (least == NULL || strcmp (host, least) < 0))
        least = host;
    }
  return least;
}

/* How a pin of a list is described: as a floating a{sv}. */
typedef GVariant *(*Describe) (CpdStore *store, CpdOwner owner, const CpdPin *pin);

static GVariant *
describe_now (CpdStore *store, CpdOwner owner, const CpdPin *pin)
{
  return cpd_describe_stored_pin (store, owner, pin, cpd_call_now_s ());
}

static GVariant *
describe_file (CpdStore *store G_GNUC_UNUSED, CpdOwner owner G_GNUC_UNUSED, const CpdPin *pin)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GBytes) text = cpd_pin_file_export (pin);
  gsize length;
  const char *data = g_bytes_get_data (text, &length);

  g_variant_dict_insert (&dict, "host", "s", cpd_host_get_text (pin->host));
  g_variant_dict_insert (&dict, "scope", "s", cpd_describe_scope (pin->layer));
  g_variant_dict_insert_value (&dict, "name",
                               g_variant_new_take_string (cpd_pin_file_name (pin->host)));
  g_variant_dict_insert_value (&dict, "text", g_variant_new_take_string (g_strndup (data, length)));
  return g_variant_dict_end (&dict);
}

/* A slice being put together. */
typedef struct
{
  CpdStore *store;
  CpdOwner owner;
  unsigned int max; /* how many pins at most, except those of the last host */
  Run runs[CPD_LAYER_REQUEST];
  Describe describe;
  GVariantBuilder pins;
  unsigned int count;
  guint64 bytes;
} Slice;

/* Adds all pins of a host, the widest scope first. */
static void
add_host (Slice *slice, const char *host)
{
  for (size_t i = 0; i < G_N_ELEMENTS (slice->runs); i++)
    if (g_strcmp0 (get_next_host (&slice->runs[i]), host) == 0)
      {
        Run *run = &slice->runs[i];
        GVariant *pin = slice->describe (slice->store, slice->owner, run->pins->pdata[run->next++]);

        slice->bytes += g_variant_get_size (pin);
        slice->count++;
        g_variant_builder_add_value (&slice->pins, pin);
      }
}

/* Returns: (transfer full): the pins that come next in the layers from `first` on, to be
 * described */
static Slice *
slice_new (CpdCall *call, int first, Describe describe)
{
  const Query *query = call->data;
  Slice *slice = g_new0 (Slice, 1);

  slice->store = call->parts->store;
  slice->owner = get_owner (call, query);
  slice->max = query->max;
  slice->describe = describe;
  for (int layer = CPD_LAYER_FILES; layer < CPD_LAYER_REQUEST; layer++)
    {
      unsigned int most = layer >= first && covers (query, (CpdLayer)layer) ? query->max : 0;

      slice->runs[layer].pins = cpd_store_list_after (slice->store, (CpdLayer)layer, slice->owner,
                                                      query->start_after, most);
    }
  return slice;
}

static void
slice_free (gpointer data)
{
  Slice *slice = data;

  for (size_t i = 0; i < G_N_ELEMENTS (slice->runs); i++)
    g_ptr_array_unref (slice->runs[i].pins);
  g_free (slice);
}

/* Returns: (floating): aa{sv} */
static GVariant *
slice_describe (Slice *slice)
{
  const char *host;

  g_variant_builder_init (&slice->pins, G_VARIANT_TYPE ("aa{sv}"));
  while (slice->count < slice->max && slice->bytes < LIST_BYTES
         && (host = find_least_host (slice->runs, G_N_ELEMENTS (slice->runs))) != NULL)
    add_host (slice, host);
  return g_variant_builder_end (&slice->pins);
}

/* Whether all pins are known that are asked for: whoever keeps, or looks through, what is listed
 * must not take a part for all of it. `doing`: with them.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
static gboolean
check_known (CpdCall *call, CpdLayer first, const char *doing, GError **error)
{
  const Query *query = call->data;
  CpdOwner owner = get_owner (call, query);

  for (int layer = (int)first; layer < CPD_LAYER_REQUEST; layer++)
    {
      const char *block = covers (query, (CpdLayer)layer)
                              ? cpd_store_get_block (call->parts->store, (CpdLayer)layer, owner)
                              : NULL;

      if (block != NULL)
        return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED, "not all pins can be %s: %s", doing,
                           block);
    }
  return TRUE;
}

static void
act_list_pins (CpdCall *call)
{
  Slice *slice;
  GError *error = NULL;

  if (!check_known (call, CPD_LAYER_FILES, "listed", &error))
    {
      cpd_call_fail (call, error);
      return;
    }
  slice = slice_new (call, CPD_LAYER_FILES, describe_now);
  cpd_call_return (call, g_variant_new ("(@aa{sv})", slice_describe (slice)));
  slice_free (slice);
}

static void
export_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_task_return_pointer (task, g_variant_ref_sink (slice_describe (task_data)),
                         (GDestroyNotify)g_variant_unref);
}

static void
export_on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (GVariant) files = g_task_propagate_pointer (G_TASK (result), NULL);

  cpd_call_return (call, g_variant_new ("(@aa{sv})", files));
}

/* In its turn. */
static void
export_start (gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  if (!check_known (call, CPD_LAYER_SYSTEM, "exported", &error))
    {
      cpd_call_fail (call, error);
      return;
    }
  task = g_task_new (NULL, NULL, export_on_described, call);
  g_task_set_task_data (task, slice_new (call, CPD_LAYER_SYSTEM, describe_file), slice_free);
  g_task_run_in_thread (task, export_in_thread);
}

/* Trust anchors make long texts: a thread prints them, and a user's calls wait for each other. */
static void
act_export_pins (CpdCall *call)
{
  cpd_call_take_turn (call, export_start);
}

static gboolean
check_whose_pins (CpdCall *call, GError **error)
{
  const Query *query = call->data;

  if (query->uid != CPD_ALL_UIDS
      && (query->uid != call->caller->uid || cpd_owner_is_app (call->asker.self)))
    call->action = CERTPIN_ACTION_INSPECT_ALL;
  return TRUE;
}

static gboolean
parse_list (CpdCall *call, GVariant *arguments, CpdCallAct act, GError **error)
{
  const char *scope = NULL, *start_after = NULL, *app = NULL;
  g_autoptr (GVariant) options = g_variant_get_child_value (arguments, 0);
  g_autofree Query *query = g_new0 (Query, 1);
  const CpdOption table[] = { { "scope", "s", &scope, 1, 16 },
                              { "app", "s", &app, 1, CPD_APP_MAX_BYTES },
                              { "uid", "u", &query->uid, 0, CPD_ALL_UIDS - 1 },
                              { "start-after", "s", &start_after, 0, CPD_HOST_TEXT_MAX_BYTES },
                              { "max", "u", &query->max, 1, LIST_MAX } };

  query->uid = CPD_ALL_UIDS;
  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !cpd_asker_take_layers (&call->asker, scope, app, &scope, error))
    return FALSE;
  if (app != NULL && query->uid != CPD_ALL_UIDS)
    return cpd_refuse (
        error, CERTPIN_ERROR_INVALID_ARGUMENT,
        "the options ‘uid’ and ‘app’ are both given; only your own apps can be named");
  query->scope = scope;
  query->start_after = g_strdup (start_after);
  query->max = query->max == 0 ? LIST_SLICE : MIN (query->max, LIST_SLICE);
  want (call, g_steal_pointer (&query), act);
  call->check = check_whose_pins;
  return TRUE;
}

static gboolean
parse_list_pins (CpdCall *call, GVariant *arguments, GError **error)
{
  return parse_list (call, arguments, act_list_pins, error);
}

static gboolean
parse_export_pins (CpdCall *call, GVariant *arguments, GError **error)
{
  Query *query;

  if (!parse_list (call, arguments, act_export_pins, error))
    return FALSE;
  query = call->data;
  if (query->scope == NULL)
    query->scope = cpd_describe_scope (cpd_layer_of_owner (call->asker.self));
  return TRUE;
}

static void
act_last_failure (CpdCall *call)
{
  const Query *query = call->data;
  GVariant *failure = cpd_failures_lookup (call->parts->failures, call->asker.self, query->host);

  if (failure != NULL)
    cpd_call_return (call, g_variant_new ("(@a{sv})", failure));
  else
    cpd_call_fail (call, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                                      "no request to ‘%s’ was refused since the service started",
                                      cpd_host_get_text (query->host)));
}

static gboolean
parse_last_failure (CpdCall *call, GVariant *arguments, GError **error)
{
  const char *host;
  CpdHost *parsed;
  Query *query;

  g_variant_get (arguments, "(&s)", &host);
  parsed = cpd_options_take_host (host, error);
  if (parsed == NULL)
    return FALSE;
  query = g_new0 (Query, 1);
  query->host = parsed;
  want (call, query, act_last_failure);
  return TRUE;
}

const CpdMethod cpd_pin_queries[] = {
  { "GetPin", parse_get_pin },
  { "ListPins", parse_list_pins },
  { "ExportPins", parse_export_pins },
  { "LastFailure", parse_last_failure },
  { NULL },
};
