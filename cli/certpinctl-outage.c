/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pin of the system that would shut out a host for everybody: found by what the server presents
 * now. It is a help against mistakes, not a check: if the server cannot be looked at, that is said,
 * and the pin is made. */

#include "config.h"

#include "certpinctl-outage.h"

#include "certpinctl-ask.h"
#include "certpinctl-chain.h"

#include <string.h>

/* Whether requests to the server can pass now: by the pins, or, if there is none that applies to
 * this user, by ordinary validation alone. */
static gboolean
works_now (GVariant *info)
{
  gboolean trusted = FALSE;
  const char *verdict = "";

  g_variant_lookup (info, "trusted", "b", &trusted);
  g_variant_lookup (info, "verdict", "&s", &verdict);
  return trusted || strcmp (verdict, "Pass") == 0;
}

static gboolean
is_report (GVariant *options)
{
  const char *mode = "";

  g_variant_lookup (options, "mode", "&s", &mode);
  return strcmp (mode, "report") == 0;
}

/* Says that nobody has looked. */
void
ctl_outage_tell_unchecked (Ctl *ctl, const char *host, const char *reason)
{
  g_autofree char *text = g_strdup_printf (
      "cannot see whether the pin would shut out ‘%s’, so that is not checked: %s", host, reason);

  if (!ctl->json)
    ctl_print_message (&ctl->err, "note", text);
}

/* Returns: (nullable): the host to look at; NULL: the pattern names none */
static const char *
host_to_look_at (const char *pattern)
{
  if (g_str_has_prefix (pattern, "**."))
    return pattern + strlen ("**.");
  return *pattern == '*' ? NULL : pattern;
}

/* Returns: (transfer full) (nullable): what would happen; NULL: the server passes */
static char *
describe (const char *host, GVariant *verdict)
{
  const char *name = "", *reason = "";
  g_auto (GStrv) offered = NULL;
  g_autofree char *mismatch = NULL;

  g_variant_lookup (verdict, "verdict", "&s", &name);
  g_variant_lookup (verdict, "reason", "&s", &reason);
  g_variant_lookup (verdict, "offered-keys", "^as", &offered);
  if (strcmp (name, "Pass") == 0)
    return NULL;
  if (strcmp (name, certpin_error_get_name (CERTPIN_ERROR_PIN_MISMATCH)) == 0 && offered[0] != NULL)
    mismatch = g_strdup_printf ("its key is %s", offered[0]);
  return g_strdup_printf (
      "the server of ‘%s’ works now, but this pin would refuse it for all users: %s", host,
      mismatch != NULL ? mismatch : reason);
}

/* `text`: (out) (nullable) (transfer full): what would happen, if the server works now and the pin
 * would refuse it.
 * Returns: FALSE with the error set if the user interrupts this */
gboolean
ctl_outage_find (Ctl *ctl, const CtlOutage *pin, char **text, GError **error)
{
  const char *host = host_to_look_at (pin->host);
  g_autoptr (GPtrArray) chain = NULL;
  g_autoptr (GVariant) info = NULL, verdict = NULL;
  g_autoptr (GError) problem = NULL;

  *text = NULL;
  if (host == NULL)
    ctl_outage_tell_unchecked (ctl, pin->host, "it is a pattern");
  if (host == NULL || is_report (pin->options))
    return TRUE;
  info = ctl_chain_fetch (ctl, host, &chain, &problem);
  if (info != NULL && !works_now (info))
    return TRUE;
  if (info != NULL)
    verdict = ctl_chain_judge (ctl, host, chain,
                               ctl_chain_judging_options (pin->keys, pin->options, NULL), &problem);
  if (g_error_matches (problem, CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (verdict == NULL)
    {
      ctl_outage_tell_unchecked (ctl, host, problem->message);
      return TRUE;
    }
  *text = describe (host, verdict);
  return TRUE;
}

/* Asks if the pin would shut out a host, unless `yes`.
 * Errors: CERTPIN_ERROR_FAILED, CERTPIN_ERROR_CANCELLED.
 * Returns: whether to go on */
gboolean
ctl_outage_confirm (Ctl *ctl, const CtlOutage *pin, gboolean yes, GError **error)
{
  g_autofree char *text = NULL;

  if (yes)
    return TRUE;
  if (!ctl_outage_find (ctl, pin, &text, error))
    return FALSE;
  if (text == NULL)
    return TRUE;
  if (ctl_can_ask (ctl))
    {
      ctl_print_message (&ctl->err, "warning", text);
      return ctl_ask (ctl, "Pin it nonetheless?", error);
    }
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
               "%s; nothing was changed; to pin it nonetheless, add --yes", text);
  return FALSE;
}
