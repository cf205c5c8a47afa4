/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that keys, requests and responses take any value without harm. test-symbols.c proves what
 * a wrong pointer does. */

#include "config.h"

#include "tests/client/criticals.h"

#include <certpin.h>

#include <string.h>

#define HUGE_BYTES (26 * 1024 * 1024)

static void
test_key (void)
{
  g_autofree char *huge = g_strnfill (HUGE_BYTES, '\xff');
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_key_new_from_text ("", NULL));
  g_assert_null (certpin_key_new_from_text (huge, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY);
  g_assert_cmpuint (strlen (error->message), <, 1000);
  assert_criticals (0);
}

/* The error message is short and valid UTF-8, whatever the arguments are. `headers`: (nullable):
 * floating */
static void
assert_no_request (const char *method, const char *url, GVariant *headers)
{
  g_autoptr (GVariant) kept = headers != NULL ? g_variant_ref_sink (headers) : NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_request_new (method, url, kept, NULL, NULL));
  g_assert_null (certpin_request_new (method, url, kept, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == CERTPIN_ERROR);
  g_assert_cmpuint (strlen (error->message), <, 1000);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  assert_criticals (0);
}

static void
test_request (void)
{
  static const char url[] = "https://h.example/";
  g_autofree char *huge = g_strnfill (HUGE_BYTES, 'x');
  g_autofree char *huge_url = g_strconcat ("https://h.example/ ", huge, NULL);
  g_autofree char *huge_host = g_strconcat ("https://[", huge, "]/", NULL);
  g_autofree char *huge_port = g_strconcat ("https://h.example:", huge, "/", NULL);
  g_autofree char *huge_name = g_strdup_printf ("[('%s ', '')]", huge);
  g_autofree char *huge_reserved = g_strdup_printf ("[('Proxy-%s', '')]", huge);

  assert_no_request ("", url, NULL);
  assert_no_request (huge, url, NULL);
  assert_no_request ("\xff", url, NULL);
  assert_no_request ("GET", "", NULL);
  assert_no_request ("GET", huge, NULL);
  assert_no_request ("GET", huge_url, NULL);
  assert_no_request ("GET", huge_host, NULL);
  assert_no_request ("GET", huge_port, NULL);
  assert_no_request ("GET", "\xff", NULL);
  assert_no_request ("GET", "https://h.example/\xff", NULL);
  assert_no_request ("GET", url, g_variant_new_parsed ("'Accept: text/plain'"));
  assert_no_request ("GET", url, g_variant_new_parsed ("{'Accept': 'text/plain'}"));
  assert_no_request ("GET", url, g_variant_new_parsed ("@as []"));
  assert_no_request ("GET", url, g_variant_new_parsed (huge_name));
  assert_no_request ("GET", url, g_variant_new_parsed (huge_reserved));
}

static void
test_response (void)
{
  g_autoptr (GVariant) headers = g_variant_ref_sink (g_variant_new_parsed ("[('A', 'b')]"));
  g_autoptr (CertpinEvidence) evidence = certpin_evidence_new (g_variant_new ("a{sv}", NULL));
  g_autoptr (GBytes) body = g_bytes_new_static ("", 0);
  g_autoptr (CertpinResponse) response = certpin_response_new (200, headers, body, evidence);

  g_assert_null (certpin_response_get_header (response, ""));
  g_assert_null (certpin_response_get_header (response, "\xff"));
  assert_criticals (0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  criticals_init ();
  g_test_add_func ("/client/misuse-values/key", test_key);
  g_test_add_func ("/client/misuse-values/request", test_request);
  g_test_add_func ("/client/misuse-values/response", test_response);
  return g_test_run ();
}
