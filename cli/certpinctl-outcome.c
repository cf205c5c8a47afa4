/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What came of a change of pins that nobody has waited for to the end. The service carries out a
 * change that it has begun. */

#include "config.h"

#include "certpinctl-outcome.h"

#include "certpinctl-input.h"
#include "certpinctl-wait.h"

/* Before the call: an interrupt may come as soon as it is sent. */
void
ctl_outcome_begin (Ctl *ctl)
{
  ctl->change_held = ctl_wait_hold (ctl);
}

/* `error`: (nullable): of the call that changes a pin of the host; if that leaves open whether it
 * is changed, it says so, and how to find out */
void
ctl_outcome_end (Ctl *ctl, const char *host, GError **error)
{
  gboolean cancelled, overdue;
  g_autofree char *word = ctl_input_quote (host), *text = NULL;

  ctl_wait_release (ctl, ctl->change_held);
  if (error == NULL || *error == NULL)
    return;
  cancelled = g_error_matches (*error, CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED);
  overdue = g_error_matches (*error, CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT);
  if (!cancelled && !overdue)
    return;
  text = g_strdup_printf ("%s; the change of ‘%s’ may have been made all the same; to see whether "
                          "it was: certpinctl show %s",
                          cancelled ? "interrupted" : (*error)->message, host, word);
  g_free ((*error)->message);
  (*error)->message = g_steal_pointer (&text);
}
