/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of the Pins interface that judge without a connection: ExplainHost says which pins
 * apply to a host and why, VerifyChain whether a chain would pass. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-chain-order.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/core/base/cpd-clock.h"
#include "daemon/core/base/cpd-text.h"

/* To ask either costs nothing, and can be repeated for any host: an app could find out by it what
 * its user has pinned.
 * Returns: (transfer full): what the caller may know of the policy */
static CpdPolicy *
get_shown_policy (const CpdCall *call, CpdHost *target)
{
  g_autoptr (CpdPolicy) policy
      = cpd_store_get_policy (call->parts->store, call->asker.owner, target);

  return cpd_policy_without_hidden (policy);
}

/* ExplainHost */

static GVariant *
explain_pin (CpdCall *call, const CpdPin *pin, const CpdPin *winner)
{
  g_autoptr (GVariant) described = g_variant_ref_sink (
      cpd_describe_stored_pin (call->parts->store, call->asker.owner, pin, cpd_call_now_s ()));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (described);
  gboolean applies = pin == winner;
  g_autofree char *why
      = applies ? g_strdup_printf ("it is the most specific of the %s scope%s",
                                   cpd_describe_scope (pin->layer),
                                   pin->layer == CPD_LAYER_FILES ? "'s files" : "")
                : g_strdup_printf ("‘%s’ is more specific, and only one pin of a scope applies",
                                   cpd_host_get_text (winner->host));

  g_variant_dict_insert (&dict, "applies", "b", applies);
  g_variant_dict_insert (&dict, "why", "s", why);
  return g_variant_dict_end (&dict);
}

/* Of the pins that apply to a host. */
typedef struct
{
  unsigned int all;
  unsigned int enforcing; /* now */
  unsigned int reporting; /* by their mode */
} Tally;

static Tally
count_pins (const CpdPolicy *policy, gint64 now)
{
  Tally tally = { 0 };

  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (policy->pins[layer] != NULL)
      {
        tally.all++;
        tally.enforcing += !cpd_pin_only_reports (policy->pins[layer], now);
        tally.reporting += policy->pins[layer]->mode == CPD_MODE_REPORT;
      }
  return tally;
}

/* Some pins, but not all of them, only report.
 * Returns: (transfer full): what a server must do beside passing ordinary validation */
static char *
summarise_some (const Tally *tally, const char *until)
{
  const char *which = until == NULL           ? "that does not only report"
                      : tally->reporting == 0 ? "that is not paused"
                                              : "that is not paused and does not only report";

  return g_strdup_printf ("a server must pass ordinary validation, and match each of these pins "
                          "%s%s%s",
                          which, until != NULL ? "; the last pause ends at " : "",
                          until != NULL ? until : "");
}

/* `until`: (nullable): NULL: none is paused */
static char *
summarise_demand (const Tally *tally, const char *until)
{
  g_autofree char *why = NULL;

  if (tally->all == 1 && tally->enforcing == 1)
    return g_strdup ("a server must match this pin and pass ordinary validation");
  if (tally->enforcing == tally->all)
    return g_strdup_printf ("a server must match each of these %u pins and pass ordinary "
                            "validation",
                            tally->all);
  if (tally->enforcing > 0)
    return summarise_some (tally, until);
  if (until == NULL)
    why = g_strdup (tally->all == 1 ? "this pin only reports" : "these pins only report");
  else if (tally->all == 1)
    why = g_strdup_printf ("this pin is paused until %s", until);
  else
    why = g_strdup_printf ("none of these pins enforces now, and the last pause ends at %s", until);
  return g_strdup_printf ("a server must pass ordinary validation; %s, so a key that does not "
                          "match %s is only reported",
                          why, tally->all == 1 ? "it" : "them");
}

static char *
summarise (const CpdVerdict *verdict, gint64 now)
{
  g_autofree char *until
      = verdict->paused_until != 0 ? cpd_text_time (verdict->paused_until) : NULL;
  Tally tally;

  if (!verdict->passed)
    return g_strdup_printf ("requests are refused with %s: %s",
                            certpin_error_get_name (verdict->error), verdict->message);
  tally = count_pins (verdict->policy, now);
  return summarise_demand (&tally, until);
}

static void
act_explain (CpdCall *call)
{
  CpdHost *target = call->data;
  const CpdProxy *proxy
      = cpd_proxies_choose (call->parts->config->proxies, /* wanted= */ NULL,
                            cpd_host_get_name (target), cpd_host_get_port (target));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  gint64 now = cpd_call_now_s ();
  g_autofree char *summary = NULL;
  g_autoptr (CpdPolicy) policy = get_shown_policy (call, target);
  g_autoptr (CpdVerdict) verdict = cpd_verdict_of_policy (policy, now);
  GVariantBuilder pins;

  g_variant_builder_init (&pins, G_VARIANT_TYPE ("aa{sv}"));
  for (int layer = CPD_LAYER_FILES; layer < CPD_LAYER_REQUEST; layer++)
    {
      g_autoptr (GPtrArray) matching = cpd_store_list_matching (call->parts->store, (CpdLayer)layer,
                                                                call->asker.owner, target);

      for (unsigned int i = 0; i < matching->len; i++)
        g_variant_builder_add_value (&pins,
                                     explain_pin (call, matching->pdata[i], matching->pdata[0]));
    }
  summary = summarise (verdict, now);
  g_variant_dict_insert (&dict, "host", "s", cpd_host_get_text (target));
  g_variant_dict_insert_value (&dict, "pins", g_variant_builder_end (&pins));
  g_variant_dict_insert (&dict, "policy", "s", summary);
  if (verdict->paused_until != 0)
    g_variant_dict_insert (&dict, "paused-until", "x", verdict->paused_until);
  g_variant_dict_insert (&dict, "proxy", "s", cpd_proxy_get_text (proxy));
  cpd_call_return (call, g_variant_new ("(@a{sv})", g_variant_dict_end (&dict)));
}

static gboolean
parse_explain_host (CpdCall *call, GVariant *arguments, GError **error)
{
  guint32 port = 0;
  const CpdOption table[] = { { "port", "u", &port, 1, G_MAXUINT16 } };
  g_autoptr (GVariant) options = NULL;
  const char *host;
  CpdHost *target;

  g_variant_get (arguments, "(&s@a{sv})", &host, &options);
  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error))
    return FALSE;
  target = cpd_options_take_target (host, (guint16)port, error);
  if (target == NULL)
    return FALSE;
  cpd_call_take_data (call, target, (GDestroyNotify)cpd_host_unref);
  call->act = act_explain;
  return TRUE;
}

/* VerifyChain */

static void
judge_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  CpdChainOrder *order = task_data;
  gint64 before_us = cpd_clock_work_us ();
  GVariant *verdict = cpd_chain_order_judge (order);

  order->took_us = cpd_clock_work_us () - before_us;
  g_task_return_pointer (task, verdict, (GDestroyNotify)g_variant_unref);
}

static void
judgement_on_judged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  const CpdChainOrder *order = call->data;
  g_autoptr (GVariant) verdict = g_task_propagate_pointer (G_TASK (result), NULL);

  cpd_inbox_charge (call->parts->inbox, call->caller->owner, order->took_us);
  cpd_call_return (call, g_variant_new ("(@a{sv})", verdict));
}

/* In its turn. The order gets copies of the policy and anchors in force: the thread shares
 * nothing. */
static void
judgement_start (gpointer user_data)
{
  CpdCall *call = user_data;
  CpdChainOrder *order = call->data;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, judgement_on_judged, call);

  if (order->anchors == NULL)
    order->anchors = cpd_anchors_detach (cpd_store_get_anchors (call->parts->store));
  if (order->host != NULL && order->supposed == NULL)
    {
      g_autoptr (CpdPolicy) shown = get_shown_policy (call, order->host);

      order->policy = cpd_policy_detach (shown);
    }
  g_task_set_task_data (task, order, NULL);
  g_task_run_in_thread (task, judge_in_thread);
}

static void
act_verify (CpdCall *call)
{
  cpd_call_take_turn (call, judgement_start);
}

static gboolean
parse_verify_chain (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) chain = NULL, options = NULL;
  const char *host;
  CpdChainOrder *order;

  g_variant_get (arguments, "(&s@aay@a{sv})", &host, &chain, &options);
  order = cpd_chain_order_new (host, chain, options, cpd_call_now_s (), error);
  if (order == NULL)
    return FALSE;
  cpd_call_take_data (call, order, (GDestroyNotify)cpd_chain_order_free);
  call->act = act_verify;
  return TRUE;
}

const CpdMethod cpd_pin_judgements[] = {
  { "ExplainHost", parse_explain_host },
  { "VerifyChain", parse_verify_chain },
  { NULL },
};
