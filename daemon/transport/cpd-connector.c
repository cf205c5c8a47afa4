/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a host to a connection: its addresses, the first of them that answers (RFC 8305), the
 * handshake, and the first of the two verdicts on a server: one that does not pass is told so, and
 * has no connection that anybody could use. What a server sends in the handshake, and what it
 * presented there, is worked on by threads. */

#include "config.h"

#include "daemon/transport/cpd-connector.h"

#include "daemon/transport/cpd-address.h"
#include "daemon/transport/cpd-fetch-error.h"
#include "daemon/transport/cpd-route.h"
#include "daemon/transport/cpd-starttls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* A connection being set up; belongs to its task. */
typedef struct
{
  CpdConnectorSettings settings; /* with references of its own */
  GStrv protocols;               /* those of the settings */
  GSocketAddress *tried;         /* the last address; NULL: none */
  CpdTls *tls;                   /* NULL: it is not connected, or its handshake is over */
  CpdConnection *connection;     /* NULL: its handshake is not over */
  GError *failure;               /* of the handshake; NULL: none */
  CpdJob *job;                   /* under way; NULL: none */
  gboolean shaking;              /* a job has `tls` */
  GIOCondition waits_for;        /* of the handshake; 0: nothing, it is over */
  CpdVerdict *refusal;           /* NULL: none */
  gulong cancelled_id;

  /* Monotonic; 0: not yet. */
  gint64 resolving_us, resolved_us, connecting_us, handshaking_us;
} SetUp;

static void
set_up_free (gpointer data)
{
  SetUp *set_up = data;

  g_clear_object (&set_up->tried);
  cpd_tls_free (set_up->tls);
  cpd_connection_free (set_up->connection);
  g_clear_error (&set_up->failure);
  cpd_verdict_unref (set_up->refusal);
  g_strfreev (set_up->protocols);
  cpd_host_unref (set_up->settings.target);
  g_object_unref (set_up->settings.store);
  cpd_workers_unref (set_up->settings.workers);
  cpd_gate_leave (set_up->settings.gate);
  g_object_unref (set_up->settings.gate);
  g_free (set_up);
}

static guint64
between (gint64 from_us, gint64 to_us)
{
  return from_us != 0 && to_us > from_us ? (guint64)(to_us - from_us) : 0;
}

/* `error`: (transfer full) */
static void
fail (GTask *task, CpdStage stage, GError *error)
{
  SetUp *set_up = g_task_get_task_data (task);

  if (set_up->settings.starttls < 0 && cpd_route_is_offline (set_up->tried))
    stage = CPD_STAGE_OFFLINE;
  g_task_return_error (
      task, cpd_fetch_error_map (error, stage, cpd_host_get_name (set_up->settings.target)));
  g_error_free (error);
}

/* If the failure of a handshake may be due to the certificates, the verdict on them says more.
 * `verdict`: (transfer full) */
static void
conclude (GTask *task, CpdVerdict *verdict)
{
  SetUp *set_up = g_task_get_task_data (task);
  CpdConnection *connection = set_up->connection;
  gboolean presented = cpd_tls_get_presented (connection->tls)->len > 0;

  connection->resolve_us = between (set_up->resolving_us, set_up->resolved_us);
  connection->connect_us = between (set_up->connecting_us, set_up->handshaking_us);
  connection->tls_us = between (set_up->handshaking_us, g_get_monotonic_time ());
  if (set_up->failure != NULL && (verdict->passed || !presented))
    fail (task, CPD_STAGE_HANDSHAKING, g_steal_pointer (&set_up->failure));
  else if (!verdict->passed)
    {
      cpd_tls_refuse (connection->tls);
      set_up->refusal = cpd_verdict_ref (verdict);
      g_task_return_error (task, cpd_verdict_to_error (verdict));
    }
  else
    g_task_return_pointer (task, g_steal_pointer (&set_up->connection),
                           (GDestroyNotify)cpd_connection_free);
  cpd_verdict_unref (verdict);
}

/* Now, or when what it presented is validated: for as long as anything is missing, there is no
 * verdict. */
static void
judge (gpointer user_data)
{
  GTask *task = user_data;
  SetUp *set_up = g_task_get_task_data (task);
  CpdPeer *peer = set_up->connection->peer;
  g_autoptr (CpdAnchors) missing = NULL;
  CpdVerdict *verdict = cpd_judge_peer (set_up->settings.store, set_up->settings.uid, peer,
                                        /* require_keys= */ NULL, &missing);

  set_up->job = NULL;
  if (verdict == NULL)
    {
      const CpdValidationOrder order = { set_up->settings.uid, peer, missing, judge, task };

      set_up->job = cpd_validation_start (set_up->settings.workers, &order);
      return;
    }
  g_signal_handler_disconnect (g_task_get_cancellable (task), set_up->cancelled_id);
  conclude (task, verdict);
  g_object_unref (task);
}

static void
shake_hands (gpointer user_data)
{
  SetUp *set_up = g_task_get_task_data (user_data);

  cpd_tls_handshake (set_up->tls, &set_up->waits_for, &set_up->failure);
}

static void go_on (gpointer user_data);

/* As far as it went. */
static void
on_hands_shaken (gpointer user_data)
{
  GTask *task = user_data;
  SetUp *set_up = g_task_get_task_data (task);

  set_up->job = NULL;
  set_up->shaking = FALSE;
  if (g_error_matches (set_up->failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      g_clear_error (&set_up->failure);
      cpd_tls_watch (set_up->tls, set_up->waits_for, go_on, task);
      return;
    }
  set_up->connection = cpd_connection_new (g_steal_pointer (&set_up->tls), set_up->settings.target);
  judge (task);
}

/* Goes on with the handshake, on a thread: GnuTLS parses what the server presents, and verifies a
 * signature with its key. */
static void
go_on (gpointer user_data)
{
  static const CpdJobFuncs funcs = { shake_hands, on_hands_shaken, g_object_unref };
  GTask *task = user_data;
  SetUp *set_up = g_task_get_task_data (task);

  cpd_tls_watch (set_up->tls, 0, NULL, NULL);
  set_up->shaking = TRUE;
  set_up->job = cpd_workers_start (set_up->settings.workers, set_up->settings.uid, &funcs,
                                   g_object_ref (task));
}

/* What a thread has is given up when it comes back. */
static void
on_cancelled (GTask *task)
{
  SetUp *set_up = g_task_get_task_data (task);

  g_clear_pointer (&set_up->job, cpd_job_stop);
  g_clear_pointer (&set_up->connection, cpd_connection_free);
  if (!set_up->shaking)
    g_clear_pointer (&set_up->tls, cpd_tls_free);
  g_task_return_error_if_cancelled (task);
  g_object_unref (task);
}

/* `socket`: (transfer full): connected */
static void
begin_handshake (GTask *task, int socket)
{
  SetUp *set_up = g_task_get_task_data (task);

  set_up->handshaking_us = g_get_monotonic_time ();
  set_up->tls = cpd_tls_new (socket, cpd_host_get_name (set_up->settings.target),
                             (const char *const *)set_up->protocols);
  set_up->cancelled_id = g_signal_connect_swapped (g_task_get_cancellable (task), "cancelled",
                                                   G_CALLBACK (on_cancelled), task);
  go_on (g_object_ref (task));
}

/* Returns: (transfer full): of its own: GIO closes its copy */
static int
copy_socket (GSocketConnection *connection)
{
  GSocket *socket = g_socket_connection_get_socket (connection);

  return fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);
}

static void
connector_on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  g_autoptr (GSocketConnection) connected
      = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  int socket;

  if (connected == NULL)
    {
      fail (task, CPD_STAGE_CONNECTING, error);
      return;
    }
  if (g_task_return_error_if_cancelled (task))
    return;
  socket = copy_socket (connected);
  if (socket >= 0)
    begin_handshake (task, socket);
  else
    fail (task, CPD_STAGE_CONNECTING,
          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES, g_strerror (errno)));
}

static void
set_tried (SetUp *set_up, GSocketConnection *connection, gint64 now_us)
{
  g_clear_object (&set_up->tried);
  set_up->tried = g_socket_connection_get_remote_address (connection, NULL);
  if (set_up->connecting_us == 0)
    set_up->connecting_us = now_us;
}

static void
on_event (GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable,
          GIOStream *stream, gpointer task)
{
  SetUp *set_up = g_task_get_task_data (task);
  gint64 now_us = g_get_monotonic_time ();

  if (event == G_SOCKET_CLIENT_RESOLVING)
    set_up->resolving_us = now_us;
  else if (event == G_SOCKET_CLIENT_RESOLVED)
    set_up->resolved_us = now_us;
  else if (event == G_SOCKET_CLIENT_CONNECTING)
    set_tried (set_up, G_SOCKET_CONNECTION (stream), now_us);
  /* Small writes are not held back until what was sent before them is acknowledged. */
  else if (event == G_SOCKET_CLIENT_CONNECTED)
    g_socket_set_option (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)), IPPROTO_TCP,
                         TCP_NODELAY, 1, NULL);
}

static void
connect_to_host (GTask *task, CpdHost *target)
{
  g_autoptr (GSocketConnectable) address
      = cpd_address_new (cpd_host_get_name (target), cpd_host_get_port (target));
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_enable_proxy (client, FALSE);
  g_signal_connect_object (client, "event", G_CALLBACK (on_event), task, 0);
  g_socket_client_connect_async (client, address, g_task_get_cancellable (task),
                                 connector_on_connected, g_object_ref (task));
}

/* The caller has connected, and said STARTTLS in whatever way its protocol has. */
static void
take_over (GTask *task, int given)
{
  GError *error = NULL;
  int socket = cpd_starttls_take (given, &error);

  if (socket < 0)
    fail (task, CPD_STAGE_HANDSHAKING, error);
  else
    begin_handshake (task, socket);
}

/* The gate was entered for this; it is left when the connection is set up, or really given up.
 * `cancellable`: ends it at once, but for a look-up of a name, which cannot be stopped. */
void
cpd_connector_connect_async (const CpdConnectorSettings *settings, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  SetUp *set_up = g_new0 (SetUp, 1);

  g_task_set_source_tag (task, cpd_connector_connect_async);
  g_task_set_task_data (task, set_up, set_up_free);
  set_up->settings = *settings;
  set_up->protocols = g_strdupv ((GStrv)settings->protocols);
  cpd_host_ref (settings->target);
  g_object_ref (settings->store);
  g_object_ref (settings->gate);
  cpd_workers_ref (settings->workers);
  if (settings->starttls >= 0)
    take_over (task, settings->starttls);
  else
    connect_to_host (task, settings->target);
}

/* `refusal`: (out) (transfer full) (nullable): the verdict, where the server did not pass.
 * Errors: CERTPIN_ERROR alone, or G_IO_ERROR_CANCELLED.
 * Returns: (transfer full): a connection to a server that passed; NULL with `error` set */
CpdConnection *
cpd_connector_connect_finish (GAsyncResult *result, CpdVerdict **refusal, GError **error)
{
  SetUp *set_up = g_task_get_task_data (G_TASK (result));

  *refusal = g_steal_pointer (&set_up->refusal);
  return g_task_propagate_pointer (G_TASK (result), error);
}
