/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Subscribe and Unsubscribe, and the signals of the store: PinChanged, and PropertiesChanged of
 * the pin's object. */

#include "config.h"

#include "daemon/bus/cpd-subscriptions.h"

#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-pin-objects.h"

static void
act_subscribe (CpdCall *call)
{
  GError *error = NULL;

  if (cpd_subscribers_add (call->parts->subscribers, call->caller, &error))
    cpd_call_return (call, NULL);
  else
    cpd_call_fail (call, error);
}

static void
act_unsubscribe (CpdCall *call)
{
  cpd_subscribers_remove (call->parts->subscribers, call->caller);
  cpd_call_return (call, NULL);
}

static gboolean
parse_subscribe (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_subscribe;
  return TRUE;
}

static gboolean
parse_unsubscribe (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_unsubscribe;
  return TRUE;
}

const CpdMethod cpd_subscriptions[] = {
  { "Subscribe", parse_subscribe },
  { "Unsubscribe", parse_unsubscribe },
  { NULL },
};

static const char *
describe_change (const CpdPin *pin)
{
  if (pin != NULL && pin->state == CPD_STATE_ACTIVE && cpd_pin_is_paused (pin, cpd_call_now_s ()))
    return "paused";
  return pin != NULL ? cpd_state_words[pin->state] : "removed";
}

/* The words of CpdStoreEvent, in its order. */
static const char *const event_words[]
    = { "pinned",      "keys-added", "keys-removed", "paused",  "resumed",
        "pause-ended", "blocked",    "removed",      "reloaded" };

/* `pin`: that is there now */
static void
insert_who (GVariantDict *details, const CpdPin *pin)
{
  if (pin->created_by != NULL)
    g_variant_dict_insert (details, "created-by", "s", pin->created_by);
  if (pin->pause != NULL && pin->pause->by != NULL && cpd_pin_is_paused (pin, cpd_call_now_s ()))
    g_variant_dict_insert (details, "paused-by", "s", pin->pause->by);
}

static void
on_store_changed (const CpdBusParts *parts, CpdOwner owner, CpdHost *pattern, CpdStoreEvent event)
{
  CpdLayer layer = cpd_layer_of_owner (owner);
  g_autoptr (CpdPin) pin = NULL;
  g_autofree char *object = NULL;
  g_auto (GVariantDict) details = G_VARIANT_DICT_INIT (NULL);
  CpdNews news = { .signal = "PinChanged",
                   .host = pattern != NULL ? cpd_host_get_text (pattern) : "",
                   .scope = cpd_describe_scope (layer) };

  if (!cpd_subscribers_has_any (parts->subscribers, owner))
    return;
  if (pattern != NULL)
    pin = cpd_store_get_pin (parts->store, layer, owner, pattern);
  if (pin != NULL)
    {
      news.object = object = cpd_pin_objects_make_path (pin);
      news.changes = cpd_pin_objects_new_invalidated ();
    }
  g_variant_dict_insert (&details, "scope", "s", news.scope);
  g_variant_dict_insert (&details, "state", "s",
                         pattern != NULL ? describe_change (pin) : "reloaded");
  g_variant_dict_insert (&details, "change", "s", event_words[event]);
  if (pin != NULL)
    insert_who (&details, pin);
  g_variant_dict_insert (&details, "generation", "t",
                         cpd_store_get_generation (parts->store, owner));
  news.arguments = g_variant_new ("(s@a{sv})", news.host, g_variant_dict_end (&details));
  cpd_subscribers_tell (parts->subscribers, owner, &news);
}

/* `parts`: until they are freed. */
void
cpd_subscriptions_follow (CpdBusParts *parts)
{
  g_signal_connect_swapped (parts->store, "changed", G_CALLBACK (on_store_changed), parts);
}
