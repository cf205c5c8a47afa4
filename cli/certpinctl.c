/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line tool: the table of verbs, the waiting for the service, and the one place where
 * an error becomes a sentence and an exit status. */

#include "config.h"

#include "certpinctl.h"

#include "certpinctl-signals.h"

#include <glib-unix.h>

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

const CtlVerb ctl_verbs[] = {
  { "pin", "HOST [FILE]", "Pin a host to a certificate's key, or to keys",
    "FILE holds one certificate in DER form; - is the standard input. Where it cannot be read, or\n"
    "holds something else, the host is blocked until it is pinned or unpinned. HOST may be\n"
    "h.example, *.h.example (one more label) or **.h.example (every depth), each with an optional\n"
    ":port.",
    "certpinctl pin h.example server.der\n"
    "certpinctl pin --system --match=path '**.h.example' ca.der\n"
    "certpinctl pin h.example --key sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyFv88RDBvdQJA=",
    1, 2, 1, ctl_pin },
  { "unpin", "HOST", "Remove the pin or the block of a host", NULL,
    "certpinctl unpin h.example\ncertpinctl unpin --system '*.h.example:8443'", 1, 1, 1,
    ctl_unpin },
  { "block", "HOST REASON", "Refuse all requests to a host", NULL,
    "certpinctl block h.example 'its key was stolen'", 2, 2, 2, ctl_block },
  { "list", "", "List the pins: the system's and your own", NULL,
    "certpinctl list\ncertpinctl list --user --json | jq -r '.pins[].host'", 0, 0, 0, ctl_list },
  { "show", "HOST", "Show what holds for a host, and why its last request was refused", NULL,
    "certpinctl show h.example", 1, 1, 1, ctl_show },
  { "explain", "HOST", "Say which pins apply to a host, and why",
    "Of each scope the most specific pin applies; all that apply must pass.",
    "certpinctl explain www.h.example\ncertpinctl explain --port=8443 h.example", 1, 1, 1,
    ctl_explain },
  { "verify", "FILE…", "Judge a chain of certificates as a connection's would be",
    "The files hold certificates in DER, or in PEM as many as there are, the server's own first.\n"
    "Nothing is sent. The exit status is 0 where the chain passes, and 3 where it does not.",
    "certpinctl verify --host=h.example chain.pem\n"
    "certpinctl verify --trust-anchor=ca.pem server.der intermediate.der",
    1, 64, 0, ctl_verify },
  { "get", "URL", "Write what is at a URL to the standard output", NULL,
    "certpinctl get https://h.example/ > page.html\n"
    "certpinctl get -H 'Accept: application/json' --fail https://h.example/status",
    1, 1, 1, ctl_get },
  { "request", "METHOD URL", "Make any request of a pinned host", NULL,
    "certpinctl request POST -H 'Content-Type: application/json' -d '{}' https://h.example/items\n"
    "certpinctl request PUT --data-file - https://h.example/items/1 < item.json",
    2, 2, 2, ctl_request },
  { NULL },
};

static gboolean
on_interrupt (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE; /* the next one ends the program at once */
}

/* The callback of whatever call ctl_wait() waits for. */
void
ctl_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ctl *ctl = user_data;

  ctl->result = g_object_ref (result);
}

/* Returns: (transfer full): what the call under way came to; an interrupt cancels it */
GAsyncResult *
ctl_wait (Ctl *ctl)
{
  unsigned int interrupt = g_unix_signal_add (SIGINT, on_interrupt, ctl->cancellable);

  while (ctl->result == NULL)
    g_main_context_iteration (NULL, /* may_block= */ TRUE);
  if (!g_cancellable_is_cancelled (ctl->cancellable))
    g_source_remove (interrupt);
  return g_steal_pointer (&ctl->result);
}

static gboolean
find_verb (Ctl *ctl, GError **error)
{
  const char *name = ctl->words[1];

  for (const CtlVerb *verb = ctl_verbs; name != NULL && verb->name != NULL; verb++)
    if (strcmp (verb->name, name) == 0)
      ctl->verb = verb;
  if (ctl->verb != NULL || (name == NULL && (ctl->help || ctl->version)))
    return TRUE;
  if (name != NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "there is no verb ‘%s’", name);
  else
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "the verb is missing");
  return FALSE;
}

/* Reads the options before the verb, and the verb; the rest is the verb's. */
static CtlExit
run (Ctl *ctl, GError **error)
{
  if (!ctl_parse_globals (ctl, error))
    return CTL_EXIT_USAGE;
  if (!find_verb (ctl, error))
    return CTL_EXIT_USAGE;
  if (ctl->verb != NULL)
    return ctl->verb->run (ctl, error);
  ctl_print_help (ctl, /* options= */ NULL);
  return CTL_EXIT_OK;
}

/* One line for people, one document for machines. */
static CtlExit
print_error (Ctl *ctl, const GError *error)
{
  gboolean usage = error->domain == G_OPTION_ERROR;
  const char *verb = ctl->verb != NULL ? ctl->verb->name : "";
  g_autofree char *hint
      = g_strdup_printf ("; see ‘certpinctl %s%s--help’", verb, *verb != '\0' ? " " : "");
  g_autofree char *text = g_strconcat (error->message, usage ? hint : "", NULL);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GVariantBuilder) members = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  ctl->json = ctl->json || (usage && ctl->json_named);
  if (!ctl->json)
    {
      ctl_print_message (&ctl->err, /* kind= */ NULL, text);
      if (ctl->failure != NULL)
        ctl_print_failure (&ctl->err, ctl->failure);
      return ctl_error_exit (error);
    }
  g_variant_builder_add_parsed (&members, "{'name', <%s>}", ctl_error_name (error));
  g_variant_builder_add_parsed (&members, "{'message', <%s>}", valid);
  if (ctl->failure != NULL)
    g_variant_builder_add (&members, "{sv}", "failure", ctl->failure);
  ctl_print_json (&ctl->out,
                  g_variant_new_parsed ("{'error': %v}", g_variant_builder_end (&members)));
  return ctl_error_exit (error);
}

/* What the caller closed must not become a file or a socket that is opened later. */
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
  g_strfreev (ctl->words);
  g_strfreev (ctl->arguments);
  g_object_unref (ctl->client);
  g_object_unref (ctl->cancellable);
  g_clear_pointer (&ctl->failure, g_variant_unref);
  ctl_stream_clear (&ctl->out);
  ctl_stream_clear (&ctl->err);
}

/* What could not be written is an error, and an error that could not be written is still told. */
static CtlExit
flush_output (Ctl *ctl, const GError *error, CtlExit status)
{
  g_autoptr (GError) unwritten = NULL;

  if (ctl_stream_flush (&ctl->out, &unwritten))
    return status;
  if (error != NULL && ctl->json)
    ctl_print_message (&ctl->err, /* kind= */ NULL, error->message);
  if (error == NULL || ctl->json)
    ctl_print_message (&ctl->err, /* kind= */ NULL, unwritten->message);
  return CTL_EXIT_FAILED;
}

static void
ctl_init (Ctl *ctl, char **argv)
{
  ctl->words = g_strdupv (argv);
  ctl->json_named = g_strv_contains ((const char *const *)argv, "--json");
  ctl_stream_init (&ctl->out, STDOUT_FILENO, "the standard output");
  ctl_stream_init (&ctl->err, STDERR_FILENO, "the standard error");
  ctl->out.ends_quietly = !ctl_signals_ignore_writes ();
  ctl->client = certpin_client_new ();
  ctl->cancellable = g_cancellable_new ();
  ctl_init_globals (ctl);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  CtlExit status;
  Ctl ctl = { 0 };

  setlocale (LC_ALL, "");
  setlocale (LC_CTYPE, "C.UTF-8"); /* what crosses the bus is UTF-8, wherever we are */
  fill_descriptors ();
  ctl_init (&ctl, argv);

  status = run (&ctl, &error);
  if (error != NULL)
    status = print_error (&ctl, error);
  status = flush_output (&ctl, error, status);
  ctl_clear (&ctl);
  return status;
}
