/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `pin`. The service checks hosts, certificates and options. */

#include "config.h"

#include "certpinctl-pin.h"

#include "certpinctl-change.h"
#include "certpinctl-dry-run.h"
#include "certpinctl-fetch.h"
#include "certpinctl-outage.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-plan.h"

/* A pin of the system is looked at before it is made: it is for all users. */
static gboolean
confirm (Ctl *ctl, CtlPlan *plan, gboolean yes, GError **error)
{
  g_autoptr (GError) unread = NULL;
  g_auto (GStrv) keys = plan->system && !yes ? ctl_plan_read_keys (ctl, plan, &unread) : NULL;

  /* The service says what is wrong with a certificate or a key. */
  if (g_error_matches (unread, CERTPIN_ERROR, CERTPIN_ERROR_FAILED))
    ctl_outage_tell_unchecked (ctl, plan->host, unread->message);
  return keys == NULL
         || ctl_outage_confirm (ctl, &(CtlOutage){ plan->host, keys, plan->options }, yes, error);
}

/* Returns: (transfer full) (nullable): the pin in force; NULL without error after --dry-run */
static GVariant *
pin_as_given (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  g_autoptr (CtlPlan) plan = ctl_plan_new (ctl, given, error);

  if (plan == NULL)
    return NULL;
  if (given->dry_run)
    {
      ctl_dry_run (ctl, plan, error);
      return NULL;
    }
  if (!confirm (ctl, plan, given->yes, error))
    return NULL;
  return ctl_plan_carry_out (ctl, plan, ctl->cancellable, error);
}

CtlExit
ctl_pin (Ctl *ctl, GError **error)
{
  g_auto (CtlPinOptions) given = { 0 };
  g_autoptr (GVariant) pin = NULL;

  if (!ctl_pin_options_parse (ctl, &given, error))
    return CTL_EXIT_OK;
  if (given.add || given.remove)
    pin = ctl_change_keys (ctl, &given, error);
  else if (given.fetch)
    pin = ctl_fetch_pin (ctl, &given, error);
  else
    pin = pin_as_given (ctl, &given, error);
  if (pin != NULL && ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pin': %v}", pin));
  else if (pin != NULL)
    ctl_print_pin (&ctl->out, pin, ctl_pin_fields);
  return CTL_EXIT_OK;
}
