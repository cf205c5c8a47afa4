/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The main program: finds the verb, runs it, and turns an error into a message and an exit
 * status. */

#include "config.h"

#include "certpinctl-agent.h"
#include "certpinctl-command.h"
#include "certpinctl-complete.h"
#include "certpinctl-error.h"
#include "certpinctl-help.h"
#include "certpinctl-locale.h"
#include "certpinctl-options.h"
#include "certpinctl-pager.h"
#include "certpinctl-run.h"
#include "certpinctl-signals.h"
#include "certpinctl-verbs.h"

#include <glib/gi18n.h>

#include <fcntl.h>

#include <unistd.h>

/* Parses the options before the verb, and runs the verb, which parses the rest. */
static CtlExit
run (Ctl *ctl, GError **error)
{
  if (!ctl_parse_globals (ctl, error))
    return CTL_EXIT_USAGE;
  if (ctl_complete_is_asked (ctl))
    return ctl_complete (ctl, ctl_verbs, error);
  while (ctl_command_take_help (ctl, error))
    if (!ctl_parse_globals (ctl, error))
      return CTL_EXIT_USAGE;
  if (*error != NULL || !ctl_command_find (ctl, ctl_verbs, error))
    return CTL_EXIT_USAGE;
  if (ctl->verb != NULL)
    return ctl->verb->run (ctl, error);
  if (ctl->version)
    ctl_print_version (ctl);
  else
    ctl_print_help_of_program (ctl, ctl_verbs);
  return CTL_EXIT_OK;
}

/* A standard descriptor that is closed must not become a file or a socket that is opened later. */
static void
fill_descriptors (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl (fd, F_GETFD) == -1)
      open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void
ctl_clear (Ctl *ctl)
{
  g_strfreev (ctl->typed);
  g_strfreev (ctl->words);
  g_strfreev (ctl->arguments);
  g_free (ctl->app);
  g_object_unref (ctl->client);
  g_object_unref (ctl->cancellable);
  g_clear_pointer (&ctl->failure, g_variant_unref);
  g_clear_pointer (&ctl->certificates, g_variant_unref);
  g_free (ctl->accept);
  g_free (ctl->host);
  ctl_stream_clear (&ctl->out);
  ctl_stream_clear (&ctl->err);
}

/* Output that cannot be written is an error; if that was an error in JSON, its message goes to
 * standard error. */
static CtlExit
flush_output (Ctl *ctl, const GError *error, CtlExit status)
{
  g_autoptr (GError) unwritten = NULL;

  if (ctl_stream_flush (&ctl->out, &unwritten))
    return status;
  if (error != NULL && ctl->json)
    ctl_print_error (&ctl->err, error->message, /* refused= */ FALSE);
  if (error == NULL || ctl->json)
    ctl_print_error (&ctl->err, unwritten->message, /* refused= */ FALSE);
  return CTL_EXIT_FAILED;
}

static void
ctl_init (Ctl *ctl, char **argv)
{
  ctl->typed = g_strdupv (argv);
  ctl->words = g_strdupv (argv);

  ctl_stream_init (&ctl->out, STDOUT_FILENO, _ ("standard output"));
  ctl_stream_init (&ctl->err, STDERR_FILENO, _ ("standard error"));
  ctl->out.ends_quietly = !ctl_signals_ignore_writes ();
  ctl->client = certpin_client_new ();
  ctl->cancellable = g_cancellable_new ();
  ctl_init_globals (ctl);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean interrupted;
  CtlExit status;
  Ctl ctl = { 0 };

  ctl.json_named = g_strv_contains ((const char *const *)argv, "--json");
  ctl.utf8 = ctl_locale_start (/* for_programs= */ ctl.json_named);
  fill_descriptors ();
  ctl_init (&ctl, argv);

  status = run (&ctl, &error);
  ctl_agent_close (&ctl, &error);
  if (error != NULL)
    status = ctl_error_print (&ctl, error);
  status = flush_output (&ctl, error, status);
  ctl_pager_close (&ctl);
  interrupted = status == CTL_EXIT_INTERRUPTED && g_cancellable_is_cancelled (ctl.cancellable);
  ctl_clear (&ctl);
  if (interrupted)
    ctl_signals_end_by_interrupt ();
  return status;
}
