/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The signals that a write may bring, which are to be errors of that write. */

#include "config.h"

#include "certpinctl-signals.h"

#include <signal.h>

static gboolean
is_ignored (int number)
{
  struct sigaction action;

  return sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* A write that nobody reads, or that is beyond a limit, fails from now on. Returns: whether those
 * that nobody reads failed before */
gboolean
ctl_signals_ignore_writes (void)
{
  gboolean ignored = is_ignored (SIGPIPE);

  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN);
  return ignored;
}

/* Ends the program as a write that nobody reads does by default. */
void
ctl_signals_end_by_pipe (void)
{
  signal (SIGPIPE, SIG_DFL);
  raise (SIGPIPE);
}
