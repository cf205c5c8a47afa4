/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The signals that end the program, kept waiting while there is something to tidy up, and given
 * their way afterwards: whoever sent them sees that they worked. */

#include "config.h"

#include "certpinctl-signals.h"

#include <signal.h>

static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

/* The one global that is no constant: a handler has no other way to tell. */
static volatile sig_atomic_t caught;

static void
on_signal (int number)
{
  caught = number;
}

static gboolean
is_ignored (int number)
{
  struct sigaction action;

  return sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Those that whoever started the program has it ignore stay ignored. */
static void
handle_all (void (*handler) (int))
{
  struct sigaction action = { .sa_handler = handler };

  for (size_t i = 0; i < G_N_ELEMENTS (deadly); i++)
    if (!is_ignored (deadly[i]))
      sigaction (deadly[i], &action, NULL);
}

void
ctl_signals_hold (void)
{
  caught = 0;
  handle_all (on_signal);
}

/* The last signal since they were held; 0: none. */
int
ctl_signals_caught (void)
{
  return caught;
}

/* Does not return where one was caught. */
void
ctl_signals_release (void)
{
  handle_all (SIG_DFL);
  if (caught != 0)
    raise (caught);
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
