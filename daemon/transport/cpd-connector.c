/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a host to a connection: its addresses, or its proxy's, the first of them that answers (RFC
 * 8305), or a socket that the caller has connected; the proxy's consent; what is said before TLS;
 * the handshake; and the first of the two verdicts on a server: one that does not pass is told so,
 * and has no connection that anybody could use. A thread validates what a server presented. Where a
 * caller only wants to see that, the connection is closed, whatever the verdict. */

#include "config.h"

#include "daemon/transport/cpd-connector.h"

#include "daemon/transport/cpd-address.h"
#include "daemon/transport/cpd-fetch-error.h"
#include "daemon/transport/cpd-handshake.h"
#include "daemon/transport/cpd-plaintext.h"
#include "daemon/transport/cpd-proxy-tunnel.h"
#include "daemon/transport/cpd-route.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* A connection being set up; belongs to its task. */
typedef struct
{
  CpdConnectorSettings settings; /* with references of its own */
  GStrv protocols;               /* those of the settings */
  CpdLentSocket *lent;           /* is being made ready; NULL: none */
  CpdAddress *address;           /* NULL: nothing is looked up */
  GSocketAddress *tried;         /* the last address; NULL: none */
  GInetAddress *reached;         /* where data will go; NULL: not yet, or it is not known here */
  CpdPeer *through;              /* the https proxy on the way; NULL: none */
  CpdProxyTunnel *tunnel;        /* being opened; NULL: none */
  CpdPlaintext *plaintext;       /* TLS is being asked for; NULL: it is not */
  CpdHandshake *handshake;       /* under way; NULL: none */
  CpdConnection *connection;     /* NULL: its handshake is not over */
  GError *failure;               /* of the handshake; NULL: none */
  CpdJob *job;                   /* validates the server; NULL: none */
  CpdVerdict *refusal;           /* NULL: none */
  CpdValidation *validation;     /* of a look, by the system's anchors; NULL: not yet */
  gulong cancelled_id;

  /* Monotonic; 0: not yet. */
  gint64 resolving_us, resolved_us, connecting_us, handshaking_us;
} SetUp;

static void
set_up_free (gpointer data)
{
  SetUp *set_up = data;

  if (set_up->address != NULL)
    cpd_address_close (set_up->address);
  g_clear_object (&set_up->address);
  g_clear_object (&set_up->tried);
  g_clear_object (&set_up->reached);
  cpd_peer_unref (set_up->through);
  cpd_connection_free (set_up->connection);
  g_clear_error (&set_up->failure);
  cpd_verdict_unref (set_up->refusal);
  cpd_validation_unref (set_up->validation);
  g_strfreev (set_up->protocols);
  cpd_host_unref (set_up->settings.target);
  cpd_proxy_unref (set_up->settings.proxy);
  g_object_unref (set_up->settings.store);
  cpd_workers_unref (set_up->settings.workers);
  cpd_address_rules_unref (set_up->settings.rules);
  cpd_inspect_order_unref (set_up->settings.look);
  cpd_gate_leave (set_up->settings.gate);
  g_object_unref (set_up->settings.gate);
  g_free (set_up);
}

static guint64
between (gint64 from_us, gint64 to_us)
{
  return from_us != 0 && to_us > from_us ? (guint64)(to_us - from_us) : 0;
}

/* Returns: (transfer full): the same, as an error of certpin, which names the port, unless it is
 * that of HTTPS */
static GError *
map_error (const CpdConnectorSettings *settings, CpdStage stage, const GError *error)
{
  guint16 port = cpd_host_get_port (settings->target);
  GError *mapped = cpd_fetch_error_map (error, stage, cpd_host_get_name (settings->target));
  g_autofree char *message = mapped->message;

  if (g_error_matches (mapped, CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE) && port != CPD_HTTPS_PORT)
    mapped->message = g_strdup_printf ("%s (port %u)", message, port);
  else
    message = NULL;
  return mapped;
}

/* A network would not help where the address may not be used, or where the caller has connected. */
static gboolean
is_offline (SetUp *set_up, const GError *error)
{
  return set_up->settings.starttls < 0
         && !g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED)
         && cpd_route_is_offline (set_up->tried);
}

/* `error`: (transfer full) */
static void
fail (GTask *task, CpdStage stage, GError *error)
{
  SetUp *set_up = g_task_get_task_data (task);

  if (is_offline (set_up, error))
    stage = CPD_STAGE_OFFLINE;
  g_task_return_error (task, stage == CPD_STAGE_CONNECTING && set_up->settings.proxy != NULL
                                 ? cpd_proxy_tunnel_map_error (error, set_up->settings.proxy)
                                 : map_error (&set_up->settings, stage, error));
  g_error_free (error);
}

static void
note_timings (SetUp *set_up)
{
  CpdConnection *connection = set_up->connection;

  connection->resolve_us = between (set_up->resolving_us, set_up->resolved_us);
  connection->connect_us = between (set_up->connecting_us, set_up->handshaking_us);
  connection->tls_us = between (set_up->handshaking_us, g_get_monotonic_time ());
}

/* What the server presented, by a connection that is closed already.
 * Returns: (transfer full) */
static CpdInspection *
new_inspection (SetUp *set_up, CpdVerdict *verdict)
{
  const CpdConnection *connection = set_up->connection;
  CpdInspection *inspection = g_new0 (CpdInspection, 1);

  inspection->peer = cpd_peer_ref (connection->peer);
  inspection->validation = cpd_validation_ref (set_up->validation);
  inspection->verdict = cpd_verdict_ref (verdict);
  if (set_up->failure != NULL)
    inspection->failure = cpd_fetch_error_map (set_up->failure, CPD_STAGE_HANDSHAKING,
                                               cpd_host_get_name (set_up->settings.target));
  inspection->tls_version = cpd_tls_get_version (connection->tls);
  inspection->tls_cipher = cpd_tls_get_cipher (connection->tls);
  inspection->resolve_us = connection->resolve_us;
  inspection->connect_us = connection->connect_us;
  inspection->tls_us = connection->tls_us;
  return inspection;
}

/* Whatever the verdict, nobody gets the connection. One whose handshake failed is cut. */
static void
show (GTask *task, CpdVerdict *verdict)
{
  SetUp *set_up = g_task_get_task_data (task);

  if (set_up->failure == NULL)
    cpd_tls_close (set_up->connection->tls);
  else
    cpd_tls_cut (set_up->connection->tls);
  g_task_return_pointer (task, new_inspection (set_up, verdict),
                         (GDestroyNotify)cpd_inspection_free);
}

/* If the failure of a handshake may be due to the certificates, the verdict on them says more.
 * `verdict`: (transfer full) */
static void
conclude (GTask *task, CpdVerdict *verdict)
{
  SetUp *set_up = g_task_get_task_data (task);
  CpdConnection *connection = set_up->connection;
  gboolean presented = cpd_tls_get_presented (connection->tls)->len > 0;

  note_timings (set_up);
  if (set_up->failure != NULL && (!presented || (verdict->passed && set_up->settings.look == NULL)))
    fail (task, CPD_STAGE_HANDSHAKING, g_steal_pointer (&set_up->failure));
  else if (set_up->settings.look != NULL)
    show (task, verdict);
  else if (!verdict->passed)
    {
      cpd_tls_refuse (connection->tls);
      set_up->refusal = cpd_verdict_ref (verdict);
      g_task_return_error (task, cpd_verdict_to_error (verdict));
    }
  else
    {
      cpd_judge_note (set_up->settings.store, set_up->settings.owner, connection, verdict);
      g_task_return_pointer (task, g_steal_pointer (&set_up->connection),
                             (GDestroyNotify)cpd_connection_free);
    }
  cpd_verdict_unref (verdict);
}

static CpdVerdict *
ask (SetUp *set_up, CpdPeer *peer, CpdAnchors **missing)
{
  const CpdConnectorSettings *settings = &set_up->settings;

  return settings->look != NULL ? cpd_judge_presented (settings->store, settings->look, peer,
                                                       &set_up->validation, missing)
                                : cpd_judge_peer (settings->store, settings->owner, peer,
                                                  /* require_keys= */ NULL, missing);
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
  CpdVerdict *verdict = ask (set_up, peer, &missing);

  set_up->job = NULL;
  if (verdict == NULL)
    {
      const CpdValidationOrder order = { set_up->settings.owner, peer, missing, judge, task };

      set_up->job = cpd_validation_start (set_up->settings.workers, &order);
      return;
    }
  g_signal_handler_disconnect (g_task_get_cancellable (task), set_up->cancelled_id);
  conclude (task, verdict);
  g_object_unref (task);
}

static void
on_hands_shaken (CpdTls *tls, GError *failure, gpointer user_data)
{
  SetUp *set_up = g_task_get_task_data (user_data);

  set_up->handshake = NULL;
  set_up->failure = failure;
  set_up->connection = cpd_connection_new (tls, set_up->settings.target);
  set_up->connection->address = g_steal_pointer (&set_up->reached);
  set_up->connection->proxy = g_steal_pointer (&set_up->through);
  judge (user_data);
}

/* `tls`: (transfer full) */
static void
shake_hands (GTask *task, CpdTls *tls)
{
  SetUp *set_up = g_task_get_task_data (task);
  const CpdHandshakeSettings settings = { set_up->settings.workers, set_up->settings.owner,
                                          on_hands_shaken, g_object_ref (task), g_object_unref };

  set_up->handshaking_us = g_get_monotonic_time ();
  set_up->handshake = cpd_handshake_start (tls, &settings);
}

static void
on_plaintext (CpdTls *tls, GError *error, GTask *connecting)
{
  g_autoptr (GTask) task = connecting;
  SetUp *set_up = g_task_get_task_data (task);

  set_up->plaintext = NULL;
  if (tls != NULL)
    {
      shake_hands (g_steal_pointer (&task), tls);
      return;
    }
  g_signal_handler_disconnect (g_task_get_cancellable (task), set_up->cancelled_id);
  fail (task, CPD_STAGE_HANDSHAKING, error);
}

/* There is a way to the host. `task`, `tls`: (transfer full) */
static void
begin_tls (GTask *task, CpdTls *tls)
{
  SetUp *set_up = g_task_get_task_data (task);

  if (set_up->settings.protocol == CPD_STARTTLS_NONE)
    shake_hands (task, tls);
  else
    set_up->plaintext = cpd_plaintext_start (tls, set_up->settings.protocol, on_plaintext, task);
}

static void
on_tunnel (const CpdProxyTunnelOutcome *outcome, GTask *connecting)
{
  g_autoptr (GTask) task = connecting;
  SetUp *set_up = g_task_get_task_data (task);

  set_up->tunnel = NULL;
  if (outcome->tls != NULL)
    {
      set_up->through = outcome->peer != NULL ? cpd_peer_ref (outcome->peer) : NULL;
      begin_tls (g_steal_pointer (&task), outcome->tls);
      return;
    }
  g_signal_handler_disconnect (g_task_get_cancellable (task), set_up->cancelled_id);
  g_task_return_error (task, outcome->error);
}

/* `socket`: (transfer full) */
static void
open_tunnel (GTask *task, int socket)
{
  SetUp *set_up = g_task_get_task_data (task);
  const CpdProxyTunnelSettings settings = {
    .proxy = set_up->settings.proxy,
    .target = set_up->settings.target,
    .protocols = (const char *const *)set_up->protocols,
    .host_may_speak = set_up->settings.protocol != CPD_STARTTLS_NONE,
    .owner = set_up->settings.owner,
    .store = set_up->settings.store,
    .workers = set_up->settings.workers,
    .done = on_tunnel,
    .task = task,
  };

  set_up->tunnel = cpd_proxy_tunnel_open (socket, &settings);
}

/* What a thread has is given up when it comes back. */
static void
on_cancelled (GTask *task)
{
  SetUp *set_up = g_task_get_task_data (task);

  g_clear_pointer (&set_up->job, cpd_job_stop);
  g_clear_pointer (&set_up->lent, cpd_lent_socket_free);
  g_clear_pointer (&set_up->handshake, cpd_handshake_stop);
  g_clear_pointer (&set_up->plaintext, cpd_plaintext_stop);
  g_clear_pointer (&set_up->tunnel, cpd_proxy_tunnel_stop);
  g_clear_pointer (&set_up->connection, cpd_connection_free);
  g_task_return_error_if_cancelled (task);
  g_object_unref (task);
}

/* Not if it is cancelled already. `task`: with a reference for what is under way */
static void
follow_cancellable (GTask *task)
{
  SetUp *set_up = g_task_get_task_data (task);

  set_up->cancelled_id = g_signal_connect_swapped (g_task_get_cancellable (task), "cancelled",
                                                   G_CALLBACK (on_cancelled), task);
}

/* `socket`: (transfer full): connected, to the host or to its proxy. */
static void
begin (GTask *task, int socket)
{
  SetUp *set_up = g_task_get_task_data (task);

  follow_cancellable (task);
  if (set_up->settings.proxy != NULL)
    open_tunnel (g_object_ref (task), socket);
  else
    begin_tls (g_object_ref (task),
               cpd_tls_new (socket, cpd_host_get_name (set_up->settings.target),
                            (const char *const *)set_up->protocols));
}

/* Returns: FALSE with `error` set: it was closed again */
static gboolean
note_reached (SetUp *set_up, GSocketConnection *connected, GError **error)
{
  g_autoptr (GSocketAddress) address = g_socket_connection_get_remote_address (connected, error);

  if (address == NULL)
    return FALSE;
  if (set_up->settings.proxy == NULL)
    set_up->reached
        = g_object_ref (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
  return TRUE;
}

/* Returns: (transfer full): of its own: GIO closes its copy; -1 with `error` set */
static int
copy_socket (GSocketConnection *connection, GError **error)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  int copy = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);

  if (copy < 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES, g_strerror (errno));
  return copy;
}

static void
connector_on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  SetUp *set_up = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GSocketConnection) connected
      = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  int socket = -1;

  if (connected != NULL && note_reached (set_up, connected, &error))
    socket = copy_socket (connected, &error);
  if (socket < 0)
    fail (task, CPD_STAGE_CONNECTING, error);
  else if (g_task_return_error_if_cancelled (task))
    g_close (socket, NULL);
  else
    begin (task, socket);
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

/* Whether data may go to where it would. */
static gboolean
check_reached (SetUp *set_up, GError **error)
{
  const CpdConnectorSettings *settings = &set_up->settings;

  return cpd_judge_address (settings->store, settings->owner, settings->target, settings->rules,
                            set_up->reached, error);
}

/* What a proxy looks up is not known here, so that only an address in the place of a name can be
 * judged. */
static gboolean
check_literal (SetUp *set_up, GError **error)
{
  set_up->reached = g_inet_address_new_from_string (cpd_host_get_name (set_up->settings.target));
  return check_reached (set_up, error);
}

/* A name that goes through a proxy is not looked up here. The administrator named the proxy: only
 * link-local addresses of it are refused, which no rule has to say.
 * Returns: (transfer full) */
static CpdAddress *
find_address (const CpdConnectorSettings *settings)
{
  g_autoptr (CpdAddressRules) none = cpd_address_rules_new ();
  CpdAddressSettings address_settings = {
    .name = cpd_host_get_name (settings->target),
    .port = cpd_host_get_port (settings->target),
    .target = settings->target,
    .owner = settings->owner,
    .store = settings->store,
    .rules = settings->rules,
  };

  if (settings->proxy != NULL)
    {
      address_settings.name = settings->proxy->name;
      address_settings.port = settings->proxy->port;
      address_settings.rules = none;
    }
  return cpd_address_new (&address_settings);
}

static void
connect_to_host (GTask *task)
{
  SetUp *set_up = g_task_get_task_data (task);
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  set_up->address = find_address (&set_up->settings);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_signal_connect_object (client, "event", G_CALLBACK (on_event), task, 0);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (set_up->address),
                                 g_task_get_cancellable (task), connector_on_connected,
                                 g_object_ref (task));
}

/* Whether a handshake may begin on the caller's socket.
 * `error`: of making it ready; set in place of that */
static gboolean
check_lent (SetUp *set_up, GError **error)
{
  GInetAddress *address = cpd_lent_socket_get_address (set_up->lent);

  if (*error != NULL)
    return FALSE;
  set_up->reached = address != NULL ? g_object_ref (address) : NULL;
  return check_reached (set_up, error);
}

static void
on_lent (GError *failure, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  SetUp *set_up = g_task_get_task_data (task);
  GError *error = failure;

  if (check_lent (set_up, &error))
    {
      CpdTls *tls = cpd_tls_new_lent (g_steal_pointer (&set_up->lent),
                                      cpd_host_get_name (set_up->settings.target),
                                      (const char *const *)set_up->protocols);

      begin_tls (g_steal_pointer (&task), tls);
      return;
    }
  g_signal_handler_disconnect (g_task_get_cancellable (task), set_up->cancelled_id);
  g_clear_pointer (&set_up->lent, cpd_lent_socket_free);
  fail (task, CPD_STAGE_HANDSHAKING, error);
}

/* The caller has connected, and said STARTTLS in whatever way its protocol has. */
static void
take_over (GTask *task)
{
  SetUp *set_up = g_task_get_task_data (task);
  const CpdLentSocketSettings settings
      = { set_up->settings.starttls, set_up->settings.apart, on_lent, task };
  GError *error = NULL;

  set_up->lent = cpd_lent_socket_new (&settings, &error);
  if (set_up->lent == NULL)
    fail (task, CPD_STAGE_HANDSHAKING, error);
  else
    follow_cancellable (g_object_ref (task));
}

/* Returns: (transfer full): with references of its own to all that it needs */
static SetUp *
new_set_up (const CpdConnectorSettings *settings)
{
  SetUp *set_up = g_new0 (SetUp, 1);

  set_up->settings = *settings;
  set_up->protocols = g_strdupv ((GStrv)settings->protocols);
  cpd_host_ref (settings->target);
  cpd_proxy_ref (settings->proxy);
  g_object_ref (settings->store);
  g_object_ref (settings->gate);
  cpd_workers_ref (settings->workers);
  cpd_address_rules_ref (settings->rules);
  if (settings->look != NULL)
    cpd_inspect_order_ref (settings->look);
  return set_up;
}

static void
start (GTask *task)
{
  SetUp *set_up = g_task_get_task_data (task);
  GError *error = NULL;

  if (set_up->settings.starttls >= 0)
    take_over (task);
  else if (set_up->settings.proxy != NULL && !check_literal (set_up, &error))
    fail (task, CPD_STAGE_HANDSHAKING, error);
  else
    connect_to_host (task);
}

/* The gate was entered for this; it is left when the connection is set up, or really given up.
 * `cancellable`: ends it at once, but for a look-up of a name, which cannot be stopped. */
void
cpd_connector_connect_async (const CpdConnectorSettings *settings, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, cpd_connector_connect_async);
  g_task_set_task_data (task, new_set_up (settings), set_up_free);
  start (task);
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

/* Likewise, but nobody gets the connection: it is closed after the handshake. `settings`: with a
 * look */
void
cpd_connector_inspect_async (const CpdConnectorSettings *settings, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, cpd_connector_inspect_async);
  g_task_set_task_data (task, new_set_up (settings), set_up_free);
  start (task);
}

/* Errors: CERTPIN_ERROR alone, or G_IO_ERROR_CANCELLED; for a server that presented anything,
 * neither.
 * Returns: (transfer full): what the server presented; NULL with `error` set */
CpdInspection *
cpd_connector_inspect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
