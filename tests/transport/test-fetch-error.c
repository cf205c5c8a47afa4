/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which error of certpin comes of which of the stack's, by how far the request had come. */

#include "config.h"

#include "daemon/transport/cpd-fetch-error.h"

#include <gio/gio.h>
#include <libsoup/soup.h>

#include <string.h>

static void
assert_maps (GQuark domain, int code, CpdStage stage, CertpinError expected)
{
  g_autoptr (GError) reason = g_error_new_literal (domain, code, "the reason");
  g_autoptr (GError) error = cpd_fetch_error_map (reason, stage, "h.example");

  g_test_message ("%s %d in stage %d: %s", g_quark_to_string (domain), code, stage, error->message);
  g_assert_error (error, CERTPIN_ERROR, (int)expected);
  if (expected != CERTPIN_ERROR_CANCELLED)
    g_assert_nonnull (strstr (error->message, "h.example"));
}

static void
test_io_errors (void)
{
  static const struct
  {
    int code;
    CertpinError expected;
  } cases[] = {
    { G_IO_ERROR_CANCELLED, CERTPIN_ERROR_CANCELLED },
    { G_IO_ERROR_TIMED_OUT, CERTPIN_ERROR_UNREACHABLE },
    { G_IO_ERROR_NETWORK_UNREACHABLE, CERTPIN_ERROR_OFFLINE },
    { G_IO_ERROR_HOST_NOT_FOUND, CERTPIN_ERROR_UNREACHABLE },
    { G_IO_ERROR_HOST_UNREACHABLE, CERTPIN_ERROR_UNREACHABLE },
    { G_IO_ERROR_CONNECTION_REFUSED, CERTPIN_ERROR_UNREACHABLE },
    { G_IO_ERROR_CONNECTION_CLOSED, CERTPIN_ERROR_UNREACHABLE },
    { G_IO_ERROR_FAILED, CERTPIN_ERROR_FAILED },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_maps (G_IO_ERROR, cases[i].code, CPD_STAGE_CONNECTING, cases[i].expected);
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
      assert_maps (G_TLS_ERROR, codes[i], CPD_STAGE_CONNECTING, CERTPIN_ERROR_TLS_FAILED);
      assert_maps (G_TLS_ERROR, codes[i], CPD_STAGE_HANDSHAKING, CERTPIN_ERROR_TLS_FAILED);
    }
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_EOF, CPD_STAGE_SENT, CERTPIN_ERROR_TRUNCATED);
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, CPD_STAGE_SENT, CERTPIN_ERROR_TLS_FAILED);
  assert_maps (G_TLS_ERROR, G_TLS_ERROR_MISC, CPD_STAGE_SENT, CERTPIN_ERROR_PROTOCOL_ERROR);
}

static void
test_other_domains (void)
{
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
      = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "a\x1b[31mb\nc\xe2\x80\xae");
  g_autoptr (GError) error = cpd_fetch_error_map (reason, CPD_STAGE_SENT, "h.example");

  g_assert_null (strchr (error->message, '\x1b'));
  g_assert_null (strchr (error->message, '\n'));
  g_assert_null (strstr (error->message, "\xe2\x80\xae"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/fetch-error/io-errors-by-stage", test_io_errors);
  g_test_add_func ("/transport/fetch-error/tls-errors-by-stage", test_tls_errors);
  g_test_add_func ("/transport/fetch-error/other-domains", test_other_domains);
  g_test_add_func ("/transport/fetch-error/message-is-cleaned", test_message_is_cleaned);
  return g_test_run ();
}
