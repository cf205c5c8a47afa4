/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals that end the program are held while a temporary file exists or a pin is made. They end
 * what the program is waiting for, if that may end, and take effect afterwards, so that their
 * sender sees that they worked. */

#include "config.h"

#include "certpinctl-signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

/* The only global variables: a signal handler has no other way to pass this on. */
static volatile sig_atomic_t caught;
static unsigned int holders;  /* the first one holds them, the last one releases them */
static int announcement = -1; /* becomes readable when a signal is caught; -1: none is held */

static void
on_signal (int number)
{
  int before = errno;

  caught = number;
  eventfd_write (announcement, 1);
  errno = before;
}

/* Whether whoever started the program wants it to stay ignored, or a pager is in charge of it. */
gboolean
ctl_signals_is_ignored (int number)
{
  struct sigaction action;

  return sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Signals that were ignored when the program started stay ignored. */
static void
handle_all (void (*handler) (int), int flags)
{
  struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

  for (size_t i = 0; i < G_N_ELEMENTS (deadly); i++)
    if (!ctl_signals_is_ignored (deadly[i]))
      sigaction (deadly[i], &action, NULL);
}

static void
hold (int flags)
{
  if (holders++ > 0)
    return;
  caught = 0;
  announcement = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  handle_all (on_signal, flags);
}

void
ctl_signals_hold (void)
{
  hold (0);
}

/* A second signal of the same kind ends the program at once. */
void
ctl_signals_hold_first (void)
{
  hold (SA_RESETHAND);
}

/* Returns: the last signal since they were held; 0: none */
int
ctl_signals_caught (void)
{
  return caught;
}

/* Returns: a descriptor that becomes readable when a signal is caught; -1: signals are not held */
int
ctl_signals_get_descriptor (void)
{
  return announcement;
}

/* Does not return if this is the last holder and a signal was caught. */
void
ctl_signals_release (void)
{
  if (--holders > 0)
    return;
  handle_all (SIG_DFL, 0);
  close (announcement);
  announcement = -1;
  if (caught != 0)
    raise (caught);
}

/* They go to the whole foreground of the terminal, of which another program is in charge. */
void
ctl_signals_ignore_interrupts (void)
{
  signal (SIGINT, SIG_IGN);
}

/* From now on, writes without a reader or beyond a limit fail instead of ending the program.
 * Returns: whether writes without a reader failed before, too */
gboolean
ctl_signals_ignore_writes (void)
{
  gboolean ignored = ctl_signals_is_ignored (SIGPIPE);

  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN);
  return ignored;
}

/* Ends the program as an interrupt does by default. To a shell, an exit status alone would mean
 * that the interrupt was dealt with, and a loop would go on. */
void
ctl_signals_end_by_interrupt (void)
{
  signal (SIGINT, SIG_DFL);
  raise (SIGINT);
}

/* Ends the program as SIGPIPE does by default. */
void
ctl_signals_end_by_pipe (void)
{
  signal (SIGPIPE, SIG_DFL);
  raise (SIGPIPE);
}
