/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One GnuTLS session on a socket, driven by the main loop; or over another session on that socket,
 * which is with a proxy.
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

#include "daemon/core/trust/cpd-certificate.h"
#include "daemon/transport/cpd-route.h"

#include <gnutls/gnutls.h>

#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* In place of what the system's policy allows at most: no version before 1.2. */
#define PRIORITY "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS"

struct _CpdTls
{
  GSocket *socket;
  int fd;
  CpdTls *below; /* the session that carries this one; NULL: none */
  gnutls_session_t session;
  gnutls_certificate_credentials_t credentials;
  GPtrArray *presented; /* of GBytes: the server's certificates as it sent them */
  GByteArray *unsent;   /* what GnuTLS wrote and the socket has not taken */
  int failure;          /* what the kernel said of the network; 0: nothing */

  gboolean held; /* no byte of data moves */

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
  return MIN (count, CPD_TLS_SHARE_BYTES - tls->taken);
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

/* What the session below says of itself, in the terms of a socket. */
static ssize_t
note_below (CpdTls *tls, ssize_t length)
{
  if (length >= 0)
    return length;
  if (tls->failure == 0)
    tls->failure = tls->below->failure;
  errno
      = gnutls_error_is_fatal ((int)length) || length == GNUTLS_E_REHANDSHAKE ? ECONNRESET : EAGAIN;
  return -1;
}

static ssize_t
pull_below (CpdTls *tls, void *buffer, size_t count)
{
  ssize_t length = note_below (tls, gnutls_record_recv (tls->below->session, buffer, count));

  tls->ended = length == 0 || (length < 0 && errno != EAGAIN);
  return length;
}

static ssize_t
pull (gnutls_transport_ptr_t transport, void *buffer, size_t count)
{
  CpdTls *tls = transport;
  gsize share;
  ssize_t length;

  if (tls->below != NULL)
    return pull_below (tls, buffer, count);
  share = share_left (tls, count);
  if (share == 0)
    {
      errno = EAGAIN;
      return -1;
    }
  length = note_failure (tls, recv (tls->fd, buffer, share, MSG_DONTWAIT));
  if (length > 0)
    tls->taken += (gsize)length;
  tls->ended = length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
  return length;
}

static gboolean flush (CpdTls *tls);

/* Returns: how many bytes what is below has taken; -1 with `errno` set */
static ssize_t
write_unsent (CpdTls *tls)
{
  if (tls->below == NULL)
    return send (tls->fd, tls->unsent->data, tls->unsent->len, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!flush (tls->below))
    return -1;
  return note_below (tls,
                     gnutls_record_send (tls->below->session, tls->unsent->data, tls->unsent->len));
}

/* Returns: whether the socket has taken all that was sent; FALSE with `errno` set, EAGAIN if it
 * cannot at once */
static gboolean
flush (CpdTls *tls)
{
  while (tls->unsent->len > 0)
    {
      ssize_t length = write_unsent (tls);

      if (length < 0)
        {
          errno = errno == EINTR ? EAGAIN : errno;
          return FALSE;
        }
      g_byte_array_remove_range (tls->unsent, 0, (unsigned int)length);
    }
  return tls->below == NULL || flush (tls->below);
}

/* Takes everything: GnuTLS loses count of a record that is written in parts if the server asks for
 * new keys in between (RFC 8446, section 4.6.3). Only one record and what goes with it is kept,
 * since nothing more is sent before that is gone. */
static ssize_t
push (gnutls_transport_ptr_t transport, const giovec_t *vectors, int count)
{
  CpdTls *tls = transport;
  const struct msghdr message = { .msg_iov = (struct iovec *)vectors, .msg_iovlen = (size_t)count };
  gsize taken = 0, all = 0;

  if (tls->unsent->len == 0 && tls->below == NULL)
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
  if (tls->below != NULL && !flush (tls) && errno != EAGAIN)
    return -1;
  return (ssize_t)all;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  CpdTls *tls = user_data;

  g_source_set_ready_time (source, -1);
  tls->ready (tls->user_data); /* which may be the end of it */
  return G_SOURCE_CONTINUE;
}

static GSource *
new_source (CpdTls *tls)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_static_name (source, "a TLS connection");
  /* Only its data counts: `dispatch` needs no callback. */
  g_source_set_callback (source, G_SOURCE_FUNC (dispatch), tls, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* Returns: whether there was a number of so many bytes, and as many bytes as it says behind it */
static gboolean
read_vector (const guint8 **data, gsize *left, gsize size_bytes, const guint8 **vector, gsize *size)
{
  *size = 0;
  if (*left < size_bytes)
    return FALSE;
  for (gsize i = 0; i < size_bytes; i++)
    *size = *size << 8 | (*data)[i];
  if (*left - size_bytes < *size)
    return FALSE;
  *vector = *data + size_bytes;
  *data += size_bytes + *size;
  *left -= size_bytes + *size;
  return TRUE;
}

/* From a Certificate message (RFC 5246, section 7.4.2; RFC 8446, section 4.4.2). */
static void
take_presented (CpdTls *tls, const gnutls_datum_t *message)
{
  gboolean is_1_3 = gnutls_protocol_get_version (tls->session) == GNUTLS_TLS1_3;
  const guint8 *data = message->data, *list, *vector;
  gsize left = message->size, list_left, size;

  if ((is_1_3 && !read_vector (&data, &left, 1, &vector, &size))
      || !read_vector (&data, &left, 3, &list, &list_left))
    return;
  g_ptr_array_set_size (tls->presented, 0);
  while (read_vector (&list, &list_left, 3, &vector, &size))
    {
      g_ptr_array_add (tls->presented, g_bytes_new (vector, size));
      if (is_1_3 && !read_vector (&list, &list_left, 2, &vector, &size))
        break;
    }
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

  if (!incoming)
    return GNUTLS_E_SUCCESS;
  take_presented (tls, message);
  return is_usable_in_time (tls->presented) ? GNUTLS_E_SUCCESS : GNUTLS_E_CERTIFICATE_ERROR;
}

static void
set_up_session (CpdTls *tls, const char *name)
{
  static const gnutls_datum_t http = { (unsigned char *)"http/1.1", sizeof "http/1.1" - 1 };

  gnutls_certificate_allocate_credentials (&tls->credentials);
  gnutls_init (&tls->session,
               GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);
  gnutls_set_default_priority_append (tls->session, PRIORITY, NULL, 0);
  gnutls_credentials_set (tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
  if (!g_hostname_is_ip_address (name)) /* RFC 6066, section 3 */
    gnutls_server_name_set (tls->session, GNUTLS_NAME_DNS, name, strlen (name));
  gnutls_alpn_set_protocols (tls->session, &http, 1, 0);
  gnutls_session_set_ptr (tls->session, tls);
  gnutls_handshake_set_hook_function (tls->session, GNUTLS_HANDSHAKE_CERTIFICATE_PKT,
                                      GNUTLS_HOOK_PRE, on_certificates);
  gnutls_transport_set_ptr (tls->session, tls);
  gnutls_transport_set_pull_function (tls->session, pull);
  gnutls_transport_set_vec_push_function (tls->session, push);
}

/* `socket`: connected. `name`: canonical: a host's name or address.
 * Returns: (transfer full) */
CpdTls *
cpd_tls_new (GSocket *socket, const char *name)
{
  CpdTls *tls = g_new0 (CpdTls, 1);

  tls->socket = g_object_ref (socket);
  tls->fd = g_socket_get_fd (socket);
  tls->source = new_source (tls);
  tls->presented = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  tls->unsent = g_byte_array_new ();
  set_up_session (tls, name);
  return tls;
}

/* `below`: (transfer full): a session that is set up, with a proxy that connects it to the host.
 * `name`: likewise.
 * Returns: (transfer full) */
CpdTls *
cpd_tls_new_over (CpdTls *below, const char *name)
{
  CpdTls *tls = cpd_tls_new (below->socket, name);

  cpd_tls_watch (below, 0, NULL, NULL);
  tls->below = below;
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
  cpd_tls_free (tls->below);
  g_object_unref (tls->socket);
  g_free (tls);
}

static gboolean
would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "not at once");
  return FALSE;
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

/* Returns: FALSE */
static gboolean
set_flush_error (CpdTls *tls, GError **error)
{
  return set_error (tls, errno == EAGAIN ? GNUTLS_E_AGAIN : GNUTLS_E_PUSH_ERROR, error);
}

/* While another thread may have it, `shaking` makes it count what it takes in this step. */
static void
set_shaking (CpdTls *tls, gboolean shaking)
{
  for (CpdTls *each = tls; each != NULL; each = each->below)
    {
      each->shaking = shaking;
      each->taken = shaking ? 0 : each->taken;
    }
}

static gboolean
check_protocol (CpdTls *tls, GError **error)
{
  gnutls_datum_t chosen;

  if (gnutls_alpn_get_selected_protocol (tls->session, &chosen) != GNUTLS_E_SUCCESS
      || (chosen.size == 8 && memcmp (chosen.data, "http/1.1", 8) == 0))
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
  if (!flush (tls))
    return set_flush_error (tls, error);
  set_shaking (tls, TRUE);
  code = gnutls_handshake (tls->session);
  set_shaking (tls, FALSE);
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

static void
stop_watching (CpdTls *tls)
{
  if (tls->tag != NULL)
    g_source_remove_unix_fd (tls->source, tls->tag);
  tls->tag = NULL;
  g_source_set_ready_time (tls->source, -1);
}

/* Returns: whether something was read from the socket and not asked for yet */
static gboolean
has_pending (CpdTls *tls)
{
  return gnutls_record_check_pending (tls->session) > 0
         || (tls->below != NULL && has_pending (tls->below));
}

static void
start_watching (CpdTls *tls)
{
  if (tls->tag == NULL)
    tls->tag = g_source_add_unix_fd (tls->source, tls->fd, tls->condition);
  else if (tls->condition != tls->watched)
    g_source_modify_unix_fd (tls->source, tls->tag, tls->condition);
  tls->watched = tls->condition;
  /* What GnuTLS has read already, the socket does not tell. */
  if ((tls->condition & G_IO_IN) != 0 && has_pending (tls))
    g_source_set_ready_time (tls->source, 0);
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

  /* GnuTLS gives up for now after what is no data, and the socket does not tell what is below. */
  if (tls->below != NULL && tls->tag != NULL && has_pending (tls))
    g_source_set_ready_time (tls->source, 0);
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
  if (!flush (tls))
    {
      set_flush_error (tls, error);
      return -1;
    }
  if (size == 0)
    return 0;
  length = gnutls_record_send (tls->session, data, size);
  if (length >= 0)
    return length;
  set_error (tls, (int)length, error);
  return -1;
}

/* Whether there is something to receive, if only the end. Costs little where there is not: only the
 * kernel is asked. */
gboolean
cpd_tls_has_unread (CpdTls *tls)
{
  guint8 byte;

  return gnutls_record_check_pending (tls->session) > 0
         || note_failure (tls, recv (tls->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT)) >= 0
         || errno != EAGAIN;
}

/* Whether the socket has not taken all that was sent. */
gboolean
cpd_tls_has_unsent (CpdTls *tls)
{
  return tls->unsent->len > 0 || (tls->below != NULL && cpd_tls_has_unsent (tls->below));
}

/* For how long what was sent may stay unacknowledged, as it does where nobody is left at the other
 * end. `limit_ms`: 0: as long as the kernel goes on */
void
cpd_tls_limit_silence (CpdTls *tls, unsigned int limit_ms)
{
  setsockopt (tls->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
}

/* The networks of this machine have changed: if this connection was on one that has gone, whoever
 * waits for it is told. What has arrived before can still be read. */
void
cpd_tls_check_network (CpdTls *tls)
{
  if (tls->source == NULL || !cpd_route_is_lost (tls->socket))
    return;
  tls->failure = ENETRESET;
  shutdown (tls->fd, SHUT_RDWR);
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
  g_socket_close (tls->socket, NULL);
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
  const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

  if (tls->source != NULL)
    setsockopt (tls->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  end (tls);
}
