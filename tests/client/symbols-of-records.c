/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves of the records what test-symbols.c proves of all functions: each getter refuses NULL and
 * an object of another class. */

#include "config.h"

#include "symbols-of-records.h"

#include "tests/client/criticals.h"

#include <certpin.h>

typedef void (*Mark) (const char *function);

/* What a getter returns for a wrong argument is 0, NULL or FALSE. */
#define TRY(getter)                                                                                \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_true (getter (NULL) == 0);                                                            \
    assert_criticals (1);                                                                          \
    g_assert_true (getter (stranger) == 0);                                                        \
    assert_criticals (1);                                                                          \
    mark (#getter);                                                                                \
  }                                                                                                \
  G_STMT_END

#define TRY_WITH(getter, ...)                                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_true (getter (__VA_ARGS__) == 0);                                                     \
    assert_criticals (1);                                                                          \
    mark (#getter);                                                                                \
  }                                                                                                \
  G_STMT_END

/* A constructor takes an `a{sv}` and nothing else. */
#define TRY_NEW(type, low)                                                                         \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_true (certpin_##low##_get_type () == type);                                           \
    mark ("certpin_" #low "_get_type");                                                            \
    TRY_WITH (certpin_##low##_new, NULL);                                                          \
    TRY_WITH (certpin_##low##_new, wrong);                                                         \
  }                                                                                                \
  G_STMT_END

static void
try_types (Mark mark)
{
  static const struct
  {
    GType (*get_type) (void);
    const char *name;
  } types[] = {
    { certpin_error_get_type, "certpin_error_get_type" },
    { certpin_scope_get_type, "certpin_scope_get_type" },
    { certpin_state_get_type, "certpin_state_get_type" },
    { certpin_match_get_type, "certpin_match_get_type" },
    { certpin_mode_get_type, "certpin_mode_get_type" },
    { certpin_import_change_get_type, "certpin_import_change_get_type" },
    { certpin_change_get_type, "certpin_change_get_type" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_assert_true (G_TYPE_IS_ENUM (types[i].get_type ()));
      mark (types[i].name);
    }
  g_assert_true (G_TYPE_IS_ABSTRACT (certpin_record_get_type ()));
  mark ("certpin_record_get_type");
}

static void
try_pin (gpointer stranger, GVariant *wrong, Mark mark)
{
  g_autoptr (CertpinPin) pin = certpin_pin_new (g_variant_new ("a{sv}", NULL));

  TRY_NEW (CERTPIN_TYPE_PIN, pin);
  TRY (certpin_pin_get_host);
  TRY (certpin_pin_get_scope);
  TRY (certpin_pin_get_app);
  TRY (certpin_pin_get_state);
  TRY (certpin_pin_get_keys);
  TRY (certpin_pin_get_match);
  TRY (certpin_pin_get_mode);
  TRY (certpin_pin_get_expires);
  TRY (certpin_pin_get_reason);
  TRY (certpin_pin_get_subject);
  TRY (certpin_pin_get_issuer);
  TRY (certpin_pin_get_not_after);
  TRY (certpin_pin_get_warnings);
  TRY (certpin_pin_get_last_seen);
  TRY (certpin_pin_get_served);
  TRY (certpin_pin_get_paused_until);
  TRY (certpin_pin_get_pause_reason);
  TRY (certpin_pin_get_paused_by);
  TRY (certpin_pin_get_trust_anchors);
  TRY (certpin_pin_get_note);
  TRY (certpin_pin_get_created);
  TRY (certpin_pin_get_created_by);
  TRY (certpin_pin_get_source);
  TRY (certpin_pin_get_stored);
  TRY (certpin_pin_get_generation);
  TRY (certpin_pin_get_applies);
  TRY (certpin_pin_get_why);
  TRY_WITH (certpin_pin_lookup_seen, NULL, "key", NULL, NULL);
  TRY_WITH (certpin_pin_lookup_seen, stranger, "key", NULL, NULL);
  TRY_WITH (certpin_pin_lookup_seen, pin, NULL, NULL, NULL);
}

static void
try_pin_file (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_PIN_FILE, pin_file);
  TRY (certpin_pin_file_get_host);
  TRY (certpin_pin_file_get_scope);
  TRY (certpin_pin_file_get_name);
  TRY (certpin_pin_file_get_text);
}

static void
try_imported_pin (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_IMPORTED_PIN, imported_pin);
  TRY (certpin_imported_pin_get_host);
  TRY (certpin_imported_pin_get_change);
  TRY (certpin_imported_pin_get_pin);
  TRY (certpin_imported_pin_get_old);
}

static void
try_pin_change (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_PIN_CHANGE, pin_change);
  TRY (certpin_pin_change_get_change);
  TRY (certpin_pin_change_get_scope);
  TRY (certpin_pin_change_get_state);
  TRY (certpin_pin_change_get_generation);
  TRY (certpin_pin_change_get_created_by);
  TRY (certpin_pin_change_get_paused_by);
}

static void
try_sighting (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_SIGHTING, sighting);
  TRY (certpin_sighting_get_key);
  TRY (certpin_sighting_get_position);
  TRY (certpin_sighting_get_keys);
  TRY (certpin_sighting_get_scope);
  TRY (certpin_sighting_get_match);
}

static void
try_connection_end (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_CONNECTION_END, connection_end);
  TRY (certpin_connection_end_get_bytes_sent);
  TRY (certpin_connection_end_get_bytes_received);
}

static void
try_certificate (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_CERTIFICATE, certificate);
  TRY (certpin_certificate_get_subject);
  TRY (certpin_certificate_get_issuer);
  TRY (certpin_certificate_get_key);
  TRY (certpin_certificate_get_not_before);
  TRY (certpin_certificate_get_not_after);
  TRY (certpin_certificate_get_time);
  TRY (certpin_certificate_get_fault);
}

static void
try_service_status (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_SERVICE_STATUS, service_status);
  TRY (certpin_service_status_get_version);
  TRY (certpin_service_status_get_started);
  TRY (certpin_service_status_get_problems);
  TRY (certpin_service_status_get_last_reload);
  TRY (certpin_service_status_get_reload_error);
  TRY (certpin_service_status_get_requests_today);
  TRY (certpin_service_status_get_refusals_today);
  TRY (certpin_service_status_get_warnings);
  TRY (certpin_service_status_get_advice);
  TRY (certpin_service_status_get_trust_anchors);
  TRY (certpin_service_status_get_trust_file);
  TRY (certpin_service_status_get_state_folder);
  TRY (certpin_service_status_get_state_problem);
  TRY (certpin_service_status_get_unstored);
  TRY (certpin_service_status_dup_blocked);
  TRY_WITH (certpin_service_status_count_pins, NULL, CERTPIN_SCOPE_USER, CERTPIN_STATE_ACTIVE);
  TRY_WITH (certpin_service_status_count_pins, stranger, CERTPIN_SCOPE_USER, CERTPIN_STATE_ACTIVE);
}

static void
try_explanation (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_EXPLANATION, explanation);
  TRY (certpin_explanation_get_host);
  TRY (certpin_explanation_get_policy);
  TRY (certpin_explanation_get_paused_until);
  TRY (certpin_explanation_get_proxy);
  TRY (certpin_explanation_dup_pins);
}

static void
try_failure (gpointer stranger, GVariant *wrong, Mark mark)
{
  TRY_NEW (CERTPIN_TYPE_FAILURE, failure);
  TRY (certpin_failure_get_error);
  TRY (certpin_failure_get_code);
  TRY (certpin_failure_get_message);
  TRY (certpin_failure_get_reason);
  TRY (certpin_failure_get_offered_keys);
  TRY (certpin_failure_get_pinned_keys);
  TRY (certpin_failure_get_subject);
  TRY (certpin_failure_get_issuer);
  TRY (certpin_failure_get_ocsp);
  TRY (certpin_failure_get_likely_cause);
  TRY (certpin_failure_get_advice);
  TRY (certpin_failure_get_host);
  TRY (certpin_failure_get_scope);
  TRY (certpin_failure_get_mode);
  TRY (certpin_failure_get_time);
  TRY (certpin_failure_get_requested_by);
}

static void
try_evidence (gpointer stranger, GVariant *wrong, Mark mark)
{
  g_autoptr (CertpinEvidence) evidence = certpin_evidence_new (g_variant_new ("a{sv}", NULL));

  TRY_NEW (CERTPIN_TYPE_EVIDENCE, evidence);
  TRY (certpin_evidence_get_url);
  TRY (certpin_evidence_get_http_version);
  TRY (certpin_evidence_get_tls_version);
  TRY (certpin_evidence_get_tls_cipher);
  TRY (certpin_evidence_get_alpn);
  TRY (certpin_evidence_get_matched_key);
  TRY (certpin_evidence_get_matched_position);
  TRY (certpin_evidence_get_path_keys);
  TRY (certpin_evidence_get_connection_reused);
  TRY (certpin_evidence_get_generation);
  TRY (certpin_evidence_get_redirects);
  TRY (certpin_evidence_get_body_bytes);
  TRY (certpin_evidence_get_ocsp);
  TRY (certpin_evidence_get_warnings);
  TRY (certpin_evidence_get_report);
  TRY (certpin_evidence_get_paused_until);
  TRY (certpin_evidence_get_proxy);
  TRY_WITH (certpin_evidence_get_timing_us, NULL, "tls");
  TRY_WITH (certpin_evidence_get_timing_us, stranger, "tls");
  TRY_WITH (certpin_evidence_get_timing_us, evidence, NULL);
}

static void
try_chain (gpointer stranger, GVariant *wrong, Mark mark)
{
  g_assert_true (certpin_chain_get_type () == CERTPIN_TYPE_CHAIN);
  mark ("certpin_chain_get_type");
  TRY_WITH (certpin_chain_new, NULL, NULL);
  TRY_WITH (certpin_chain_new, wrong, NULL);
  TRY (certpin_chain_get_host);
  TRY (certpin_chain_get_trusted);
  TRY (certpin_chain_get_problem);
  TRY (certpin_chain_get_detail);
  TRY (certpin_chain_get_verdict);
  TRY (certpin_chain_get_reason);
  TRY (certpin_chain_get_offered_keys);
  TRY (certpin_chain_get_path_keys);
  TRY (certpin_chain_get_matched_key);
  TRY (certpin_chain_get_matched_position);
  TRY (certpin_chain_get_tls_version);
  TRY (certpin_chain_get_tls_cipher);
  TRY (certpin_chain_get_ocsp);
  TRY (certpin_chain_get_handshake_error);
  TRY (certpin_chain_get_proxy);
  TRY (certpin_chain_get_der);
  TRY (certpin_chain_dup_certificates);
}

static void
try_pin_list (gpointer stranger, Mark mark)
{
  g_assert_true (certpin_pin_list_get_type () == CERTPIN_TYPE_PIN_LIST);
  mark ("certpin_pin_list_get_type");
  TRY (certpin_pin_list_new);
  TRY (certpin_pin_list_get_loading);
  TRY (certpin_pin_list_get_error);
  certpin_pin_list_reload (NULL);
  assert_criticals (1);
  certpin_pin_list_reload (stranger);
  assert_criticals (1);
  mark ("certpin_pin_list_reload");
}

/* `mark`: is called with the name of each function that was tried */
void
try_records (gpointer stranger, void (*mark) (const char *function))
{
  g_autoptr (GVariant) wrong = g_variant_ref_sink (g_variant_new ("a{ss}", NULL));

  try_types (mark);
  TRY (certpin_record_get_description);
  try_pin (stranger, wrong, mark);
  try_pin_file (stranger, wrong, mark);
  try_imported_pin (stranger, wrong, mark);
  try_pin_change (stranger, wrong, mark);
  try_sighting (stranger, wrong, mark);
  try_connection_end (stranger, wrong, mark);
  try_certificate (stranger, wrong, mark);
  try_service_status (stranger, wrong, mark);
  try_explanation (stranger, wrong, mark);
  try_failure (stranger, wrong, mark);
  try_evidence (stranger, wrong, mark);
  try_chain (stranger, wrong, mark);
  try_pin_list (stranger, mark);
}
