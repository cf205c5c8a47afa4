/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One GnuTLS session on a socket, driven by the main loop.
 *
 * No session is ever resumed: a resumed one shows no certificate of its own, so nothing could be
 * judged. No data is kept of one, and no other is started from it. There is one handshake: a server
 * that asks for another gets none (in TLS 1.3 there is none to ask for; RFC 9113, section 9.2.1,
 * forbids it in TLS 1.2 too).
 *
 * In one iteration of the main loop only so much is taken from the socket. What is no data, such as
 * tickets, GnuTLS reads on its own, for as long as there is more; a server may send it without
 * end. */

#include "config.h"

#include "daemon/transport/cpd-tls.h"

#include "daemon/transport/cpd-ahead.h"
#include "daemon/transport/cpd-presented.h"
#include "daemon/transport/cpd-route.h"

#include <gnutls/gnutls.h>

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* In place of what the system's policy allows at most: no version before 1.2. */
#define PRIORITY "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS"

/* An idle connection is probed after two minutes, and lost two minutes later. */
#define PROBE_IDLE_S     120
#define PROBE_INTERVAL_S 30
#define PROBE_COUNT      4

/* In place of CPD_TLS_SHARE_BYTES. */
#define MUCH_BYTES (128 * 1024)

struct _CpdTls
{
  int fd; /* -1: closed */
  gnutls_session_t session;
  gnutls_certificate_credentials_t credentials;
  GStrv protocols;      /* that are offered; NULL: none */
  GPtrArray *presented; /* of GBytes: the server's certificates as it sent them */
  GByteArray *unsent;   /* what GnuTLS wrote and the socket has not taken */
  int failure;          /* what the kernel said of the network; 0: nothing */

  gboolean held; /* no byte of data moves */

  gboolean much;   /* data is moved in large pieces */
  gboolean corked; /* nothing is written yet */
  CpdAhead ahead;  /* what GnuTLS has not read yet */

  GSource *source;                 /* watches the socket */
  gpointer tag;                    /* NULL: nothing is waited for */
  GIOCondition condition, watched; /* what is wanted, and what the tag is for */
  CpdTlsReadyFunc ready;
  gpointer user_data;

  gint64 iteration_us; /* the main loop's time when something was last read */
  gsize taken;         /* in that iteration, or in one step of the handshake */
  gboolean shaking;    /* in a step of the handshake, on whatever thread */
  gboolean ended;      /* the socket: nothing more comes */
};

/* Returns: how many of `count` bytes may be read in this iteration, or in this step of the
 * handshake */
static gsize
share_left (CpdTls *tls, gsize count)
{
  GSource *current = g_main_current_source ();
  gint64 iteration_us = current != NULL ? g_source_get_time (current) : g_get_monotonic_time ();

  if (iteration_us != tls->iteration_us && !tls->shaking)
    tls->taken = 0;
  tls->iteration_us = iteration_us;
  return MIN (count, MAX (tls->much ? MUCH_BYTES : CPD_TLS_SHARE_BYTES, tls->taken) - tls->taken);
}

/* A server that resets the connection is no failure of the network. */
static ssize_t
note_failure (CpdTls *tls, ssize_t length)
{
  if (length < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNRESET && errno != EPIPE
      && tls->failure == 0)
    tls->failure = errno;
  return length;
}

/* Returns: as recv () */
static ssize_t
read_socket (CpdTls *tls, void *buffer, gsize size)
{
  ssize_t length;

  if (!tls->much)
    return recv (tls->fd, buffer, size, MSG_DONTWAIT);
  length = cpd_ahead_fill (&tls->ahead, tls->fd);
  if (length <= 0)
    return length;
  return (ssize_t)cpd_ahead_take (&tls->ahead, buffer, size);
}

static ssize_t
pull (gnutls_transport_ptr_t transport, void *buffer, size_t count)
{
  CpdTls *tls = transport;
  gsize share;
  ssize_t length;

  if (!cpd_ahead_is_empty (&tls->ahead))
    return (ssize_t)cpd_ahead_take (&tls->ahead, buffer, count);
  share = share_left (tls, count);
  if (share == 0)
    {
      errno = EAGAIN;
      return -1;
    }
  length = note_failure (tls, read_socket (tls, buffer, share));
  if (length > 0)
    tls->taken += (gsize)length + tls->ahead.end - tls->ahead.begin;
  tls->ended = length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
  return length;
}

/* Takes everything: GnuTLS loses count of a record that is written in parts if the server asks for
 * new keys in between (RFC 8446, section 4.6.3). Only one record and what goes with it is kept,
 * since nothing more is sent before that is gone; or one
 * piece of much data. */
static ssize_t
push (gnutls_transport_ptr_t transport, const giovec_t *vectors, int count)
{
  CpdTls *tls = transport;
  const struct msghdr message = { .msg_iov = (struct iovec *)vectors, .msg_iovlen = (size_t)count };
  gsize taken = 0, all = 0;

  if (tls->unsent->len == 0 && !tls->corked)
    {
      ssize_t length = note_failure (tls, sendmsg (tls->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));

      if (length < 0 && errno != EAGAIN && errno != EINTR)
        return -1;
      taken = (gsize)MAX (length, 0);
    }
  for (int i = 0; i < count; i++)
    {
      gsize skipped = CLAMP (taken, all, all + vectors[i].iov_len) - all;

      g_byte_array_append (tls->unsent, (const guint8 *)vectors[i].iov_base + skipped,
                           (unsigned int)(vectors[i].iov_len - skipped));
      all += vectors[i].iov_len;
    }
  return (ssize_t)all;
}

/* Whether something was read already, of which the socket does not tell. */
static gboolean
is_pending (CpdTls *tls)
{
  return gnutls_record_check_pending (tls->session) > 0 || !cpd_ahead_is_empty (&tls->ahead);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  CpdTls *tls = user_data;

  g_source_set_ready_time (source, -1);
  tls->ahead.drained = FALSE;
  if (tls->tag != NULL)          /* nobody has stopped watching since it became ready */
    tls->ready (tls->user_data); /* which may be the end of it */
  return G_SOURCE_CONTINUE;
}

static GSource *
new_source (CpdTls *tls)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_static_name (source, "a TLS connection");
  /* Otherwise GLib stops polling for each dispatch, and wakes itself up twice. */
  g_source_set_can_recurse (source, TRUE);
  /* Only its data counts: `dispatch` needs no callback. */
  g_source_set_callback (source, G_SOURCE_FUNC (dispatch), tls, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* GnuTLS gives up on a message that it cannot read, and would say nothing of what was in it. */
static int
take_presented (gnutls_session_t session, unsigned int type, unsigned int when,
                unsigned int incoming, const gnutls_datum_t *message)
{
  CpdTls *tls = gnutls_session_get_ptr (session);
  gboolean is_1_3 = gnutls_protocol_get_version (session) == GNUTLS_TLS1_3;

  if (incoming)
    cpd_presented_read (message->data, message->size, is_1_3, tls->presented);
  return GNUTLS_E_SUCCESS;
}

/* RFC 7301 */
static void
offer_protocols (CpdTls *tls)
{
  unsigned int count = tls->protocols != NULL ? g_strv_length (tls->protocols) : 0;
  g_autofree gnutls_datum_t *names = g_new (gnutls_datum_t, count);

  for (unsigned int i = 0; i < count; i++)
    names[i] = (gnutls_datum_t){ (unsigned char *)tls->protocols[i],
                                 (unsigned int)strlen (tls->protocols[i]) };
  if (count > 0)
    gnutls_alpn_set_protocols (tls->session, names, count, 0);
}

static void
set_up_session (CpdTls *tls, const char *name)
{
  gnutls_certificate_allocate_credentials (&tls->credentials);
  gnutls_init (&tls->session,
               GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);
  gnutls_set_default_priority_append (tls->session, PRIORITY, NULL, 0);
  gnutls_credentials_set (tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
  if (!g_hostname_is_ip_address (name)) /* RFC 6066, section 3 */
    gnutls_server_name_set (tls->session, GNUTLS_NAME_DNS, name, strlen (name));
  offer_protocols (tls);
  gnutls_session_set_ptr (tls->session, tls);
  gnutls_handshake_set_hook_function (tls->session, GNUTLS_HANDSHAKE_CERTIFICATE_PKT,
                                      GNUTLS_HOOK_PRE, take_presented);
  gnutls_transport_set_ptr (tls->session, tls);
  gnutls_transport_set_pull_function (tls->session, pull);
  gnutls_transport_set_vec_push_function (tls->session, push);
}

/* `socket`: (transfer full): a connected one, which others may share. Whether it blocks does not
 * matter. `name`: canonical: a host's name or address. `protocols`: (nullable): what is offered.
 * Returns: (transfer full) */
CpdTls *
cpd_tls_new (int socket, const char *name, const char *const *protocols)
{
  CpdTls *tls = g_new0 (CpdTls, 1);

  tls->fd = socket;
  tls->protocols = g_strdupv ((GStrv)protocols);
  tls->source = new_source (tls);
  tls->presented = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  tls->unsent = g_byte_array_new ();
  set_up_session (tls, name);
  return tls;
}

/* Cuts a connection that was not closed.
 * `tls`: (nullable) */
void
cpd_tls_free (CpdTls *tls)
{
  if (tls == NULL)
    return;
  cpd_tls_cut (tls);
  gnutls_deinit (tls->session);
  gnutls_certificate_free_credentials (tls->credentials);
  g_ptr_array_unref (tls->presented);
  g_byte_array_unref (tls->unsent);
  cpd_ahead_clear (&tls->ahead);
  g_strfreev (tls->protocols);
  g_free (tls);
}

static gboolean
would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "not at once");
  return FALSE;
}

static gboolean
is_would_block (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static void
set_alert_error (CpdTls *tls, GError **error)
{
  const char *name = gnutls_alert_get_strname (gnutls_alert_get (tls->session));

  g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, "it sent the alert ‘%s’",
               name != NULL ? name : "unknown");
}

static void
set_end_error (CpdTls *tls, GError **error)
{
  if (tls->failure == 0)
    g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_EOF, "it closed the connection");
  else if (tls->failure == ENETRESET)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE,
                         "this machine has left the network of the connection");
  else
    g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (tls->failure),
                 "the network failed: %s", g_strerror (tls->failure));
}

/* Warnings and the like end nothing. Returns: FALSE */
static gboolean
set_error (CpdTls *tls, int code, GError **error)
{
  /* GnuTLS calls a record that was cut malformed. */
  if (code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH && tls->ended)
    code = GNUTLS_E_PREMATURE_TERMINATION;
  switch (code)
    {
    case GNUTLS_E_AGAIN:
    case GNUTLS_E_INTERRUPTED:
    case GNUTLS_E_WARNING_ALERT_RECEIVED:
      return would_block (error);
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
      set_alert_error (tls, error);
      return FALSE;
    case GNUTLS_E_REHANDSHAKE:
      g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE,
                           "renegotiation is not accepted");
      return FALSE;
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
      set_end_error (tls, error);
      return FALSE;
    default:
      g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_MISC, gnutls_strerror (code));
      return FALSE;
    }
}

static gboolean
check_protocol (CpdTls *tls, GError **error)
{
  g_autofree char *chosen = cpd_tls_dup_protocol (tls);

  if (chosen == NULL
      || (tls->protocols != NULL && g_strv_contains ((const char *const *)tls->protocols, chosen)))
    return TRUE;
  g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE,
                       "it chose a protocol that was not offered");
  return FALSE;
}

/* Returns: whether the socket has taken all that was sent */
static gboolean
flush (CpdTls *tls, GError **error)
{
  while (tls->unsent->len > 0)
    {
      ssize_t length
          = send (tls->fd, tls->unsent->data, tls->unsent->len, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (length < 0)
        return set_error (
            tls, errno == EAGAIN || errno == EINTR ? GNUTLS_E_AGAIN : GNUTLS_E_PUSH_ERROR, error);
      g_byte_array_remove_range (tls->unsent, 0, (unsigned int)length);
    }
  return TRUE;
}

/* Goes on with the handshake. Any thread may do that, while no other has the connection.
 * `waits_for`: (out): what the socket must be ready for, where it would block.
 * Returns: whether it is complete; what the server presented is not judged */
gboolean
cpd_tls_handshake (CpdTls *tls, GIOCondition *waits_for, GError **error)
{
  int code;

  *waits_for = G_IO_OUT;
  if (!flush (tls, error))
    return FALSE;
  tls->shaking = TRUE;
  tls->taken = 0;
  code = gnutls_handshake (tls->session);
  tls->shaking = FALSE;
  if (code == GNUTLS_E_SUCCESS)
    return check_protocol (tls, error);
  *waits_for = tls->unsent->len > 0 ? G_IO_OUT : G_IO_IN;
  return set_error (tls, code, error);
}

/* Returns: (transfer none): of GBytes: the server's certificates as it sent them, also where the
 * handshake failed over them */
GPtrArray *
cpd_tls_get_presented (CpdTls *tls)
{
  return tls->presented;
}

/* Returns: (transfer full) (nullable): the OCSP response of the server's own certificate as it was
 * stapled in the handshake; NULL: none */
GBytes *
cpd_tls_dup_stapled (CpdTls *tls)
{
  gnutls_datum_t response = { NULL, 0 };

  if (gnutls_ocsp_status_request_get2 (tls->session, 0, &response) < 0 || response.size == 0)
    return NULL;
  return g_bytes_new (response.data, response.size);
}

const char *
cpd_tls_get_version (CpdTls *tls)
{
  return gnutls_protocol_get_version (tls->session) == GNUTLS_TLS1_3 ? "1.3" : "1.2";
}

/* Returns: by IANA's name */
const char *
cpd_tls_get_cipher (CpdTls *tls)
{
  return gnutls_ciphersuite_get (tls->session);
}

/* Returns: (transfer full) (nullable): the application protocol that the server chose; NULL: none,
 * which it may do (RFC 7301, section 3.2) */
char *
cpd_tls_dup_protocol (CpdTls *tls)
{
  gnutls_datum_t chosen;

  if (gnutls_alpn_get_selected_protocol (tls->session, &chosen) != GNUTLS_E_SUCCESS)
    return NULL;
  return g_strndup ((const char *)chosen.data, chosen.size);
}

static void
stop_watching (CpdTls *tls)
{
  if (tls->tag != NULL)
    g_source_remove_unix_fd (tls->source, tls->tag);
  tls->tag = NULL;
  g_source_set_ready_time (tls->source, -1);
}

static void
start_watching (CpdTls *tls)
{
  if (tls->tag == NULL)
    tls->tag = g_source_add_unix_fd (tls->source, tls->fd, tls->condition);
  else if (tls->condition != tls->watched)
    g_source_modify_unix_fd (tls->source, tls->tag, tls->condition);
  tls->watched = tls->condition;
  g_source_set_ready_time (tls->source,
                           (tls->condition & G_IO_IN) != 0 && is_pending (tls) ? 0 : -1);
}

static void
update_watch (CpdTls *tls)
{
  if (tls->source == NULL)
    return;
  if (tls->condition == 0 || tls->held)
    stop_watching (tls);
  else
    start_watching (tls);
}

/* From now on `ready` is called, again and again, while the connection is ready for one of these.
 * `condition`: 0: never. */
void
cpd_tls_watch (CpdTls *tls, GIOCondition condition, CpdTlsReadyFunc ready, gpointer user_data)
{
  tls->ready = ready;
  tls->user_data = user_data;
  tls->condition = condition;
  update_watch (tls);
}

/* While it is held, nothing can be received or sent, and it is ready for nothing, whoever watches
 * it. Then it goes on where it was. */
void
cpd_tls_hold (CpdTls *tls, gboolean held)
{
  tls->held = held;
  update_watch (tls);
}

/* Returns: how many bytes were read; 0: the server has ended TLS; -1 with `error` set: nothing was
 * read, or the connection is broken */
gssize
cpd_tls_receive (CpdTls *tls, void *buffer, gsize size, GError **error)
{
  gssize length = tls->held ? GNUTLS_E_AGAIN : gnutls_record_recv (tls->session, buffer, size);

  if (length >= 0)
    return length;
  set_error (tls, (int)length, error);
  return -1;
}

/* Where the socket has not taken all yet, the next call goes on with that first, also one without
 * data.
 * Returns: how many bytes were sent, or -1 with `error` set */
gssize
cpd_tls_send (CpdTls *tls, const void *data, gsize size, GError **error)
{
  gssize length;

  if (tls->held)
    {
      would_block (error);
      return -1;
    }
  if (!flush (tls, error))
    return -1;
  if (size == 0)
    return 0;
  length = gnutls_record_send (tls->session, data, size);
  if (length >= 0)
    return length;
  set_error (tls, (int)length, error);
  return -1;
}

/* From now on, much data goes over it: it is read ahead, and more of it in one iteration of the
 * main loop. */
void
cpd_tls_expect_much (CpdTls *tls)
{
  tls->much = TRUE;
}

/* All of it, in as many records as it takes, but written at once. Only where nothing is unsent.
 * Returns: FALSE with `error` set: the connection is broken */
gboolean
cpd_tls_send_much (CpdTls *tls, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GError) reason = NULL;
  gssize length = 1;

  tls->corked = TRUE;
  for (; size > 0 && length > 0; data += length, size -= (gsize)length)
    {
      length = gnutls_record_send (tls->session, data, size);
      if (length < 0)
        set_error (tls, (int)length, &reason);
      length = MAX (length, 0);
    }
  tls->corked = FALSE;
  if (reason == NULL && (flush (tls, &reason) || is_would_block (reason)))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* Whether the socket has not taken all that was sent. */
gboolean
cpd_tls_has_unsent (CpdTls *tls)
{
  return tls->unsent->len > 0;
}

/* Ends this direction of TLS; the other one goes on (RFC 8446, section 6.1). Nothing may be sent
 * from here on, except what is unsent. */
void
cpd_tls_end_sending (CpdTls *tls)
{
  if (tls->fd != -1)
    gnutls_bye (tls->session, GNUTLS_SHUT_WR);
}

/* For how long what was sent may stay unacknowledged, as it does where nobody is left at the other
 * end. `limit_ms`: 0: as long as the kernel goes on */
void
cpd_tls_limit_silence (CpdTls *tls, unsigned int limit_ms)
{
  setsockopt (tls->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
}

/* While nothing is sent, the other end is asked from time to time whether it is still there. */
void
cpd_tls_probe_silence (CpdTls *tls)
{
  const int on = 1, idle_s = PROBE_IDLE_S, interval_s = PROBE_INTERVAL_S, count = PROBE_COUNT;

  setsockopt (tls->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt (tls->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt (tls->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt (tls->fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

/* The networks of this machine have changed: if this connection was on one that has gone, whoever
 * waits for it is told. What has arrived before can still be read. */
void
cpd_tls_check_network (CpdTls *tls)
{
  if (tls->source == NULL || !cpd_route_is_lost (tls->fd))
    return;
  tls->failure = ENETRESET;
  shutdown (tls->fd, SHUT_RDWR);
}

/* Also for others that share the socket. */
static void
end (CpdTls *tls)
{
  if (tls->source == NULL)
    return;
  g_source_destroy (tls->source);
  g_clear_pointer (&tls->source, g_source_unref);
  shutdown (tls->fd, SHUT_RDWR);
  g_close (tls->fd, NULL);
  tls->fd = -1;
}

/* The server's certificate is not accepted: it is told so, if it can be told at once. */
void
cpd_tls_refuse (CpdTls *tls)
{
  if (tls->source != NULL)
    gnutls_alert_send (tls->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
  end (tls);
}

/* The server is told, if it can be told at once. */
void
cpd_tls_close (CpdTls *tls)
{
  if (tls->source != NULL)
    gnutls_bye (tls->session, GNUTLS_SHUT_WR);
  end (tls);
}

/* Not another byte leaves, not even what the kernel holds. */
void
cpd_tls_cut (CpdTls *tls)
{
  const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

  /* A TCP socket resets its connection, even if others share it. */
  if (tls->source != NULL)
    connect (tls->fd, &nowhere, sizeof nowhere);
  end (tls);
}
