/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves in which shape pins, refusals and evidence cross the bus. */

#include "config.h"

#include "daemon/bus/cpd-describe.h"
#include "tests/lib/fake-fetcher.h"
#include "tests/lib/test-packet.h"

static void
assert_text (GVariant *dictionary, const char *key, const char *expected)
{
  const char *text = NULL;

  g_variant_lookup (dictionary, key, "&s", &text);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_count (GVariant *dictionary, const char *key, gsize expected)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (dictionary, key, G_VARIANT_TYPE_STRING_ARRAY);

  g_assert_nonnull (list);
  g_assert_cmpuint (g_variant_n_children (list), ==, expected);
}

static GVariant *
describe (const CpdPin *pin, gint64 now)
{
  return g_variant_ref_sink (cpd_describe_pin (pin, /* sighting= */ NULL, now));
}

static void
test_plain_pin (void)
{
  g_autoptr (CpdPin) pin = test_pin ("*.h.example:443", CPD_LAYER_USER, 1);
  g_autoptr (GVariant) description = describe (pin, TEST_PKI_NOW);

  assert_text (description, "host", "*.h.example:443");
  assert_text (description, "scope", "user");
  assert_text (description, "match", "leaf");
  assert_text (description, "mode", "enforce");
  assert_text (description, "state", "active");
  assert_count (description, "keys", 1);
  assert_text (description, "reason", NULL);
  assert_text (description, "subject", NULL);
  g_assert_true (g_variant_lookup (description, "expires", "x", NULL));
  g_assert_true (g_variant_lookup (description, "generation", "t", NULL));
  g_assert_true (g_variant_lookup (description, "created", "x", NULL));
  g_assert_false (g_variant_lookup (description, "not-after", "x", NULL));
}

static void
test_stored (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);
  g_autoptr (GVariant) first = describe (pin, 0), second = NULL;
  gboolean stored = FALSE;

  g_assert_true (g_variant_lookup (first, "stored", "b", &stored));
  g_assert_true (stored);
  pin->unstored = TRUE;
  second = describe (pin, 0);
  g_assert_true (g_variant_lookup (second, "stored", "b", &stored));
  g_assert_false (stored);
}

static void
test_full_pin (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "leaf");
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_FILES, 1);
  g_autoptr (GVariant) description = NULL;
  guint32 anchors;
  gint64 not_after;

  cpd_pin_take_certificate (pin, certificate, TEST_PKI_NOW);
  pin->match = CPD_MATCH_PATH;
  pin->mode = CPD_MODE_REPORT;
  pin->note = g_strdup ("a note");
  pin->created_by = g_strdup ("curl (uid 1)");
  pin->source = cpd_pin_source_new ("/a/file");
  pin->anchors = test_anchors (identity, NULL);
  description = describe (pin, TEST_PKI_NOW);
  assert_text (description, "scope", "system");
  assert_text (description, "match", "path");
  assert_text (description, "mode", "report");
  assert_text (description, "note", "a note");
  assert_text (description, "created-by", "curl (uid 1)");
  assert_text (description, "source", "/a/file");
  assert_text (description, "subject", "CN=leaf");
  assert_text (description, "issuer", "CN=leaf");
  g_assert_true (g_variant_lookup (description, "trust-anchors", "u", &anchors));
  g_assert_cmpuint (anchors, ==, 1);
  g_assert_true (g_variant_lookup (description, "not-after", "x", &not_after));
  g_assert_cmpint (not_after, ==, 4000000000);
}

static void
assert_time (GVariant *dictionary, const char *key, gint64 expected)
{
  gint64 time;

  g_assert_true (g_variant_lookup (dictionary, key, "x", &time));
  g_assert_cmpint (time, ==, expected);
}

/* Of a pin with two keys of which one was seen, with a certificate that ends soon. */
static void
test_sighting (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);
  g_autoptr (CpdSighting) sighting = cpd_sighting_new (pin->host);
  g_autoptr (CertpinKey) backup = test_key (2);
  const CpdSightingKey seen = { test_key (1), 10, 20 };
  g_autofree char *key = certpin_key_to_text (seen.key);
  g_autoptr (GVariant) description = NULL, keys = NULL, served = NULL;
  gint64 first, last;

  cpd_pin_add_key (pin, backup);
  g_array_append_val (sighting->keys, seen);
  sighting->seen = 30;
  sighting->subject = g_strdup ("CN=leaf");
  sighting->issuer = g_strdup ("CN=CA");
  sighting->not_after = TEST_PKI_NOW + 1;
  description = g_variant_ref_sink (cpd_describe_pin (pin, sighting, TEST_PKI_NOW));
  keys = g_variant_lookup_value (description, "seen", G_VARIANT_TYPE ("a{s(xx)}"));
  g_assert_cmpuint (g_variant_n_children (keys), ==, 1);
  g_assert_true (g_variant_lookup (keys, key, "(xx)", &first, &last));
  g_assert_cmpint (first, ==, 10);
  g_assert_cmpint (last, ==, 20);
  assert_time (description, "last-seen", 20);
  served = g_variant_lookup_value (description, "served", G_VARIANT_TYPE_VARDICT);
  assert_text (served, "subject", "CN=leaf");
  assert_text (served, "issuer", "CN=CA");
  assert_time (served, "not-after", TEST_PKI_NOW + 1);
  assert_time (served, "time", 30);
  assert_count (description, "warnings", 1);
}

static void
test_states (void)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPin) blocked = cpd_pin_new_blocked (host, CPD_LAYER_USER, "a reason");
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);
  g_autoptr (GVariant) of_blocked = describe (blocked, TEST_PKI_NOW);
  g_autoptr (GVariant) of_active = NULL, of_expired = NULL;

  pin->expires = TEST_PKI_NOW;
  of_active = describe (pin, TEST_PKI_NOW - 1);
  of_expired = describe (pin, TEST_PKI_NOW);
  assert_text (of_blocked, "state", "blocked");
  assert_text (of_blocked, "reason", "a reason");
  assert_count (of_blocked, "keys", 0);
  assert_text (of_active, "state", "active");
  assert_text (of_expired, "state", "expired");
}

static void
test_scopes (void)
{
  g_assert_cmpstr (cpd_describe_scope (CPD_LAYER_FILES), ==, "system");
  g_assert_cmpstr (cpd_describe_scope (CPD_LAYER_SYSTEM), ==, "system");
  g_assert_cmpstr (cpd_describe_scope (CPD_LAYER_USER), ==, "user");
  g_assert_cmpstr (cpd_describe_scope (CPD_LAYER_REQUEST), ==, "request");
}

static void
test_mismatch (void)
{
  g_autoptr (TestIdentity) pinned = TEST_IDENTITY (.subject = "pinned");
  g_autoptr (TestIdentity) offered = TEST_IDENTITY (.subject = "offered", .dns = { "h.example" });
  g_autoptr (CpdVerdict) verdict
      = fake_verdict_new ("h.example:443", pinned, offered, CPD_MODE_ENFORCE);
  g_autoptr (GVariant) failure = g_variant_ref_sink (cpd_describe_failure (verdict, TEST_PKI_NOW));
  gint64 time;

  assert_text (failure, "host", "h.example:443");
  assert_text (failure, "error", "PinMismatch");
  assert_text (failure, "scope", "user");
  assert_text (failure, "mode", "enforce");
  assert_text (failure, "subject", "CN=offered");
  assert_text (failure, "issuer", "CN=offered");
  assert_text (failure, "message", verdict->message);
  assert_text (failure, "reason", verdict->reason);
  assert_text (failure, "advice", verdict->advice);
  assert_text (failure, "likely-cause", verdict->likely_cause);
  assert_text (failure, "ocsp", "none");
  assert_count (failure, "pinned-keys", 1);
  assert_count (failure, "offered-keys", 1);
  g_assert_true (g_variant_lookup (failure, "time", "x", &time));
  g_assert_cmpint (time, ==, TEST_PKI_NOW);
}

static void
test_not_pinned (void)
{
  g_autoptr (CpdVerdict) verdict = fake_verdict_new ("h.example:443", NULL, NULL, CPD_MODE_ENFORCE);
  g_autoptr (GVariant) failure = g_variant_ref_sink (cpd_describe_failure (verdict, TEST_PKI_NOW));

  assert_text (failure, "error", "NotPinned");
  assert_text (failure, "reason", "not-pinned");
  assert_text (failure, "subject", NULL);
  assert_text (failure, "ocsp", NULL);
  assert_count (failure, "pinned-keys", 0);
}

/* Returns: (transfer full): the first value of its body */
static GVariant *
read_first (CpdPacket *packet)
{
  g_autoptr (GDBusMessage) message = test_packet_read (packet);

  return g_variant_get_child_value (g_dbus_message_get_body (message), 0);
}

/* Returns: (transfer full): as a reply has it */
static GVariant *
describe_connection (const CpdResponse *response)
{
  g_autoptr (CpdPacket) packet = test_packet_new ("a{sv}", /* descriptor= */ -1);
  CpdMarshalArray entries = cpd_marshal_begin_array (cpd_packet_get_body (packet), 8);

  cpd_describe_connection (response, cpd_packet_get_body (packet));
  cpd_marshal_end_array (cpd_packet_get_body (packet), entries);
  return read_first (packet);
}

static void
test_connection (void)
{
  g_autoptr (GBytes) body = g_bytes_new_static ("12345", 5);
  g_autofree char *url = g_strdup ("https://h.example/");
  const CpdResponse response = { .body = body,
                                 .url = url,
                                 .tls_version = "1.3",
                                 .tls_cipher = "TLS_AES_128_GCM_SHA256",
                                 .reused = TRUE,
                                 .redirects = 2,
                                 .timings = { 1, 2, 3, 4, 5, 6 } };
  g_autoptr (GVariant) info = describe_connection (&response);
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_parsed (
      "{'url': <'https://h.example/'>, 'http-version': <'1.1'>, 'tls-version': <'1.3'>, "
      "'tls-cipher': <'TLS_AES_128_GCM_SHA256'>, 'connection-reused': <true>, "
      "'redirects': <uint32 2>, 'body-bytes': <uint64 5>, 'timings': <{'queue': uint64 1, "
      "'resolve': 2, 'connect': 3, 'tls': 4, 'first-byte': 5, 'total': 6}>}"));

  g_assert_cmpvariant (info, expected);
}

static void
test_connection_of_a_stream (void)
{
  g_autoptr (GBytes) body = g_bytes_new_static ("", 0);
  g_autofree char *proxy = g_strdup ("http://p.example:3128");
  g_autofree char *url = g_strdup ("https://h.example/");
  const CpdResponse response
      = { .body = body, .streams = TRUE, .url = url, .tls_version = "1.2", .proxy = proxy };
  g_autoptr (GVariant) info = describe_connection (&response);

  assert_text (info, "proxy", "http://p.example:3128");
  assert_text (info, "tls-cipher", "");
  g_assert_false (g_variant_lookup (info, "body-bytes", "t", NULL));
}

static void
test_headers (void)
{
  static const char *const headers[] = { "A", "b", "A", "", NULL };
  g_autoptr (CpdPacket) packet = test_packet_new ("a(ss)", /* descriptor= */ -1);
  g_autoptr (GVariant) expected
      = g_variant_ref_sink (g_variant_new_parsed ("[('A', 'b'), ('A', '')]"));
  g_autoptr (GVariant) array = NULL;

  cpd_describe_headers ((GStrv)headers, cpd_packet_get_body (packet));
  array = read_first (packet);
  g_assert_cmpvariant (array, expected);
}

static void
test_evidence (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "leaf", .dns = { "h.example" });
  g_autoptr (CpdVerdict) verdict
      = fake_verdict_new ("h.example:443", identity, identity, CPD_MODE_ENFORCE);
  g_autofree char *key = NULL;
  g_autoptr (CpdPacket) packet = test_packet_new ("a{sv}", /* descriptor= */ -1);
  g_autoptr (GVariant) info = NULL;
  CpdMarshalArray entries;
  guint32 position;
  guint64 generation;

  g_assert_true (verdict->passed);
  verdict->warnings = g_strsplit ("one|two", "|", -1);
  key = certpin_key_to_text (verdict->matched_key);
  entries = cpd_marshal_begin_array (cpd_packet_get_body (packet), 8);
  cpd_describe_evidence (verdict, cpd_packet_get_body (packet));
  cpd_marshal_end_array (cpd_packet_get_body (packet), entries);
  info = read_first (packet);
  assert_text (info, "matched-key", key);
  assert_text (info, "ocsp", "none");
  assert_count (info, "path-keys", 1);
  assert_count (info, "warnings", 2);
  g_assert_true (g_variant_lookup (info, "matched-position", "u", &position));
  g_assert_cmpuint (position, ==, 0);
  g_assert_true (g_variant_lookup (info, "generation", "t", &generation));
  g_assert_cmpuint (generation, ==, 7);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/describe/plain-pin", test_plain_pin);
  g_test_add_func ("/bus/describe/stored", test_stored);
  g_test_add_func ("/bus/describe/full-pin", test_full_pin);
  g_test_add_func ("/bus/describe/sighting", test_sighting);
  g_test_add_func ("/bus/describe/states", test_states);
  g_test_add_func ("/bus/describe/scopes", test_scopes);
  g_test_add_func ("/bus/describe/mismatch", test_mismatch);
  g_test_add_func ("/bus/describe/not-pinned", test_not_pinned);
  g_test_add_func ("/bus/describe/connection", test_connection);
  g_test_add_func ("/bus/describe/connection-of-a-stream", test_connection_of_a_stream);
  g_test_add_func ("/bus/describe/headers", test_headers);
  g_test_add_func ("/bus/describe/evidence", test_evidence);
  return g_test_run ();
}
