/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `pin --fetch`: shows what the server presents, asks, pins it, tries the pin, and takes it back if
 * the trial fails. Whoever says yes trusts the network of this moment, or compares the key. */

#include "config.h"

#include "certpinctl-fetch.h"

#include "certpinctl-ask.h"
#include "certpinctl-chain.h"
#include "certpinctl-dry-run.h"
#include "certpinctl-lookup.h"
#include "certpinctl-plan.h"
#include "certpinctl-presented.h"
#include "certpinctl-signals.h"
#include "certpinctl-trial.h"

#include <string.h>

static gboolean
check_usage (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  const char *problem = NULL;

  if (*ctl->arguments[0] == '*')
    problem = "--fetch looks at one server; give it a host, not a pattern";
  else if (!given->yes && !given->dry_run && !ctl_can_ask (ctl))
    problem = "--fetch asks before it pins, which needs a terminal; give --yes and --key";
  if (problem != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
  return problem == NULL;
}

/* Compares with the keys of --key, if there are any. */
static gboolean
compare (const CtlPresented *presented, char **expected, GError **error)
{
  g_autoptr (CertpinKey) found = certpin_key_new_from_text (presented->key, error);

  if (found == NULL)
    return FALSE;
  for (size_t i = 0; expected != NULL && expected[i] != NULL; i++)
    {
      g_autoptr (CertpinKey) key = certpin_key_new_from_text (expected[i], error);

      if (key == NULL)
        return FALSE;
      if (certpin_key_equal (key, found))
        return TRUE;
    }
  if (expected == NULL)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH,
               "the server presents %s, which is not the key that you gave; nothing was changed",
               presented->key);
  return FALSE;
}

/* A trust anchor that the server does not present is pinned by its key. */
static gboolean
turn_into_keys (Ctl *ctl, CtlPlan *plan, const char *key, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (plan->options);
  g_autoptr (GStrvBuilder) keys = g_strv_builder_new ();
  g_auto (GStrv) backups = ctl_plan_read_keys (ctl, plan, error);

  if (backups == NULL)
    return FALSE;
  g_strv_builder_add (keys, key);
  g_strv_builder_addv (keys, (const char **)backups);
  plan->keys = g_strv_builder_end (keys);
  g_clear_pointer (&plan->backups, g_ptr_array_unref);
  plan->backups = g_ptr_array_new ();
  g_variant_dict_remove (&dict, "backup-certificates");
  g_variant_dict_remove (&dict, "on-failure");
  g_variant_unref (plan->options);
  plan->options = g_variant_ref_sink (g_variant_dict_end (&dict));
  return TRUE;
}

/* Returns: (transfer full) (nullable) */
static CtlPlan *
make_plan (Ctl *ctl, const CtlPinOptions *given, const CtlPresented *presented, GError **error)
{
  CtlPinOptions without_keys = *given;
  g_autoptr (CtlPlan) plan = NULL;

  without_keys.keys = NULL;
  plan = ctl_plan_new (ctl, &without_keys, error);
  if (plan == NULL)
    return NULL;
  plan->path = plan->host;
  if (presented->certificate != NULL)
    plan->certificate = g_bytes_ref (presented->certificate);
  else if (!turn_into_keys (ctl, plan, presented->key, error))
    return NULL;
  return g_steal_pointer (&plan);
}

/* A pin does not make up for a certificate that is not valid: requests would still be refused. */
static gboolean
judge (Ctl *ctl, CtlPlan *plan, const CtlPresented *presented, GError **error)
{
  g_auto (GStrv) keys = ctl_plan_read_keys (ctl, plan, error);
  g_autoptr (GVariant) verdict = NULL;
  const char *name = "", *reason = "";

  if (keys == NULL)
    return FALSE;
  verdict = ctl_chain_judge (ctl, plan->host, presented->chain,
                             ctl_chain_judging_options (keys, plan->options), error);
  if (verdict == NULL)
    return FALSE;
  g_variant_lookup (verdict, "verdict", "&s", &name);
  g_variant_lookup (verdict, "reason", "&s", &reason);
  if (strcmp (name, "Pass") == 0)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_UNTRUSTED,
               "even with this pin, requests would be refused: %s; nothing was changed", reason);
  return FALSE;
}

static gboolean
ask (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  if (given->yes)
    return TRUE;
  if (given->keys != NULL)
    return ctl_ask (ctl, "This is the key that you gave. Pin it?", error);
  ctl_print_line (&ctl->out, "Somebody on the way could have presented this. Compare the key with "
                             "what the");
  ctl_print_line (&ctl->out, "operator of the server says, for example on the telephone.");
  return ctl_ask (ctl, "Does the operator say that this is the key? Pin it?", error);
}

/* Puts back what was there. */
static void
undo (Ctl *ctl, GVariant *pin, GVariant *old, const GError *reason, GError **error)
{
  g_autoptr (GError) failure = NULL;

  if (ctl_trial_undo (ctl, pin, old, &failure))
    g_set_error (error, reason->domain, reason->code, "the trial of the pin failed, so %s: %s",
                 old != NULL ? "the earlier pin was put back" : "it was removed", reason->message);
  else
    g_set_error (error, failure->domain, failure->code,
                 "the trial of the pin failed (%s), and it could not be undone, so it is in force: "
                 "%s",
                 reason->message, failure->message);
}

/* Returns: (transfer full) (nullable): the pin, which has passed its trial */
static GVariant *
pin_and_try (Ctl *ctl, CtlPlan *plan, GVariant *old, GError **error)
{
  g_autoptr (GVariant) pin = ctl_plan_carry_out (ctl, plan, error);
  g_autoptr (GError) reason = NULL;

  if (pin == NULL || ctl_trial_run (ctl, plan->host, &reason))
    return g_steal_pointer (&pin);
  undo (ctl, pin, old, reason, error);
  return NULL;
}

/* Returns: (transfer full) (nullable): the pin in force; NULL without error after --dry-run */
GVariant *
ctl_fetch_pin (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  gboolean path = given->match != NULL && strcmp (given->match, "path") == 0;
  g_autoptr (CtlPresented) presented = NULL;
  g_autoptr (CtlPlan) plan = NULL;
  g_autoptr (GVariant) old = NULL;
  GVariant *pin;

  if (!check_usage (ctl, given, error)
      || !ctl_lookup_exact_pin (ctl, ctl->arguments[0], given->system, &old, error)
      || !ctl_trial_can_undo (old, error))
    return NULL;
  presented = ctl_presented_fetch (ctl, ctl->arguments[0], path, error);
  if (presented == NULL)
    return NULL;
  if (!ctl->json && (!given->yes || ctl->verbose))
    ctl_presented_print (ctl, presented);
  plan = make_plan (ctl, given, presented, error);
  if (plan == NULL || !compare (presented, given->keys, error)
      || !judge (ctl, plan, presented, error))
    return NULL;
  if (given->dry_run)
    {
      ctl_dry_run (ctl, plan, error);
      return NULL;
    }
  if (!ask (ctl, given, error))
    return NULL;
  /* Nobody must leave between the pin and its trial. */
  ctl_signals_hold ();
  pin = pin_and_try (ctl, plan, old, error);
  ctl_signals_release ();
  return pin;
}
