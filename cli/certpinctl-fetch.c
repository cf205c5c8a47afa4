/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `pin --fetch`: shows what the server presents, asks, tries the pin before it is made, and makes
 * it. So nothing has to be taken back: what was there stays until the pin is known to pass. Whoever
 * says yes trusts the network of this moment, or compares the key. */

#include "config.h"

#include "certpinctl-fetch.h"

#include "certpinctl-ask.h"
#include "certpinctl-chain.h"
#include "certpinctl-dry-run.h"
#include "certpinctl-host.h"
#include "certpinctl-lookup.h"
#include "certpinctl-plan.h"
#include "certpinctl-presented.h"
#include "certpinctl-scope.h"
#include "certpinctl-signals.h"

#include <glib/gi18n.h>

#include <string.h>

static gboolean
check_usage (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  const char *problem = NULL;

  if (*ctl->arguments[0] == '*')
    problem = _ ("--fetch looks at one server; give it a host, not a pattern");
  else if (!given->yes && !given->dry_run && !ctl_can_ask (ctl))
    problem = _ ("--fetch asks before it pins, which needs a terminal; give --yes and --key");
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
  g_set_error (
      error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH,
      _ ("the server presents %s, which is not the key that you gave; nothing was changed"),
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

/* A handshake, judged by all pins that apply, with this one among them. A pin does not make up for
 * a certificate that is not valid, nor for another pin: requests would still be refused. */
static gboolean
try (Ctl *ctl, CtlPlan *plan, GError **error)
{
  g_auto (GStrv) keys = ctl_plan_read_keys (ctl, plan, error);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) supposed = NULL, info = NULL;
  const char *name = "", *reason = "";

  if (keys == NULL)
    return FALSE;
  supposed = g_variant_ref_sink (ctl_chain_judging_options (keys, plan->options));
  g_variant_dict_init (&dict, supposed);
  ctl_scope_add (ctl, plan->system, &dict);
  info = ctl_chain_fetch (ctl, plan->host, g_variant_dict_end (&dict), /* chain= */ NULL, error);
  if (info == NULL)
    return FALSE;
  g_variant_lookup (info, "verdict", "&s", &name);
  g_variant_lookup (info, "reason", "&s", &reason);
  if (strcmp (name, "Pass") == 0)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_UNTRUSTED,
               _ ("even with this pin, requests would be refused: %s; nothing was changed"),
               reason);
  return FALSE;
}

/* Where the scope has a pin for the server's port, one without a port would not count. */
static gboolean
check_applies (Ctl *ctl, const CtlPlan *plan, const CtlPresented *presented, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GVariant) pin = NULL;
  const char *target = plan->host, *other = "";

  if (ctl_host_has_port (plan->host) || !g_variant_lookup (presented->info, "host", "&s", &target))
    return TRUE;
  pin = ctl_lookup_pin (ctl, target, plan->system, &reason);
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  if (pin == NULL || !g_variant_lookup (pin, "host", "&s", &other) || !ctl_host_has_port (other))
    return TRUE;
  g_set_error (
      error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
      _ ("there is a pin of ‘%s’, which would apply in place of one without a port; pin ‘%s’, "
         "or unpin that; nothing was changed"),
      other, target);
  return FALSE;
}

static gboolean
ask (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  if (given->yes)
    return TRUE;
  if (given->keys != NULL)
    return ctl_ask (ctl, _ ("This is the key that you gave. Pin it?"), error);
  ctl_print_lines (
      &ctl->out, _ ("Somebody on the way could have presented this. Compare the key with what the\n"
                    "operator of the server says, for example on the telephone."));
  return ctl_ask (ctl, _ ("Does the operator say that this is the key? Pin it?"), error);
}

/* What the interrupt found. */
static void
tell_interrupted (Ctl *ctl, const CtlPlan *plan, GVariant *pin, const GError *reason)
{
  g_autofree char *text
      = g_strdup_printf (pin != NULL ? _ ("‘%s’ was already being pinned, and is pinned now")
                                     : _ ("interrupted; ‘%s’ was not pinned"),
                         plan->host);
  gboolean failed = reason != NULL && !ctl_error_is_cancelled (reason);

  ctl_print_message (&ctl->err, C_ ("message", "note"), failed ? reason->message : text);
}

/* The question may have taken long, so this is the trial that counts. An interrupt ends it, but not
 * the call that pins, whose outcome would be unknown.
 * Returns: (transfer full) (nullable): the pin in force */
static GVariant *
try_and_pin (Ctl *ctl, CtlPlan *plan, GError **error)
{
  GVariant *pin = NULL;
  GError *reason = NULL;

  ctl_signals_hold_first ();
  if (try (ctl, plan, &reason) && ctl_signals_caught () == 0)
    pin = ctl_plan_carry_out (ctl, plan, /* cancellable= */ NULL, &reason);
  if (ctl_signals_caught () != 0)
    tell_interrupted (ctl, plan, pin, reason);
  ctl_signals_release ();
  if (reason != NULL)
    g_propagate_error (error, reason);
  return pin;
}

/* Returns: (transfer full) (nullable): the pin in force; NULL without error after --dry-run */
GVariant *
ctl_fetch_pin (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  gboolean path = given->match != NULL && strcmp (given->match, "path") == 0;
  g_autoptr (CtlPresented) presented = NULL;
  g_autoptr (CtlPlan) plan = NULL;

  if (!check_usage (ctl, given, error))
    return NULL;
  presented = ctl_presented_fetch (ctl, ctl->arguments[0], path, error);
  if (presented == NULL)
    return NULL;
  if (!ctl->json && (!given->yes || ctl->verbose))
    ctl_presented_print (ctl, presented);
  plan = make_plan (ctl, given, presented, error);
  if (plan == NULL || !compare (presented, given->keys, error)
      || !check_applies (ctl, plan, presented, error) || !try (ctl, plan, error))
    return NULL;
  if (given->dry_run)
    {
      ctl_dry_run (ctl, plan, error);
      return NULL;
    }
  if (!ask (ctl, given, error))
    return NULL;
  return try_and_pin (ctl, plan, error);
}
