/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* FetchChain: a look at what a server presents. It counts as a request, in the same queue, and ends
 * early at its deadline, by Cancel, or when its caller leaves. What a server chose to present can
 * take long to describe, so a thread does that. */

#include "config.h"

#include "daemon/bus/cpd-chain-answer.h"
#include "daemon/bus/cpd-errand.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-pin-order.h"
#include "daemon/bus/cpd-request-order.h"
#include "daemon/core/base/cpd-app.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-vardict.h"
#include "dbus/certpin-names.h"

/* One look in progress; belongs to its call. */
typedef struct
{
  CpdErrand errand;
  CpdInspectOrder *order;
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  cpd_errand_clear (&look->errand);
  cpd_inspect_order_unref (look->order);
  g_free (look);
}

/* `error`: (transfer full) */
static void
look_fail (CpdCall *call, GError *error)
{
  cpd_errand_stop (call->data);
  cpd_call_fail (call, error);
}

/* The answer */

/* Returns: (floating): a{sv} */
static GVariant *
describe_certificate (GBytes *der)
{
  g_autoptr (GError) fault = NULL;
  g_autoptr (CpdCertificate) certificate = cpd_certificate_new (der, &fault);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *subject = NULL, *issuer = NULL, *key = NULL;

  if (certificate == NULL)
    {
      g_variant_dict_insert (&dict, "fault", "s", fault->message);
      return g_variant_dict_end (&dict);
    }
  subject = cpd_certificate_dup_subject (certificate);
  issuer = cpd_certificate_dup_issuer (certificate);
  key = certpin_key_to_text (cpd_certificate_get_key (certificate));
  g_variant_dict_insert (&dict, "subject", "s", subject);
  g_variant_dict_insert (&dict, "issuer", "s", issuer);
  g_variant_dict_insert (&dict, "key", "s", key);
  g_variant_dict_insert (&dict, "not-before", "x", cpd_certificate_get_not_before (certificate));
  g_variant_dict_insert (&dict, "not-after", "x", cpd_certificate_get_not_after (certificate));
  return g_variant_dict_end (&dict);
}

/* Returns: (floating): aay */
static GVariant *
new_chain (GPtrArray *ders)
{
  GVariantBuilder chain;

  g_variant_builder_init (&chain, G_VARIANT_TYPE ("aay"));
  for (unsigned int i = 0; i < ders->len; i++)
    g_variant_builder_add_value (
        &chain, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, ders->pdata[i], TRUE));
  return g_variant_builder_end (&chain);
}

/* Returns: (floating): aa{sv} */
static GVariant *
describe_certificates (GPtrArray *ders)
{
  GVariantBuilder certificates;

  g_variant_builder_init (&certificates, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned int i = 0; i < ders->len; i++)
    g_variant_builder_add_value (&certificates, describe_certificate (ders->pdata[i]));
  return g_variant_builder_end (&certificates);
}

static void
add_connection (GVariantDict *dict, const CpdInspection *inspection)
{
  const CpdValidation *validation = inspection->validation;
  const struct
  {
    const char *name;
    guint64 us;
  } timings[] = {
    { "queue", inspection->queue_us },     { "resolve", inspection->resolve_us },
    { "connect", inspection->connect_us }, { "tls", inspection->tls_us },
    { "total", inspection->total_us },
  };
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{st}"));
  for (size_t i = 0; i < G_N_ELEMENTS (timings); i++)
    g_variant_builder_add (&builder, "{st}", timings[i].name, timings[i].us);
  g_variant_dict_insert_value (dict, "timings", g_variant_builder_end (&builder));
  g_variant_dict_insert (dict, "tls-version", "s", inspection->tls_version);
  if (inspection->tls_cipher != NULL)
    g_variant_dict_insert (dict, "tls-cipher", "s", inspection->tls_cipher);
  if (inspection->proxy != NULL)
    g_variant_dict_insert (dict, "proxy", "s", inspection->proxy);
  g_variant_dict_insert (dict, "ocsp", "s", cpd_ocsp_get_name (&validation->ocsp, validation->now));
}

/* Where a handshake failed over a chain that would pass, a request fails with that. */
static void
add_failure (GVariantDict *dict, const CpdInspection *inspection)
{
  const GError *failure = inspection->failure;

  g_variant_dict_insert (dict, "handshake-error", "s", failure->message);
  if (!inspection->verdict->passed)
    return;
  g_variant_dict_insert (dict, "verdict", "s",
                         certpin_error_get_name ((CertpinError)failure->code));
  g_variant_dict_insert (dict, "reason", "s", failure->message);
  g_variant_dict_remove (dict, "matched-key");
  g_variant_dict_remove (dict, "matched-position");
}

/* May take long. Returns: (transfer full): the reply */
static GVariant *
describe (const CpdInspection *inspection)
{
  const CpdValidation *validation = inspection->validation;
  GPtrArray *ders = cpd_peer_get_ders (inspection->peer);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "host", "s",
                         cpd_host_get_text (cpd_peer_get_host (inspection->peer)));
  g_variant_dict_insert_value (&dict, "certificates", describe_certificates (ders));
  cpd_chain_answer_add_trust (&dict, inspection->peer, validation);
  if (validation->problem != CPD_PROBLEM_NONE)
    {
      g_variant_dict_insert (&dict, "problem", "s", cpd_problem_get_name (validation->problem));
      g_variant_dict_insert (&dict, "detail", "s", validation->detail);
    }
  cpd_chain_answer_add_verdict (&dict, inspection->verdict);
  add_connection (&dict, inspection);
  if (inspection->failure != NULL)
    add_failure (&dict, inspection);
  return g_variant_ref_sink (
      g_variant_new ("(@aay@a{sv})", new_chain (ders), g_variant_dict_end (&dict)));
}

static void
describe_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_task_return_pointer (task, describe (task_data), (GDestroyNotify)g_variant_unref);
}

static void
look_on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), NULL);

  cpd_call_return (user_data, reply);
}

/* Its turn, and its end */

static void
look_on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  GError *error = NULL;
  CpdInspection *inspection = cpd_fetcher_inspect_finish (CPD_FETCHER (source), result, &error);
  g_autoptr (GTask) task = NULL;

  if (inspection == NULL)
    {
      look_fail (call, error);
      return;
    }
  cpd_errand_stop (call->data);
  task = g_task_new (NULL, NULL, look_on_described, call);
  g_task_set_task_data (task, inspection, (GDestroyNotify)cpd_inspection_free);
  g_task_run_in_thread (task, describe_in_thread);
}

/* Its turn has come. */
static void
look_begin (CpdCall *call)
{
  Look *look = call->data;

  cpd_fetcher_inspect_async (call->parts->fetcher, look->order, look->errand.started_us,
                             look->errand.cancellable, look_on_inspected, call);
}

static void
enter_queue (CpdCall *call)
{
  Look *look = call->data;
  GError *error = NULL;

  /* The call may be freed on entry: its turn and its end can come at once. */
  if (!cpd_errand_take_place (&look->errand, look->order->timeout_ms, &error)
      || !cpd_place_enter (look->errand.place, &error))
    look_fail (call, error);
}

/* Whoever may not pin hosts reaches only those to which requests may go, also for a look. */
static void
act_fetch_chain (CpdCall *call)
{
  const CpdInspectOrder *order = ((Look *)call->data)->order;
  g_autoptr (CpdPolicy) policy
      = cpd_store_get_policy (call->parts->store, order->owner, order->target);
  g_autoptr (CpdPolicy) shown = cpd_policy_without_hidden (policy);
  g_autoptr (CpdVerdict) verdict = cpd_verdict_of_policy (shown, cpd_call_now_s ());

  if (verdict->passed)
    {
      enter_queue (call);
      return;
    }
  call->action = CERTPIN_ACTION_OWN_PINS;
  call->act = enter_queue;
  cpd_call_authorise (call);
}

/* The arguments */

/* What is said of a pin that is supposed. */
typedef struct
{
  GVariant *keys; /* NULL: none is */
  GVariant *anchors;
  const char *match;
  const char *scope, *app;
} Supposition;

static void
supposition_clear (Supposition *given)
{
  g_clear_pointer (&given->keys, g_variant_unref);
  g_clear_pointer (&given->anchors, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Supposition, supposition_clear)

/* The pin is parsed as PinKeys would. */
static gboolean
take_supposition (CpdAsker *asker, CpdInspectOrder *order, const Supposition *given, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) options = NULL;
  g_autoptr (CpdPinOrder) wanted = NULL;

  if (given->match != NULL)
    g_variant_dict_insert (&dict, "match", "s", given->match);
  if (given->scope != NULL)
    g_variant_dict_insert (&dict, "scope", "s", given->scope);
  if (given->app != NULL)
    g_variant_dict_insert (&dict, "app", "s", given->app);
  if (given->anchors != NULL)
    g_variant_dict_insert_value (&dict, "trust-anchors", given->anchors);
  options = g_variant_ref_sink (g_variant_dict_end (&dict));
  if (given->keys == NULL)
    return g_variant_n_children (options) == 0
           || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                          "an option that says which pin to suppose is given without the option "
                          "‘keys’");
  asker->only_looks = TRUE;
  wanted = cpd_pin_order_new_keys (asker, cpd_host_get_text (order->target), given->keys, options,
                                   error);
  if (wanted == NULL)
    return FALSE;
  order->supposed = cpd_pin_ref (wanted->pin);
  if (given->app != NULL)
    order->owner = asker->owner;
  return TRUE;
}

/* `token`: (out) (transfer none) (nullable): of the call's own message */
static CpdInspectOrder *
parse_order (CpdCall *call, GVariant *arguments, const char **token, GError **error)
{
  g_autoptr (CpdInspectOrder) order = cpd_inspect_order_new ();
  g_auto (Supposition) supposition = { NULL };
  g_autoptr (GVariant) options = NULL;
  const char *host, *proxy = NULL;
  guint32 port = 0;
  const CpdOption table[] = {
    { "port", "u", &port, 1, G_MAXUINT16 },
    { "timeout-ms", "u", &order->timeout_ms, 1, CPD_REQUEST_TIMEOUT_MAX_MS },
    { "handle-token", "s", token, 1, CPD_REQUEST_TOKEN_MAX_BYTES },
    { "error-cause", "b", &call->tells_cause },
    { "proxy", "s", &proxy, 1, CPD_REQUEST_PROXY_MAX_BYTES },
    { "keys", "as", &supposition.keys, 1, CPD_PIN_KEYS_MAX },
    { "match", "s", &supposition.match, 1, 16 },
    { "scope", "s", &supposition.scope, 1, 16 },
    { "app", "s", &supposition.app, 1, CPD_APP_MAX_BYTES },
    { "trust-anchors", "aay", &supposition.anchors, 1, CPD_PIN_KEYS_MAX },
  };

  g_variant_get (arguments, "(&s@a{sv})", &host, &options);
  order->owner = call->asker.owner;
  order->is_for_app = cpd_owner_is_app (call->asker.self);
  order->timeout_ms = CPD_REQUEST_TIMEOUT_MS;
  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !cpd_request_order_check_token (*token, error))
    return NULL;
  if (proxy != NULL)
    order->proxy = cpd_proxies_check_choice (call->parts->config->proxies, proxy, error);
  if (proxy != NULL && order->proxy == NULL)
    return NULL;
  order->target = cpd_options_take_target (host, (guint16)port, error);
  if (order->target == NULL || !take_supposition (&call->asker, order, &supposition, error))
    return NULL;
  return g_steal_pointer (&order);
}

static gboolean
parse_fetch_chain (CpdCall *call, GVariant *arguments, GError **error)
{
  static const CpdErrandFuncs funcs = { .begin = look_begin, .fail = look_fail };
  const char *token = NULL;
  CpdInspectOrder *order = parse_order (call, arguments, &token, error);
  Look *look;

  if (order == NULL)
    return FALSE;
  look = g_new0 (Look, 1);
  look->order = order;
  cpd_errand_init (&look->errand, call, &funcs);
  cpd_call_take_data (call, look, look_free);
  call->action = CERTPIN_ACTION_SECURE_REQUEST;
  call->host = g_strdup (cpd_host_get_name (order->target));
  call->check = cpd_errand_follow_caller;
  call->act = act_fetch_chain;
  return token == NULL
         || cpd_errand_add_object (&look->errand, (CpdRequestObject){ .token = token }, error);
}

const CpdMethod cpd_fetch_chain[] = { { "FetchChain", parse_fetch_chain }, { NULL } };
