/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Long text for people goes through a pager, as that of systemctl and git does: on a terminal, and
 * only if it does not fit, which is left to the pager itself. */

#include "config.h"

#include "certpinctl-pager.h"

#include "certpinctl-signals.h"

#include <gio/gunixoutputstream.h>
#include <unistd.h>

/* Of less: end at once if all fits on the screen, show colours, and leave the text there. */
#define LESS_OPTIONS "FRX"

static gboolean
is_wanted (Ctl *ctl)
{
  return !ctl->no_pager && !ctl->json && ctl->out.terminal && isatty (STDIN_FILENO) == 1
         && ctl_terminal_takes_escapes ();
}

/* It may run as root, for somebody who may run nothing else as root. */
static GSubprocess *
start (const char *command)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE);
  g_auto (GStrv) words = NULL;

  g_subprocess_launcher_setenv (launcher, "LESS", LESS_OPTIONS, /* overwrite= */ FALSE);
  /* What is printed is UTF-8, whatever the locale says. */
  g_subprocess_launcher_setenv (launcher, "LESSCHARSET", "utf-8", /* overwrite= */ FALSE);
  g_subprocess_launcher_setenv (launcher, "LESSSECURE", "1", TRUE);
  if (!g_shell_parse_argv (command, NULL, &words, NULL))
    return NULL;
  return g_subprocess_launcher_spawnv (launcher, (const char *const *)words, NULL);
}

/* From now on, what is printed goes to the pager that $PAGER names, or to less. Without one, it
 * goes to the terminal as ever. */
void
ctl_pager_open (Ctl *ctl)
{
  const char *named = g_getenv ("PAGER");
  GOutputStream *input;

  if (ctl->pager != NULL || !is_wanted (ctl))
    return;
  ctl->pager = start (named != NULL ? named : "less");
  if (ctl->pager == NULL)
    return;
  /* An interrupt is the pager's. */
  ctl_signals_ignore_interrupts ();

  input = g_subprocess_get_stdin_pipe (ctl->pager);
  ctl->out.fd = g_unix_output_stream_get_fd (G_UNIX_OUTPUT_STREAM (input));
  ctl->out.may_end = TRUE;
}

/* Waits until its user has seen enough; everything is written. */
void
ctl_pager_close (Ctl *ctl)
{
  if (ctl->pager == NULL)
    return;
  g_output_stream_close (g_subprocess_get_stdin_pipe (ctl->pager), NULL, NULL);
  g_subprocess_wait (ctl->pager, NULL, NULL);
  g_clear_object (&ctl->pager);
}
