/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which error of certpin comes of which of the stack's, by how far the request had come. */

#include "config.h"

#include "daemon/transport/cpd-fetch-error.h"

#include <gio/gio.h>
#include <libsoup/soup.h>

#include <errno.h>
#include <string.h>

/* What certpin says itself, and a cancellation, have no cause. */
static void
assert_has_cause (const GError *error, const GError *reason)
{
  const GError *cause = certpin_error_get_cause (error);

  if (reason->domain == CERTPIN_ERROR || error->code == CERTPIN_ERROR_CANCELLED)
    g_assert_null (cause);
  else
    g_assert_true (cause != NULL && cause->domain == reason->domain && cause->code == reason->code
                   && strstr (error->message, cause->message) != NULL);
}

static void
assert_maps (GQuark domain, int code, CpdStage stage, CertpinError expected)
{
  g_autoptr (GError) reason = g_error_new_literal (domain, code, "the reason");
  g_autoptr (GError) error = cpd_fetch_error_map (reason, stage, "h.example");

  g_test_message ("%s %d in stage %d: %s", g_quark_to_string (domain), code, stage, error->message);
  g_assert_error (error, CERTPIN_ERROR, (int)expected);
  if (expected != CERTPIN_ERROR_CANCELLED)
    g_assert_nonnull (strstr (error->message, "h.example"));
  assert_has_cause (error, reason);
}

/* All of connect(2), ip(7), ipv6(7), tcp(7) and of what firewalls and routes add to them. */
static void
test_errors_of_connect (void)
{
  static const int numbers[]
      = { EACCES,       EPERM,        EADDRINUSE,   EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN,
          EBADF,        ECONNREFUSED, ECONNABORTED, ECONNRESET,    EFAULT,       EHOSTDOWN,
          EHOSTUNREACH, EINVAL,       EISCONN,      EMSGSIZE,      ENETDOWN,     ENETUNREACH,
          ENETRESET,    ENOBUFS,      ENODEV,       ENOMEM,        ENONET,       ENOPROTOOPT,
          EOPNOTSUPP,   EPROTO,       EPROTOTYPE,   ETIMEDOUT,     EIO,          ENXIO };

  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      int code = (int)g_io_error_from_errno (numbers[i]);

      g_test_message ("%s", g_strerror (numbers[i]));
      assert_maps (G_IO_ERROR, code, CPD_STAGE_OFFLINE, CERTPIN_ERROR_OFFLINE);
      assert_maps (G_IO_ERROR, code, CPD_STAGE_CONNECTING, CERTPIN_ERROR_UNREACHABLE);
      assert_maps (G_IO_ERROR, code, CPD_STAGE_HANDSHAKING, CERTPIN_ERROR_UNREACHABLE);
      assert_maps (G_IO_ERROR, code, CPD_STAGE_SENT, CERTPIN_ERROR_TRUNCATED);
      assert_maps (G_IO_ERROR, code, CPD_STAGE_OPEN, CERTPIN_ERROR_TRUNCATED);
    }
}

static void
test_io_errors (void)
{
  for (int stage = CPD_STAGE_OFFLINE; stage <= CPD_STAGE_OPEN; stage++)
    {
      assert_maps (G_IO_ERROR, G_IO_ERROR_CANCELLED, (CpdStage)stage, CERTPIN_ERROR_CANCELLED);
      /* Which says nothing about the network. */
      assert_maps (G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES, (CpdStage)stage,
                   CERTPIN_ERROR_FAILED);
    }
}

static void
test_tls_errors (void)
{
  static const int codes[] = { G_TLS_ERROR_UNAVAILABLE,
                               G_TLS_ERROR_MISC,
                               G_TLS_ERROR_BAD_CERTIFICATE,
                               G_TLS_ERROR_NOT_TLS,
                               G_TLS_ERROR_HANDSHAKE,
                               G_TLS_ERROR_CERTIFICATE_REQUIRED,
                               G_TLS_ERROR_EOF,
                               G_TLS_ERROR_INAPPROPRIATE_FALLBACK };

  for (size_t i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      assert_maps (G_TLS_ERROR, codes[i], CPD_STAGE_OFFLINE, CERTPIN_ERROR_TLS_FAILED);
      assert_maps (G_TLS_ERROR, codes[i], CPD_STAGE_CONNECTING, CERTPIN_ERROR_TLS_FAILED);
      assert_maps (G_TLS_ERROR, codes[i], CPD_STAGE_HANDSHAKING, CERTPIN_ERROR_TLS_FAILED);
    }
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_EOF, CPD_STAGE_SENT, CERTPIN_ERROR_TRUNCATED);
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, CPD_STAGE_SENT, CERTPIN_ERROR_TLS_FAILED);
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_MISC, CPD_STAGE_SENT, CERTPIN_ERROR_PROTOCOL_ERROR);
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_EOF, CPD_STAGE_OPEN, CERTPIN_ERROR_TRUNCATED);
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, CPD_STAGE_OPEN, CERTPIN_ERROR_TLS_FAILED);
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_MISC, CPD_STAGE_OPEN, CERTPIN_ERROR_PROTOCOL_ERROR);
}

static void
test_other_domains (void)
{
  assert_maps (G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, CPD_STAGE_OFFLINE,
               CERTPIN_ERROR_OFFLINE);
  assert_maps (G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, CPD_STAGE_OFFLINE,
               CERTPIN_ERROR_OFFLINE);
  assert_maps (G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, CPD_STAGE_CONNECTING,
               CERTPIN_ERROR_UNREACHABLE);
  assert_maps (G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, CPD_STAGE_CONNECTING,
               CERTPIN_ERROR_UNREACHABLE);
  assert_maps (G_CONVERT_ERROR, G_CONVERT_ERROR_FAILED, CPD_STAGE_SENT, CERTPIN_ERROR_FAILED);
  assert_maps (CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR, CPD_STAGE_SENT,
               CERTPIN_ERROR_PROTOCOL_ERROR);
  assert_maps (CERTPIN_ERROR, CERTPIN_ERROR_BODY_TOO_LARGE, CPD_STAGE_SENT,
               CERTPIN_ERROR_BODY_TOO_LARGE);
}

/* What a peer says must not steer a terminal. */
static void
test_message_is_cleaned (void)
{
  g_autoptr (GError) reason
      = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "a\x1b[31mb\nc\xe2\x80\xae.");
  g_autoptr (GError) error = cpd_fetch_error_map (reason, CPD_STAGE_SENT, "h.example");

  g_assert_null (strchr (error->message, '\x1b'));
  g_assert_null (strchr (error->message, '\n'));
  g_assert_null (strstr (error->message, "\xe2\x80\xae"));
  g_assert_nonnull (strstr (error->message, certpin_error_get_cause (error)->message));
  g_assert_false (g_str_has_suffix (error->message, "."));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/fetch-error/errors-of-connect", test_errors_of_connect);
  g_test_add_func ("/transport/fetch-error/other-io-errors", test_io_errors);
  g_test_add_func ("/transport/fetch-error/tls-errors-by-stage", test_tls_errors);
  g_test_add_func ("/transport/fetch-error/other-domains", test_other_domains);
  g_test_add_func ("/transport/fetch-error/message-is-cleaned", test_message_is_cleaned);
  return g_test_run ();
}
