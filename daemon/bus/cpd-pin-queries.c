/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of the Pins interface that only look: GetPin, ListPins, LastFailure. What callers may
 * see of themselves needs no authorisation. */

#include "config.h"

#include "daemon/bus/cpd-pin-queries.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/bus/cpd-pin-order.h"
#include "dbus/certpin-names.h"

/* What is asked for. */
typedef struct
{
  CpdHost *host;
  const char *scope; /* of the call's own message; NULL: not given */
  guint32 uid;
  gboolean other_uid; /* `uid` is given */
} Query;

static void
query_free (gpointer data)
{
  Query *query = data;

  cpd_host_unref (query->host);
  g_free (query);
}

static CpdCall *
new_query_call (const CpdBusParts *parts, GDBusMethodInvocation *invocation, Query *query,
                CpdCallAct act)
{
  CpdCall *call = cpd_call_new (parts, invocation, act);

  call->data = query;
  call->free_data = query_free;
  return call;
}

static gboolean
covers (const Query *query, CpdLayer layer)
{
  return query->scope == NULL || g_str_equal (query->scope, cpd_describe_scope (layer));
}

static void
act_get_pin (CpdCall *call)
{
  static const CpdLayer narrowest_first[] = { CPD_LAYER_USER, CPD_LAYER_SYSTEM, CPD_LAYER_FILES };
  const Query *query = call->data;
  g_autoptr (CpdPin) pin = NULL;

  for (size_t i = 0; pin == NULL && i < G_N_ELEMENTS (narrowest_first); i++)
    if (covers (query, narrowest_first[i]))
      pin = cpd_store_find_pin (call->parts->store, narrowest_first[i], call->caller->uid,
                                query->host);
  if (pin != NULL)
    cpd_call_return (call, g_variant_new ("(@a{sv})", cpd_describe_pin (pin, cpd_call_now_s ())));
  else
    cpd_call_fail (call,
                   g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                                "nothing is pinned for ‘%s’", cpd_host_get_text (query->host)));
}

static gboolean
handle_get_pin (const CpdBusParts *parts, GDBusMethodInvocation *invocation, const char *host,
                GVariant *options)
{
  GError *error = NULL;
  const char *scope = NULL;
  const CpdOption table[] = { { "scope", "s", &scope, 1, 16 } };
  g_autoptr (CpdHost) parsed = cpd_host_new (host, &error);
  CpdLayer layer;
  Query *query;

  if (parsed == NULL || !cpd_options_parse (options, table, G_N_ELEMENTS (table), &error)
      || !cpd_pin_order_parse_scope (scope, &layer, &error))
    return cpd_call_refuse (invocation, error);
  query = g_new0 (Query, 1);
  query->host = g_steal_pointer (&parsed);
  query->scope = scope == NULL ? NULL : cpd_describe_scope (layer);
  cpd_call_run (new_query_call (parts, invocation, query, act_get_pin));
  return TRUE;
}

/* The bus would drop the service over a message of more than 32 MiB. */
#define LIST_MAX_BYTES (24 * 1024 * 1024)

static void
act_list_pins (CpdCall *call)
{
  const Query *query = call->data;
  guint32 uid = query->other_uid ? query->uid : call->caller->uid;
  g_autoptr (GVariant) pins = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (int layer = CPD_LAYER_FILES; layer <= CPD_LAYER_USER; layer++)
    {
      g_autoptr (GPtrArray) list = cpd_store_list_pins (call->parts->store, (CpdLayer)layer, uid);

      for (unsigned int i = 0; covers (query, (CpdLayer)layer) && i < list->len; i++)
        g_variant_builder_add_value (&builder,
                                     cpd_describe_pin (list->pdata[i], cpd_call_now_s ()));
    }
  pins = g_variant_ref_sink (g_variant_builder_end (&builder));
  if (g_variant_get_size (pins) <= LIST_MAX_BYTES)
    cpd_call_return (call, g_variant_new ("(@aa{sv})", pins));
  else
    cpd_call_fail (
        call, g_error_new_literal (
                  CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
                  "the pins do not fit into one message; list one scope, or get pins one by one"));
}

static gboolean
check_whose_pins (CpdCall *call, GError **error)
{
  const Query *query = call->data;

  if (query->other_uid && query->uid != call->caller->uid)
    call->action = CERTPIN_ACTION_INSPECT_ALL;
  return TRUE;
}

static gboolean
handle_list_pins (const CpdBusParts *parts, GDBusMethodInvocation *invocation, GVariant *options)
{
  GError *error = NULL;
  const char *scope = NULL;
  g_autofree Query *query = g_new0 (Query, 1);
  const CpdOption table[]
      = { { "scope", "s", &scope, 1, 16 }, { "uid", "u", &query->uid, 0, CPD_ALL_UIDS - 1 } };
  CpdLayer layer;
  CpdCall *call;

  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), &error)
      || !cpd_pin_order_parse_scope (scope, &layer, &error))
    return cpd_call_refuse (invocation, error);
  query->scope = scope == NULL ? NULL : cpd_describe_scope (layer);
  query->other_uid = g_variant_lookup (options, "uid", "u", &query->uid);
  call = new_query_call (parts, invocation, g_steal_pointer (&query), act_list_pins);
  call->check = check_whose_pins;
  cpd_call_run (call);
  return TRUE;
}

static void
act_last_failure (CpdCall *call)
{
  const Query *query = call->data;
  GVariant *failure = cpd_failures_lookup (call->parts->failures, call->caller->uid, query->host);

  if (failure != NULL)
    cpd_call_return (call, g_variant_new ("(@a{sv})", failure));
  else
    cpd_call_fail (call, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                                      "no request to ‘%s’ was refused since the service started",
                                      cpd_host_get_text (query->host)));
}

static gboolean
handle_last_failure (const CpdBusParts *parts, GDBusMethodInvocation *invocation, const char *host)
{
  GError *error = NULL;
  CpdHost *parsed = cpd_host_new (host, &error);
  Query *query;

  if (parsed == NULL)
    return cpd_call_refuse (invocation, error);
  query = g_new0 (Query, 1);
  query->host = parsed;
  cpd_call_run (new_query_call (parts, invocation, query, act_last_failure));
  return TRUE;
}

/* `parts`: outlive the skeleton. */
void
cpd_pin_queries_attach (CertpinDBusPins *skeleton, const CpdBusParts *parts)
{
  g_signal_connect_swapped (skeleton, "handle-get-pin", G_CALLBACK (handle_get_pin),
                            (gpointer)parts);
  g_signal_connect_swapped (skeleton, "handle-list-pins", G_CALLBACK (handle_list_pins),
                            (gpointer)parts);
  g_signal_connect_swapped (skeleton, "handle-last-failure", G_CALLBACK (handle_last_failure),
                            (gpointer)parts);
}
