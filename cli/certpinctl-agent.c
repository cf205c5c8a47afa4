/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Without a desktop, over ssh for example, nobody would ask for the password that polkit may want.
 * On a terminal, polkit's own agent for terminals does, as long as the program runs, and only if
 * there is no other agent. */

#include "config.h"

#include "certpinctl-agent.h"

#include <glib/gi18n.h>

#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define AGENT "pkttyagent"

/* It is ready, or has given up, long before. */
#define READY_MAX_MS 5000

static gboolean
is_wanted (Ctl *ctl)
{
  g_autofree char *program = NULL;

  if (ctl->agent != NULL || ctl->no_ask_password || geteuid () == 0 || isatty (STDIN_FILENO) != 1
      || isatty (STDERR_FILENO) != 1)
    return FALSE;
  program = g_find_program_in_path (AGENT);
  return program != NULL;
}

/* In the child: it ends with this program, whatever ends that. */
static void
follow_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGTERM);
}

/* It closes the other end when it is registered, or when it ends. */
static void
wait_until_ready (int ready)
{
  poll (&(struct pollfd){ .fd = ready, .events = POLLIN }, 1, READY_MAX_MS);
}

/* On a desktop, its own agent is asked first. polkit looks for a second agent only in a session of
 * logind, which a caller need not have. */
static const char *
get_precedence (void)
{
  gboolean desktop = g_getenv ("WAYLAND_DISPLAY") != NULL || g_getenv ("DISPLAY") != NULL;

  return desktop ? "--fallback" : NULL;
}

/* Before a call that polkit may ask a password for. Without an agent, the call fails and says
 * so. */
void
ctl_agent_open (Ctl *ctl)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autofree char *notify = NULL;
  int ends[2];

  if (!is_wanted (ctl) || !g_unix_open_pipe (ends, FD_CLOEXEC, NULL))
    return;
  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_INHERIT);
  g_subprocess_launcher_set_child_setup (launcher, follow_parent, NULL, NULL);
  notify = g_strdup_printf ("--notify-fd=%d", ends[1]);
  g_subprocess_launcher_take_fd (launcher, ends[1], ends[1]);
  ctl->agent = g_subprocess_launcher_spawn (launcher, NULL, AGENT, notify, get_precedence (), NULL);
  g_subprocess_launcher_close (launcher);
  if (ctl->agent != NULL)
    wait_until_ready (ends[0]);
  close (ends[0]);
}

/* `error`: (nullable): of the call: an interrupt at the question ends the agent, and so polkit may
 * refuse before the interrupt is seen here. */
void
ctl_agent_close (Ctl *ctl, GError **error)
{
  gboolean interrupted;

  if (ctl->agent == NULL)
    return;
  g_subprocess_send_signal (ctl->agent, SIGTERM);
  g_subprocess_wait (ctl->agent, NULL, NULL);
  interrupted = g_subprocess_get_if_signaled (ctl->agent)
                && g_subprocess_get_term_sig (ctl->agent) == SIGINT;
  g_clear_object (&ctl->agent);
  if (!interrupted || !g_error_matches (*error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED))
    return;
  g_clear_error (error);
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                       _ ("interrupted; nothing was changed"));
}
