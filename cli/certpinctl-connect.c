/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `connect`: joins a pinned connection to standard input and output, or one to each client
 * of a socket. */

#include "config.h"

#include "certpinctl-connect.h"

#include "certpinctl-caution.h"
#include "certpinctl-failure.h"
#include "certpinctl-host.h"
#include "certpinctl-json.h"
#include "certpinctl-listen.h"
#include "certpinctl-options.h"
#include "certpinctl-pump.h"
#include "certpinctl-request-options.h"
#include "certpinctl-signals.h"
#include "certpinctl-starttls.h"
#include "certpinctl-wait.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* The options of `connect`. */
typedef struct
{
  char *listen_unix;
  char *listen_loopback;
  char *starttls;
  char **alpn;
  char *timeout; /* seconds */
  char **keys;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->listen_unix);
  g_free (options->listen_loopback);
  g_free (options->starttls);
  g_strfreev (options->alpn);
  g_free (options->timeout);
  g_strfreev (options->keys);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* Where to connect, and how. Shared by all threads, and not changed. */
typedef struct
{
  Ctl *ctl;
  const char *text; /* as it was given */
  char *host;
  guint16 port;
  const CtlStarttls *starttls; /* NULL: TLS from the beginning */
  GVariant *options;
} Target;

static void
target_clear (Target *target)
{
  g_free (target->host);
  g_clear_pointer (&target->options, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

static gboolean
parse_target (Target *target, const char *text, GError **error)
{
  target->text = text;
  if (ctl_host_split (text, &target->host, &target->port))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is not a host with a port; write it as h.example:993"), text);
  return FALSE;
}

static gboolean
parse_options (Target *target, const Options *options, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (options->starttls != NULL)
    {
      target->starttls = ctl_starttls_find (options->starttls, error);
      if (target->starttls == NULL)
        return FALSE;
      g_variant_dict_insert (&dict, "starttls-protocol", "s", target->starttls->name);
    }
  if (options->timeout != NULL && !ctl_request_add_timeout (&dict, options->timeout, error))
    return FALSE;
  if (options->keys != NULL)
    g_variant_dict_insert (&dict, "require-keys", "^as", options->keys);
  if (options->alpn != NULL)
    g_variant_dict_insert (&dict, "alpn", "^as", options->alpn);
  target->options = g_variant_ref_sink (g_variant_dict_end (&dict));
  return TRUE;
}

/* On any thread. Returns: (transfer full) (nullable): NULL with `error` set */
static GSocketConnection *
open_connection (const Target *target, GError **error)
{
  return certpin_client_open_connection (target->ctl->client, target->host, target->port,
                                         /* starttls= */ NULL, target->options,
                                         target->ctl->cancellable, error);
}

/* A connection was cut: the service knows why, if it is still the one that cut it. `error`: of the
 * pump */
static void
explain_cut (const Target *target, GSocketConnection *connection, GError **error)
{
  static const CertpinError reasons[]
      = { CERTPIN_ERROR_PIN_CHANGED, CERTPIN_ERROR_ADDRESS_DENIED, CERTPIN_ERROR_TRUNCATED,
          CERTPIN_ERROR_TLS_FAILED, CERTPIN_ERROR_PROTOCOL_ERROR };
  g_autoptr (GError) reason = NULL;
  g_autoptr (CertpinConnectionEnd) end = certpin_client_get_connection_end (
      target->ctl->client, connection, target->ctl->cancellable, &reason);

  for (size_t i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (g_error_matches (reason, CERTPIN_ERROR, (int)reasons[i]))
      {
        g_clear_error (error);
        g_propagate_error (error, g_steal_pointer (&reason));
      }
}

/* `in`, `out`: of a client. `error`: not NULL */
static gboolean
join (const Target *target, GSocketConnection *connection, int in, int out, GError **error)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  CtlPump pump = { .in = in, .out = out, .connection = g_socket_get_fd (socket) };
  const char *greeting = target->starttls != NULL ? target->starttls->greeting : NULL;

  if (greeting != NULL && !ctl_fd_write (out, greeting, strlen (greeting)))
    {
      g_set_error (error, G_FILE_ERROR, (int)g_file_error_from_errno (errno),
                   _ ("cannot write the greeting: %s"), g_strerror (errno));
      return FALSE;
    }
  if (ctl_pump_run (&pump, error))
    return TRUE;
  if (g_error_matches (*error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED))
    explain_cut (target, connection, error);
  return FALSE;
}

/* Returns: (transfer none): the description of its evidence */
static GVariant *
get_info (const Target *target, GSocketConnection *connection)
{
  return certpin_record_get_description (
      CERTPIN_RECORD (certpin_client_get_connection_evidence (target->ctl->client, connection)));
}

/* On the main thread. They are there before the first byte. */
static void
print_cautions (Ctl *ctl, GVariant *info)
{
  ctl_print_cautions (&ctl->err, info);
  ctl_stream_flush (&ctl->err, /* error= */ NULL);
}

/* `error`: not NULL */
static gboolean
run_on_standard_streams (const Target *target, GError **error)
{
  g_autoptr (GError) reason = NULL;
  gint64 started_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (GSocketConnection) connection = open_connection (target, &reason);

  if (connection != NULL)
    {
      print_cautions (target->ctl, get_info (target, connection));
      if (join (target, connection, STDIN_FILENO, STDOUT_FILENO, error))
        return TRUE;
      if (target->ctl->out.ends_quietly
          && g_error_matches (*error, G_FILE_ERROR, G_FILE_ERROR_PIPE))
        ctl_signals_end_by_pipe ();
      return FALSE;
    }
  ctl_keep_evidence (target->ctl, target->text, reason, started_s);
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* For standard error: a text, or what is to be said of a connection. */
typedef struct
{
  Ctl *ctl;
  char *text;     /* NULL: of a connection */
  GVariant *info; /* (nullable): its evidence */
} Message;

/* One client of a socket. */
typedef struct
{
  const Target *target;
  int socket;
} Client;

static gboolean
print_message (gpointer data)
{
  const Message *message = data;

  if (message->text != NULL)
    ctl_print_message (&message->ctl->err, /* kind= */ NULL, message->text);
  else
    print_cautions (message->ctl, message->info);
  return G_SOURCE_REMOVE;
}

static void
message_free (gpointer data)
{
  Message *message = data;

  g_free (message->text);
  g_clear_pointer (&message->info, g_variant_unref);
  g_free (message);
}

/* From any thread; the main thread prints it. `info`, `error`: (nullable): one of them */
static void
tell (Ctl *ctl, GVariant *info, const GError *error)
{
  Message *message = g_new0 (Message, 1);

  message->ctl = ctl;
  message->text = error != NULL ? g_strdup (error->message) : NULL;
  message->info = info != NULL ? g_variant_ref (info) : NULL;
  g_idle_add_full (G_PRIORITY_DEFAULT, print_message, message, message_free);
}

static gpointer
serve (gpointer data)
{
  g_autofree Client *client = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = open_connection (client->target, &error);

  if (connection != NULL)
    {
      tell (client->target->ctl, get_info (client->target, connection), /* error= */ NULL);
      join (client->target, connection, client->socket, client->socket, &error);
    }
  if (error != NULL)
    tell (client->target->ctl, /* info= */ NULL, error);
  g_close (client->socket, NULL);
  return NULL;
}

static gboolean
on_client (int listener, GIOCondition condition, gpointer user_data)
{
  int socket = ctl_listen_accept (listener);

  if (socket >= 0)
    {
      Client *client = g_new0 (Client, 1);

      client->target = user_data;
      client->socket = socket;
      g_thread_unref (g_thread_new ("client", serve, client));
    }
  return G_SOURCE_CONTINUE;
}

/* How a socket is served until a signal ends the program. */
typedef struct
{
  GMainLoop *loop;
  int signal;
} Serving;

static const int ending_signals[] = { SIGHUP, SIGINT, SIGTERM };

/* Whom one of them ends. */
typedef struct
{
  Serving *serving;
  int signal;
} Ending;

static gboolean
on_signal (gpointer user_data)
{
  const Ending *ending = user_data;

  ending->serving->signal = ending->signal;
  g_main_loop_quit (ending->serving->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
print_address (Ctl *ctl, const char *address, GError **error)
{
  g_autofree char *valid = g_utf8_make_valid (address, -1);

  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'address': <%s>}", valid));
  else
    {
      g_autofree char *line = g_strconcat (address, "\n", NULL);

      ctl_stream_write (&ctl->out, line, strlen (line));
    }
  return ctl_stream_flush (&ctl->out, error);
}

/* Returns only with an error: a signal ends the program, with all its threads and connections.
 * `listener`: (transfer full): at `address`. `path`: (nullable): removed before the end */
static gboolean
serve_clients (const Target *target, int listener, const char *address, const char *path,
               GError **error)
{
  Serving serving = { g_main_loop_new (NULL, FALSE), 0 };
  Ending endings[G_N_ELEMENTS (ending_signals)];

  for (size_t i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      endings[i] = (Ending){ &serving, ending_signals[i] };
      if (!ctl_signals_is_ignored (ending_signals[i]))
        g_unix_signal_add (ending_signals[i], on_signal, &endings[i]);
    }
  g_unix_fd_add (listener, G_IO_IN, on_client, (gpointer)target);
  if (print_address (target->ctl, address, error))
    g_main_loop_run (serving.loop);
  if (path != NULL)
    unlink (path);
  if (serving.signal != 0)
    {
      signal (serving.signal, SIG_DFL);
      raise (serving.signal);
    }
  return FALSE;
}

static gboolean
serve_on_unix (const Target *target, const char *path, GError **error)
{
  int listener = ctl_listen_unix (path, error);

  return listener >= 0 && serve_clients (target, listener, path, path, error);
}

static gboolean
serve_on_loopback (const Target *target, const char *port, GError **error)
{
  guint16 chosen;
  int listener = ctl_listen_loopback (port, &chosen, error);
  g_autofree char *address = NULL;

  if (listener < 0)
    return FALSE;
  address = g_strdup_printf ("127.0.0.1:%u", chosen);
  return serve_clients (target, listener, address, /* path= */ NULL, error);
}

static gboolean
run (const Target *target, const Options *options, GError **error)
{
  if (options->listen_unix != NULL && options->listen_loopback != NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _ ("--listen-unix and --listen-loopback exclude each other"));
      return FALSE;
    }
  if (options->listen_unix != NULL)
    return serve_on_unix (target, options->listen_unix, error);
  if (options->listen_loopback != NULL)
    return serve_on_loopback (target, options->listen_loopback, error);
  return run_on_standard_streams (target, error);
}

CtlExit
ctl_connect (Ctl *ctl, GError **error)
{
  g_auto (Options) chosen = { 0 };
  g_auto (Target) target = { .ctl = ctl };
  const GOptionEntry options[] = {
    { "listen-unix", 0, 0, G_OPTION_ARG_FILENAME, &chosen.listen_unix,
      N_ ("make a socket there, and a connection for each of your programs that uses it"),
      N_ ("PATH") },
    { "listen-loopback", 0, 0, G_OPTION_ARG_STRING, &chosen.listen_loopback,
      N_ ("likewise at this TCP port of 127.0.0.1; 0 is any"), N_ ("PORT") },
    { "starttls", 0, 0, G_OPTION_ARG_STRING, &chosen.starttls,
      N_ ("begin in plaintext, and ask for TLS: imap, smtp, pop3, postgres or ldap"),
      N_ ("PROTOCOL") },
    { "alpn", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chosen.alpn,
      N_ ("offer this application protocol; may be repeated"), N_ ("NAME") },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &chosen.timeout,
      N_ ("time limit of connecting (default: 30)"), N_ ("SECONDS") },
    { "require-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chosen.keys,
      N_ ("also require this key; if repeated, any one of them"), N_ ("KEY") },
    { NULL },
  };
  g_autoptr (GError) reason = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  if (parse_target (&target, ctl->arguments[0], &reason)
      && parse_options (&target, &chosen, &reason) && run (&target, &chosen, &reason))
    return CTL_EXIT_OK;
  g_propagate_error (error, g_steal_pointer (&reason));
  return CTL_EXIT_FAILED;
}
