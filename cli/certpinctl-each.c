/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does the same for each host of the command line, as systemctl and resolvectl do: if it fails for
 * one, the others are done all the same, and the exit status is that of the first failure. */

#include "config.h"

#include "certpinctl-each.h"

#include "certpinctl-error.h"
#include "certpinctl-failure.h"

/* Returns: the exit status */
static CtlExit
tell (Ctl *ctl, const GError *error)
{
  CtlExit status;

  ctl_stream_flush (&ctl->out, /* error= */ NULL); /* what was printed stands before it */
  status = ctl_error_print (ctl, error);
  ctl_forget_evidence (ctl);
  return status;
}

/* `run`: finds one host in the arguments. A lone error goes to `error`. */
CtlExit
ctl_each (Ctl *ctl, CtlOfHost run, gpointer data, GError **error)
{
  char **all = ctl->arguments;
  CtlExit first_failure = CTL_EXIT_OK;

  if (all[1] == NULL)
    return run (ctl, data, /* first= */ TRUE, error);
  for (char **host = all; *host != NULL && !g_cancellable_is_cancelled (ctl->cancellable); host++)
    {
      g_autoptr (GError) reason = NULL;
      char *one[] = { *host, NULL };
      CtlExit status;

      ctl->arguments = one;
      status = run (ctl, data, host == all, &reason);
      if (reason != NULL)
        status = tell (ctl, reason);
      if (first_failure == CTL_EXIT_OK)
        first_failure = status;
    }
  ctl->arguments = all;
  return first_failure;
}
