/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What came of a change of pins that nobody has waited for to the end. The service carries out a
 * change that it has begun. */

#include "config.h"

#include "certpinctl-outcome.h"

#include "certpinctl-agent.h"
#include "certpinctl-input.h"
#include "certpinctl-scope.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

/* Before the call: an interrupt may come as soon as it is sent. `system`: a change for all users,
 * which may need a password. */
void
ctl_outcome_begin (Ctl *ctl, gboolean system)
{
  if (system)
    ctl_agent_open (ctl);
  ctl->change_held = ctl_wait_hold (ctl);
}

/* `error`: (nullable): of the call; if that leaves open what is changed, it says so. `what`: may
 * have happened, and what the command shows. `command`: (transfer full) */
static void
end (Ctl *ctl, GError **error, const char *what, char *command)
{
  g_autofree char *owned = command, *text = NULL;
  gboolean cancelled;

  ctl_wait_release (ctl, ctl->change_held);
  if (error == NULL || *error == NULL)
    return;
  cancelled = ctl_error_is_cancelled (*error);
  if (!cancelled && !g_error_matches (*error, CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT))
    return;
  text = g_strdup_printf (_ ("%s; %s: certpinctl %s"),
                          cancelled ? _ ("interrupted") : (*error)->message, what, command);
  g_free ((*error)->message);
  (*error)->message = g_steal_pointer (&text);
}

/* Of a call that changes a pin of the host. */
void
ctl_outcome_end (Ctl *ctl, const char *host, GError **error)
{
  g_autofree char *word = ctl_input_quote (host);
  g_autofree char *option = ctl_scope_make_option (ctl, /* system= */ FALSE);
  g_autofree char *what = g_strdup_printf (
      _ ("the change of ‘%s’ may have been made all the same; to see whether it was"), host);

  end (ctl, error, what, g_strconcat ("show ", option, word, NULL));
}

/* Of a call that sets the pins of a file. */
void
ctl_outcome_end_import (Ctl *ctl, const char *path, gboolean system, GError **error)
{
  g_autofree char *word = ctl_input_quote (path);
  g_autofree char *option = ctl_scope_make_option (ctl, system);

  end (ctl, error,
       _ ("its pins, or some of them, may have been set all the same; to see which were not"),
       g_strconcat ("import --dry-run ", option, word, NULL));
}
