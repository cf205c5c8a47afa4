/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One GnuTLS session on a socket, driven by the main loop; or over another session on that socket,
 * which is with a proxy.
 *
 * No session is ever resumed: a resumed one shows no certificate of its own, so nothing could be
 * judged. No data is kept of one, and no other is started from it. There is one handshake: a server
 * that asks for another gets none (in TLS 1.3 there is none to ask for; RFC 9113, section 9.2.1,
 * forbids it in TLS 1.2 too). */

#include "config.h"

#include "daemon/transport/cpd-tls.h"

#include "daemon/core/trust/cpd-certificate.h"
#include "daemon/transport/cpd-presented.h"
#include "daemon/transport/cpd-silence.h"
#include "daemon/transport/cpd-tls-alert.h"
#include "daemon/transport/cpd-tls-parameters.h"
#include "daemon/transport/cpd-tls-socket.h"

#include <gnutls/gnutls.h>

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

struct _CpdTls
{
  CpdTlsSocket socket;
  CpdTls *below; /* the session that carries this one; NULL: none */
  gnutls_session_t session;
  GStrv protocols;         /* that are offered; NULL: none */
  GPtrArray *presented;    /* of GBytes: the server's certificates as it sent them */
  gboolean held;           /* no byte of data moves */
  gboolean alerted;        /* the server has ended it by an alert */
  unsigned int silence_ms; /* the kernel's limit; 0: its own */
  CpdTraffic traffic;      /* that nobody has taken yet */

  GSource *source;                 /* watches the socket */
  gpointer tag;                    /* NULL: the socket is not polled */
  gboolean dispatched;             /* right now, by `source` */
  gboolean due;                    /* in the next iteration, whatever the socket says */
  GIOCondition condition, watched; /* what is wanted, and what the tag is for */
  CpdTlsReadyFunc ready;
  gpointer user_data;
};

static gboolean
is_watched (const CpdTls *tls)
{
  return tls->condition != 0 && !tls->held;
}

/* For each change of the time, GLib wakes itself up, with two system calls. In a dispatch, only the
 * last word counts, which is mostly that of the dispatch before. */
static void
set_due (CpdTls *tls, gboolean due)
{
  tls->due = due;
  if (!tls->dispatched)
    g_source_set_ready_time (tls->source, due ? 0 : -1);
}

static void
tell_ready (CpdTls *tls, GSource *source)
{
  cpd_tls_socket_note_ready (&tls->socket);
  tls->dispatched = TRUE;
  tls->due = FALSE;
  tls->ready (tls->user_data);
  if (g_source_is_destroyed (source)) /* that was the end of it */
    return;
  tls->dispatched = FALSE;
  set_due (tls, tls->due);
}

/* Where nobody watches any more, the descriptor goes only now: for each that comes or goes, GLib
 * wakes itself up, and most connections are watched again soon. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  CpdTls *tls = user_data;

  if (is_watched (tls))
    tell_ready (tls, source);
  else
    {
      set_due (tls, FALSE);
      if (tls->tag != NULL)
        g_source_remove_unix_fd (source, g_steal_pointer (&tls->tag));
    }
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

/* The key of the server's own certificate is used before anybody has judged it: it verifies a
 * signature or, in TLS 1.2, encrypts, with a size that the server chose. GnuTLS sets no limit. */
static gboolean
is_usable_in_time (GPtrArray *presented)
{
  g_autoptr (CpdCertificate) own
      = presented->len > 0 ? cpd_certificate_new (presented->pdata[0], NULL) : NULL;

  return own != NULL && cpd_certificate_verifies_in_time (own);
}

/* GnuTLS gives up on a message that it cannot read, and would say nothing of what was in it. */
static int
on_certificates (gnutls_session_t session, unsigned int type, unsigned int when,
                 unsigned int incoming, const gnutls_datum_t *message)
{
  CpdTls *tls = gnutls_session_get_ptr (session);
  gboolean is_1_3 = gnutls_protocol_get_version (session) == GNUTLS_TLS1_3;

  if (!incoming)
    return GNUTLS_E_SUCCESS;
  cpd_presented_read (message->data, message->size, is_1_3, tls->presented);
  return is_usable_in_time (tls->presented) ? GNUTLS_E_SUCCESS : GNUTLS_E_CERTIFICATE_ERROR;
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
  gnutls_init (&tls->session,
               GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);
  cpd_tls_parameters_set (tls->session);
  if (!g_hostname_is_ip_address (name)) /* RFC 6066, section 3 */
    gnutls_server_name_set (tls->session, GNUTLS_NAME_DNS, name, strlen (name));
  offer_protocols (tls);
  gnutls_session_set_ptr (tls->session, tls);
  gnutls_handshake_set_hook_function (tls->session, GNUTLS_HANDSHAKE_CERTIFICATE_PKT,
                                      GNUTLS_HOOK_PRE, on_certificates);
  cpd_tls_socket_carry (&tls->socket, tls->session);
}

static CpdTls *
new_tls (int fd, CpdTls *below, const char *name, const char *const *protocols)
{
  CpdTls *tls = g_new0 (CpdTls, 1);

  tls->below = below;
  cpd_tls_socket_init (&tls->socket, fd, below != NULL ? &below->socket : NULL);
  tls->protocols = g_strdupv ((GStrv)protocols);
  tls->source = new_source (tls);
  tls->presented = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  set_up_session (tls, name);
  return tls;
}

/* `socket`: (transfer full): a connected one. Whether it blocks does not matter. `name`:
 * canonical: a host's name or address. `protocols`: (nullable): what is offered.
 * Returns: (transfer full) */
CpdTls *
cpd_tls_new (int socket, const char *name, const char *const *protocols)
{
  return new_tls (socket, /* below= */ NULL, name, protocols);
}

/* `lent`: (transfer full): that is ready. `name`, `protocols`: likewise.
 * Returns: (transfer full) */
CpdTls *
cpd_tls_new_lent (CpdLentSocket *lent, const char *name, const char *const *protocols)
{
  CpdTls *tls = cpd_tls_new (cpd_lent_socket_get_fd (lent), name, protocols);

  tls->socket.lent = lent;
  return tls;
}

/* `below`: (transfer full): a session that is set up, with a proxy that connects it to the host.
 * `name`, `protocols`: likewise.
 * Returns: (transfer full) */
CpdTls *
cpd_tls_new_over (CpdTls *below, const char *name, const char *const *protocols)
{
  cpd_tls_watch (below, 0, NULL, NULL);
  return new_tls (below->socket.fd, below, name, protocols);
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
  g_ptr_array_unref (tls->presented);
  g_strfreev (tls->protocols);
  cpd_tls_socket_clear (&tls->socket);
  cpd_tls_free (tls->below);
  g_free (tls);
}

static gboolean
would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "not at once");
  return FALSE;
}

static void
set_end_error (CpdTls *tls, GError **error)
{
  if (tls->socket.failure == 0)
    g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_EOF, "it closed the connection");
  else if (tls->socket.failure == ENETRESET)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE,
                         "this machine has left the network of the connection");
  else
    g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (tls->socket.failure),
                 "the network failed: %s", g_strerror (tls->socket.failure));
}

/* Warnings and the like end nothing. Returns: FALSE */
static gboolean
set_error (CpdTls *tls, int code, GError **error)
{
  /* GnuTLS calls a record that was cut malformed. */
  if (code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH && tls->socket.ended)
    code = GNUTLS_E_PREMATURE_TERMINATION;
  switch (code)
    {
    case GNUTLS_E_AGAIN:
    case GNUTLS_E_INTERRUPTED:
    case GNUTLS_E_WARNING_ALERT_RECEIVED:
      return would_block (error);
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
      tls->alerted = TRUE;
      return cpd_tls_alert_set_error (tls->session, error);
    case GNUTLS_E_REHANDSHAKE:
      g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE,
                           "renegotiation is not accepted");
      return FALSE;
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
      set_end_error (tls, error);
      return FALSE;
    case GNUTLS_E_UNEXPECTED_PACKET:
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
      g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_NOT_TLS, "what it sent is not TLS");
      return FALSE;
    default:
      g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_MISC, gnutls_strerror (code));
      return FALSE;
    }
}

/* Returns: FALSE */
static gboolean
set_flush_error (CpdTls *tls, GError **error)
{
  return set_error (tls, errno == EAGAIN ? GNUTLS_E_AGAIN : GNUTLS_E_PUSH_ERROR, error);
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

/* Goes on with the handshake. Any thread may do that, while no other has the connection.
 * `waits_for`: (out): what the socket must be ready for, where it would block.
 * Returns: whether it is complete; what the server presented is not judged */
gboolean
cpd_tls_handshake (CpdTls *tls, GIOCondition *waits_for, GError **error)
{
  int code;

  *waits_for = G_IO_OUT;
  if (!cpd_tls_socket_flush (&tls->socket))
    return set_flush_error (tls, error);
  cpd_tls_socket_set_shaking (&tls->socket, TRUE);
  code = gnutls_handshake (tls->session);
  cpd_tls_socket_set_shaking (&tls->socket, FALSE);
  if (code == GNUTLS_E_SUCCESS)
    return check_protocol (tls, error);
  *waits_for = cpd_tls_has_unsent (tls) ? G_IO_OUT : G_IO_IN;
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
start_watching (CpdTls *tls)
{
  if (tls->tag == NULL)
    tls->tag = g_source_add_unix_fd (tls->source, tls->socket.fd, tls->condition);
  else if (tls->condition != tls->watched)
    g_source_modify_unix_fd (tls->source, tls->tag, tls->condition);
  tls->watched = tls->condition;
  set_due (tls, (tls->condition & G_IO_IN) != 0 && cpd_tls_socket_has_pending (&tls->socket));
}

static void
update_watch (CpdTls *tls)
{
  if (tls->source == NULL)
    return;
  if (is_watched (tls))
    start_watching (tls);
  else
    set_due (tls, FALSE);
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

/* `length`: what GnuTLS says. Returns: as cpd_tls_receive () */
static gssize
note_received (CpdTls *tls, gssize length, GError **error)
{
  /* GnuTLS gives up for now after what is no data, and the socket does not tell what is below. */
  if (tls->below != NULL && is_watched (tls) && cpd_tls_socket_has_pending (&tls->socket))
    set_due (tls, TRUE);
  if (length >= 0)
    {
      tls->traffic.received += (guint64)length;
      return length;
    }
  set_error (tls, (int)length, error);
  return -1;
}

/* Returns: how many bytes were read; 0: the server has ended TLS; -1 with `error` set: nothing was
 * read, or the connection is broken */
gssize
cpd_tls_receive (CpdTls *tls, void *buffer, gsize size, GError **error)
{
  return note_received (
      tls, tls->held ? GNUTLS_E_AGAIN : gnutls_record_recv (tls->session, buffer, size), error);
}

/* As cpd_tls_receive (), but what is read is a record that is added to these, which have room. */
gssize
cpd_tls_receive_record (CpdTls *tls, CpdRecords *records, GError **error)
{
  gnutls_packet_t packet = NULL;
  gssize length = tls->held ? GNUTLS_E_AGAIN : gnutls_record_recv_packet (tls->session, &packet);

  if (length > 0)
    cpd_records_add (records, packet);
  else if (packet != NULL)
    gnutls_packet_deinit (packet);
  return note_received (tls, length, error);
}

/* Before the handshake: what is to be sent in plaintext. cpd_tls_send () without data sends it. */
void
cpd_tls_add_plaintext (CpdTls *tls, GBytes *data)
{
  g_byte_array_append (tls->socket.unsent, g_bytes_get_data (data, NULL),
                       (unsigned int)g_bytes_get_size (data));
}

/* Before the handshake. Returns: how many bytes were read; 0: no more come; -1 with `error` set */
gssize
cpd_tls_receive_plaintext (CpdTls *tls, void *buffer, gsize size, GError **error)
{
  gssize length = cpd_tls_socket_receive (&tls->socket, buffer, size);

  if (length < 0)
    g_set_error_literal (
        error, G_IO_ERROR,
        (int)(errno == EINTR ? G_IO_ERROR_WOULD_BLOCK : g_io_error_from_errno (errno)),
        g_strerror (errno));
  return length;
}

/* `all`: also what the socket does not take, written at once.
 * Returns: how many bytes were sent; -1 with `error` set: the connection is broken */
static gssize
send_records (CpdTls *tls, const guint8 *data, gsize size, gboolean all, GError **error)
{
  gsize sent = 0;
  gssize length = 0;

  while (length >= 0 && sent < size && (all || !cpd_tls_has_unsent (tls)))
    {
      tls->socket.more = size - sent > CPD_RECORD_MAX_BYTES;
      tls->socket.corked = all && tls->socket.more;
      length = gnutls_record_send (tls->session, data + sent, size - sent);
      sent += (gsize)MAX (length, 0);
    }
  tls->traffic.sent += sent;
  tls->socket.more = tls->socket.corked = FALSE;
  if (length >= 0)
    return (gssize)sent;
  set_error (tls, (int)length, error);
  return -1;
}

/* In as many records as it takes, as far as the socket takes them. Where it has not taken all yet,
 * the next call goes on with that first, also one without data.
 * Returns: how many bytes were sent, or -1 with `error` set */
gssize
cpd_tls_send (CpdTls *tls, const void *data, gsize size, GError **error)
{
  if (tls->held)
    {
      would_block (error);
      return -1;
    }
  if (!cpd_tls_socket_flush (&tls->socket))
    {
      set_flush_error (tls, error);
      return -1;
    }
  return send_records (tls, data, size, /* all= */ FALSE, error);
}

/* Whether there is something to receive, if only the end. Costs little where there is not. */
gboolean
cpd_tls_has_unread (CpdTls *tls)
{
  return cpd_tls_socket_has_unread (&tls->socket);
}

/* From now on, much data goes over it: it is read ahead, and more of it in one iteration of the
 * main loop. */
void
cpd_tls_expect_much (CpdTls *tls)
{
  cpd_tls_socket_expect_much (&tls->socket);
}

/* All of it, whatever the socket takes. Only where nothing is unsent.
 * Returns: FALSE with `error` set: the connection is broken */
gboolean
cpd_tls_send_much (CpdTls *tls, const guint8 *data, gsize size, GError **error)
{
  if (send_records (tls, data, size, /* all= */ TRUE, error) < 0)
    return FALSE;
  return cpd_tls_socket_flush (&tls->socket) || errno == EAGAIN || set_flush_error (tls, error);
}

/* Returns: what went over it since this was last asked. Not while a thread moves its data. */
CpdTraffic
cpd_tls_take_traffic (CpdTls *tls)
{
  CpdTraffic traffic = tls->traffic;

  tls->traffic = (CpdTraffic){ 0 };
  return traffic;
}

/* Whether the socket has not taken all that was sent. */
gboolean
cpd_tls_has_unsent (CpdTls *tls)
{
  return cpd_tls_socket_has_unsent (&tls->socket);
}

/* Returns: how many bytes, as they are on the way, the kernel has not sent yet */
gsize
cpd_tls_count_queued (CpdTls *tls)
{
  return cpd_tls_socket_count_queued (&tls->socket);
}

/* Ends this direction of TLS; the other one goes on (RFC 8446, section 6.1). Nothing may be sent
 * from here on, except what is unsent. */
void
cpd_tls_end_sending (CpdTls *tls)
{
  if (tls->socket.fd != -1)
    gnutls_bye (tls->session, GNUTLS_SHUT_WR);
}

/* Whether the server has ended TLS by an alert. In TLS 1.3, it may refuse the handshake so when
 * that is over here; but once its data has come, it has accepted it. */
gboolean
cpd_tls_was_alerted (CpdTls *tls)
{
  return tls->alerted;
}

/* Whether something was read already and not received yet, of which the socket does not tell
 * whoever waits for it. */
gboolean
cpd_tls_has_pending (CpdTls *tls)
{
  return cpd_tls_socket_has_pending (&tls->socket);
}

/* Returns: (transfer none): its socket, for a thread that waits for it */
int
cpd_tls_get_fd (CpdTls *tls)
{
  return tls->socket.fd;
}

/* For how long what was sent may stay unacknowledged, as it does where nobody is left at the other
 * end. `limit_ms`: 0: as long as the kernel goes on */
void
cpd_tls_limit_silence (CpdTls *tls, unsigned int limit_ms)
{
  if (limit_ms != tls->silence_ms)
    cpd_silence_limit (tls->socket.fd, limit_ms);
  tls->silence_ms = limit_ms;
}

/* While nothing is sent, the other end is asked from time to time whether it is still there. */
void
cpd_tls_probe_silence (CpdTls *tls)
{
  cpd_silence_probe (tls->socket.fd);
}

/* The networks of this machine have changed: if this connection was on one that has gone, whoever
 * waits for it is told. What has arrived before can still be read. */
void
cpd_tls_check_network (CpdTls *tls)
{
  if (tls->source == NULL || !cpd_tls_socket_is_lost (&tls->socket))
    return;
  tls->socket.failure = ENETRESET;
  shutdown (tls->socket.fd, SHUT_RDWR);
}

static void
end (CpdTls *tls)
{
  if (tls->source == NULL)
    return;
  g_source_destroy (tls->source);
  g_clear_pointer (&tls->source, g_source_unref);
  if (tls->below != NULL)
    end (tls->below);
  cpd_tls_socket_close (&tls->socket);
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
  for (CpdTls *each = tls; each != NULL && each->source != NULL; each = each->below)
    gnutls_bye (each->session, GNUTLS_SHUT_WR);
  end (tls);
}

/* Not another byte leaves, not even what the kernel holds. */
void
cpd_tls_cut (CpdTls *tls)
{
  if (tls->source != NULL)
    cpd_tls_socket_cut (&tls->socket);
  end (tls);
}
