/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a connected proxy to a host behind it: the handshake with the proxy, if it is spoken to over
 * TLS, the ordinary validation of its certificate, and CONNECT. Whatever goes wrong is the proxy's
 * error and never the host's: its status is told in a sentence of ours, and nothing else that it
 * sends. Its credentials are sent to it alone, and over TLS only once it is validated. */

#include "config.h"

#include "daemon/transport/cpd-proxy-tunnel.h"

#include "client-lib/certpin-error-private.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/transport/cpd-fetch-error.h"
#include "daemon/transport/cpd-handshake.h"
#include "daemon/transport/cpd-judge.h"
#include "daemon/transport/cpd-proxy-answer.h"
#include "daemon/transport/cpd-validation.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

/* How much of an answer is read in one iteration of the main loop. */
#define PART_BYTES 4096

struct _CpdProxyTunnel
{
  CpdProxyTunnelSettings settings; /* with references of its own */
  GStrv protocols;                 /* those of the settings */
  int socket;                      /* -1: TLS has it */
  CpdTls *tls;                     /* the session with the proxy; NULL: none */
  CpdHandshake *handshake;         /* with the proxy, under way; NULL: none */
  CpdPeer *peer;                   /* the proxy; NULL: not yet, or it is not spoken to over TLS */
  CpdJob *validating;              /* the proxy; NULL: nothing is awaited */
  GSource *watch;                  /* of the socket; NULL: TLS watches it, or nothing is awaited */
  GString *unsent;                 /* of the request */
  CpdProxyAnswer answer;
};

static void
stop_watching (CpdProxyTunnel *tunnel)
{
  if (tunnel->watch != NULL)
    g_source_destroy (tunnel->watch);
  g_clear_pointer (&tunnel->watch, g_source_unref);
}

static void
tunnel_clear (gpointer data)
{
  CpdProxyTunnel *tunnel = data;

  stop_watching (tunnel);
  cpd_tls_free (tunnel->tls);
  cpd_peer_unref (tunnel->peer);
  if (tunnel->unsent != NULL)
    g_string_free (tunnel->unsent, TRUE);
  cpd_proxy_answer_clear (&tunnel->answer);
  g_strfreev (tunnel->protocols);
  if (tunnel->socket != -1)
    g_close (tunnel->socket, NULL);
  cpd_proxy_unref (tunnel->settings.proxy);
  cpd_host_unref (tunnel->settings.target);
  g_object_unref (tunnel->settings.store);
  cpd_workers_unref (tunnel->settings.workers);
  g_object_unref (tunnel->settings.task);
}

static void
tunnel_unref (gpointer tunnel)
{
  g_rc_box_release_full (tunnel, tunnel_clear);
}

/* `message`: the end of a sentence that begins with the proxy. */
static GError *
new_error (const CpdProxy *proxy, CertpinError code, const char *message)
{
  return g_error_new (CERTPIN_ERROR, (int)code, "proxy ‘%s’ %s", cpd_proxy_get_text (proxy),
                      message);
}

/* Returns: (transfer full): that nothing goes through a proxy. `distrust`: why */
GError *
cpd_proxy_tunnel_new_distrust_error (const CpdProxy *proxy, const char *distrust)
{
  g_autofree char *message = g_strdup_printf ("is not trusted: %s", distrust);

  return new_error (proxy, CERTPIN_ERROR_PROXY_FAILED, message);
}

/* Returns: (transfer full): why a proxy could not be connected to, as its error */
GError *
cpd_proxy_tunnel_map_error (const GError *reason, const CpdProxy *proxy)
{
  g_autoptr (GError) mapped = cpd_fetch_error_map (reason, CPD_STAGE_CONNECTING, proxy->name);
  g_autofree char *detail = cpd_fetch_error_make_detail (reason);
  g_autofree char *message = g_strconcat ("cannot be reached: ", detail, NULL);
  const GError *cause;
  GError *error;

  if (mapped->code == CERTPIN_ERROR_CANCELLED || mapped->code == CERTPIN_ERROR_FAILED)
    return g_steal_pointer (&mapped);
  error = new_error (proxy, CERTPIN_ERROR_PROXY_FAILED, message);
  cause = certpin_error_get_cause (mapped);
  if (cause != NULL)
    certpin_error_set_cause (error, cause);
  return error;
}

/* Ends it, one way or the other. `tls`, `error`: (transfer full) (nullable) */
static void
finish (CpdProxyTunnel *tunnel, CpdTls *tls, GError *error)
{
  const CpdProxyTunnelOutcome outcome = { tls, tunnel->peer, error };

  stop_watching (tunnel);
  tunnel->settings.done (&outcome, tunnel->settings.task);
  tunnel_unref (tunnel);
}

static void
fail (CpdProxyTunnel *tunnel, CertpinError code, const char *message)
{
  finish (tunnel, NULL, new_error (tunnel->settings.proxy, code, message));
}

static void
fail_for_status (CpdProxyTunnel *tunnel, unsigned int status)
{
  const char *host = cpd_host_get_text (tunnel->settings.target);
  gboolean demands = status == 407 || status == 401; /* tinyproxy says that to wrong credentials */
  g_autofree char *message = NULL;

  if (demands && tunnel->settings.proxy->authorization == NULL)
    message = g_strdup_printf ("demands credentials (status %u); put them in the file that "
                               "ProxyCredentials= in certpind.conf names",
                               status);
  else if (demands)
    message = g_strdup_printf ("does not accept the credentials (status %u) in the file that "
                               "ProxyCredentials= in certpind.conf names",
                               status);
  else if (status / 100 == 4)
    message = g_strdup_printf ("refused to connect to ‘%s’ (status %u)", host, status);
  else if (status / 100 == 5)
    message = g_strdup_printf ("could not connect to ‘%s’ (status %u)", host, status);
  else
    message = g_strdup_printf ("did not connect to ‘%s’ (status %u)", host, status);
  fail (tunnel, demands ? CERTPIN_ERROR_PROXY_AUTH_REQUIRED : CERTPIN_ERROR_PROXY_FAILED, message);
}

static void on_ready (gpointer user_data);

static gboolean
on_socket_ready (int fd, GIOCondition condition, gpointer user_data)
{
  on_ready (user_data);
  return G_SOURCE_CONTINUE;
}

static void
watch (CpdProxyTunnel *tunnel, GIOCondition condition)
{
  stop_watching (tunnel);
  if (tunnel->tls != NULL)
    {
      cpd_tls_watch (tunnel->tls, condition, on_ready, tunnel);
      return;
    }
  tunnel->watch = g_unix_fd_source_new (tunnel->socket, condition);
  g_source_set_callback (tunnel->watch, G_SOURCE_FUNC (on_socket_ready), tunnel, NULL);
  g_source_attach (tunnel->watch, g_main_context_get_thread_default ());
}

/* Returns: the same */
static gssize
check_errno (gssize length, GError **error)
{
  if (length < 0)
    g_set_error_literal (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), g_strerror (errno));
  return length;
}

static gssize
send_some (CpdProxyTunnel *tunnel, GError **error)
{
  if (tunnel->tls != NULL)
    return cpd_tls_send (tunnel->tls, tunnel->unsent->str, tunnel->unsent->len, error);
  return check_errno (
      send (tunnel->socket, tunnel->unsent->str, tunnel->unsent->len, MSG_DONTWAIT | MSG_NOSIGNAL),
      error);
}

static gssize
receive_some (CpdProxyTunnel *tunnel, char *buffer, gsize size, GError **error)
{
  if (tunnel->tls != NULL)
    return cpd_tls_receive (tunnel->tls, buffer, size, error);
  return check_errno (recv (tunnel->socket, buffer, size, MSG_DONTWAIT), error);
}

static gboolean
is_unsent (CpdProxyTunnel *tunnel)
{
  return tunnel->unsent->len > 0 || (tunnel->tls != NULL && cpd_tls_has_unsent (tunnel->tls));
}

/* Returns: whether it goes on */
static gboolean
check_length (CpdProxyTunnel *tunnel, gssize length, const GError *error)
{
  if (length > 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return TRUE;
  fail (tunnel, CERTPIN_ERROR_PROXY_FAILED, "closed the connection instead of answering");
  return FALSE;
}

static int
steal_socket (CpdProxyTunnel *tunnel)
{
  int socket = tunnel->socket;

  tunnel->socket = -1;
  return socket;
}

/* Whether nothing comes, not even the end. */
static gboolean
is_silent (CpdProxyTunnel *tunnel)
{
  g_autoptr (GError) error = NULL;
  char byte;

  receive_some (tunnel, &byte, sizeof byte, &error);
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* From here on, what comes is the host's. */
static void
succeed (CpdProxyTunnel *tunnel)
{
  const char *name = cpd_host_get_name (tunnel->settings.target);
  const char *const *protocols = (const char *const *)tunnel->protocols;
  CpdTls *tls;

  if (!tunnel->settings.host_may_speak && !is_silent (tunnel))
    {
      fail (tunnel, CERTPIN_ERROR_PROXY_FAILED, CPD_PROXY_ANSWER_SPOKE_EARLY);
      return;
    }
  stop_watching (tunnel); /* before somebody else has the socket */
  if (tunnel->tls != NULL)
    tls = cpd_tls_new_over (g_steal_pointer (&tunnel->tls), name, protocols);
  else
    tls = cpd_tls_new (steal_socket (tunnel), name, protocols);
  finish (tunnel, tls, NULL);
}

static void
read_answer (CpdProxyTunnel *tunnel)
{
  char part[PART_BYTES];
  /* Not a byte is taken of what a host says behind the answer. */
  gsize size = tunnel->settings.host_may_speak ? 1 : sizeof part;
  g_autoptr (GError) error = NULL;
  gssize length = receive_some (tunnel, part, size, &error);
  unsigned int status = 0;

  if (!check_length (tunnel, length, error) || length < 0)
    return;
  if (!cpd_proxy_answer_read (&tunnel->answer, part, (gsize)length, &status, &error))
    fail (tunnel, CERTPIN_ERROR_PROXY_FAILED, error->message);
  else if (status / 100 == 2)
    succeed (tunnel);
  else if (status != 0)
    fail_for_status (tunnel, status);
  else
    watch (tunnel, G_IO_IN); /* TLS may have more that it has read already */
}

static void
send_request (CpdProxyTunnel *tunnel)
{
  g_autoptr (GError) error = NULL;
  gssize length = send_some (tunnel, &error);

  if (length > 0)
    g_string_erase (tunnel->unsent, 0, length);
  else if (is_unsent (tunnel) && !check_length (tunnel, length, error))
    return;
  watch (tunnel, is_unsent (tunnel) ? G_IO_OUT : G_IO_IN);
}

static void
on_ready (gpointer user_data)
{
  CpdProxyTunnel *tunnel = user_data;

  if (is_unsent (tunnel))
    send_request (tunnel);
  else
    read_answer (tunnel);
}

/* RFC 9110, section 9.3.6; RFC 9112, section 3.2.3 */
static void
ask (CpdProxyTunnel *tunnel)
{
  const char *host = cpd_host_get_text (tunnel->settings.target);
  const char *authorization = tunnel->settings.proxy->authorization;

  tunnel->unsent = g_string_new (NULL);
  g_string_append_printf (tunnel->unsent, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", host, host);
  if (authorization != NULL)
    g_string_append_printf (tunnel->unsent, "Proxy-Authorization: %s\r\n", authorization);
  g_string_append (tunnel->unsent, "\r\n");
  send_request (tunnel);
}

static void
judge_proxy (gpointer user_data)
{
  CpdProxyTunnel *tunnel = user_data;
  g_autoptr (CpdAnchors) missing = NULL;
  g_autofree char *distrust = NULL;

  tunnel->validating = NULL;
  if (cpd_judge_proxy (tunnel->settings.store, tunnel->peer, &missing, &distrust))
    ask (tunnel);
  else if (missing != NULL)
    {
      const CpdValidationOrder order
          = { tunnel->settings.owner, tunnel->peer, missing, judge_proxy, tunnel };

      tunnel->validating = cpd_validation_start (tunnel->settings.workers, &order);
    }
  else
    {
      cpd_tls_refuse (tunnel->tls);
      finish (tunnel, NULL, cpd_proxy_tunnel_new_distrust_error (tunnel->settings.proxy, distrust));
    }
}

static void
on_hands_shaken (CpdTls *tls, GError *failure, gpointer user_data)
{
  CpdProxyTunnel *tunnel = user_data;
  const CpdProxy *proxy = tunnel->settings.proxy;
  g_autoptr (GError) reason = failure;
  g_autoptr (CpdHost) host = NULL;
  g_autoptr (GBytes) stapled = NULL;
  g_autofree char *message = NULL;

  tunnel->handshake = NULL;
  tunnel->tls = tls;
  if (reason == NULL)
    host = cpd_host_new_target (proxy->name, proxy->port, &reason);
  if (reason != NULL)
    {
      message = g_strdup_printf ("did not complete a handshake of TLS 1.2 or newer: %s",
                                 reason->message);
      fail (tunnel, CERTPIN_ERROR_PROXY_FAILED, message);
      return;
    }
  stapled = cpd_tls_dup_stapled (tls);
  tunnel->peer = cpd_peer_new (host, cpd_tls_get_presented (tls), stapled);
  judge_proxy (tunnel);
}

static void
shake_hands (CpdProxyTunnel *tunnel)
{
  static const char *const protocols[] = { "http/1.1", NULL };
  const CpdHandshakeSettings settings
      = { tunnel->settings.workers, tunnel->settings.owner, on_hands_shaken,
          g_rc_box_acquire (tunnel), tunnel_unref };

  tunnel->handshake = cpd_handshake_start (
      cpd_tls_new (steal_socket (tunnel), tunnel->settings.proxy->name, protocols), &settings);
}

/* Called from the main loop, or at once. */
static gboolean
begin (gpointer user_data)
{
  CpdProxyTunnel *tunnel = user_data;

  g_clear_pointer (&tunnel->watch, g_source_unref);
  if (tunnel->settings.proxy->is_secure)
    shake_hands (tunnel);
  else
    ask (tunnel);
  return G_SOURCE_REMOVE;
}

/* `socket`: (transfer full): connected to the proxy.
 * Returns: (transfer none): lasts until `done` is called, from the main loop */
CpdProxyTunnel *
cpd_proxy_tunnel_open (int socket, const CpdProxyTunnelSettings *settings)
{
  CpdProxyTunnel *tunnel = g_rc_box_new0 (CpdProxyTunnel);

  tunnel->settings = *settings;
  cpd_proxy_ref (settings->proxy);
  cpd_host_ref (settings->target);
  g_object_ref (settings->store);
  cpd_workers_ref (settings->workers);
  g_object_ref (settings->task);
  tunnel->protocols = g_strdupv ((GStrv)settings->protocols);
  tunnel->socket = socket;
  tunnel->watch = g_idle_source_new ();
  g_source_set_priority (tunnel->watch, G_PRIORITY_DEFAULT);
  g_source_set_callback (tunnel->watch, begin, tunnel, NULL);
  g_source_attach (tunnel->watch, g_main_context_get_thread_default ());
  return tunnel;
}

/* Gives it up: `done` is not called. */
void
cpd_proxy_tunnel_stop (CpdProxyTunnel *tunnel)
{
  stop_watching (tunnel);
  g_clear_pointer (&tunnel->validating, cpd_job_stop);
  g_clear_pointer (&tunnel->handshake, cpd_handshake_stop);
  tunnel_unref (tunnel);
}
