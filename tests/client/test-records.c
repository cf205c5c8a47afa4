/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that each entry of a dictionary of the service becomes the property of its name, that what
 * is missing, new or of another type is never an error, and that the words are those of the
 * enumerations. */

#include "config.h"

#include <certpin.h>

/* Every entry of each kind, as the interface descriptions list them. */
static const struct
{
  const char *kind;
  const char *text;
} samples[] = {
  { "CertpinPin",
    "{'host': <'h.example'>, 'scope': <'app'>, 'app': <'snap:demo'>, 'state': <'paused'>, 'keys': "
    "<['k', 'l']>,"
    " 'match': <'path'>, 'mode': <'report'>, 'expires': <int64 1>, 'reason': <'r'>,"
    " 'subject': <'s'>, 'issuer': <'i'>, 'not-after': <int64 2>, 'warnings': <['w']>,"
    " 'last-seen': <int64 3>, 'served': <{'subject': <'t'>, 'time': <int64 4>}>,"
    " 'paused-until': <int64 5>, 'pause-reason': <'p'>, 'paused-by': <'b'>,"
    " 'trust-anchors': <uint32 6>, 'note': <'n'>, 'created': <int64 7>, 'created-by': <'c'>,"
    " 'source': <'/f'>, 'stored': <true>, 'generation': <uint64 8>,"
    " 'applies': <true>, 'why': <'y'>}" },
  { "CertpinPinFile",
    "{'host': <'h.example'>, 'scope': <'user'>, 'name': <'h.example.pin'>, 'text': <'t'>}" },
  { "CertpinPinChange", "{'change': <'keys-added'>, 'scope': <'user'>, 'state': <'paused'>,"
                        " 'generation': <uint64 1>, 'created-by': <'c'>, 'paused-by': <'p'>}" },
  { "CertpinSighting", "{'key': <'k'>, 'position': <uint32 1>, 'keys': <uint32 2>,"
                       " 'scope': <'system'>, 'match': <'path'>}" },
  { "CertpinConnectionEnd", "{'bytes-sent': <uint64 1>, 'bytes-received': <uint64 2>}" },
  { "CertpinImportedPin",
    "{'host': <'h.example'>, 'change': <'replaced'>, 'pin': <{'note': <'n'>}>, "
    "'old': <{'note': <'o'>}>}" },
  { "CertpinCertificate",
    "{'subject': <'s'>, 'issuer': <'i'>, 'key': <'k'>, 'not-before': <int64 1>,"
    " 'not-after': <int64 2>, 'time': <int64 3>, 'fault': <'f'>}" },
  { "CertpinServiceStatus",
    "{'version': <'v'>, 'started': <int64 1>, 'problems': <['p']>, 'last-reload': <int64 2>,"
    " 'reload-error': <'r'>, 'requests-today': <uint64 3>, 'refusals-today': <uint64 4>,"
    " 'warnings': <['w']>, 'advice': <['a']>, 'trust-anchors': <uint32 5>, 'trust-file': <'t'>,"
    " 'state-folder': <'f'>, 'state-problem': <'s'>, 'unstored': <uint32 6>}" },
  { "CertpinExplanation", "{'host': <'h.example:443'>, 'policy': <'p'>, 'paused-until': <int64 1>, "
                          "'proxy': <'direct'>}" },
  { "CertpinFailure",
    "{'error': <'PinMismatch'>, 'message': <'m'>, 'reason': <'key-rotated'>,"
    " 'offered-keys': <['o']>, 'pinned-keys': <['p']>, 'subject': <'s'>, 'issuer': <'i'>,"
    " 'ocsp': <'good'>, 'likely-cause': <'l'>, 'advice': <'a'>, 'host': <'h.example'>,"
    " 'scope': <'user'>, 'mode': <'enforce'>, 'time': <int64 1>, 'requested-by': <'r'>}" },
  { "CertpinEvidence",
    "{'url': <'u'>, 'http-version': <'1.1'>, 'tls-version': <'1.3'>, 'tls-cipher': <'c'>,"
    " 'alpn': <'a'>, 'matched-key': <'m'>, 'matched-position': <uint32 1>, 'path-keys': <['p']>,"
    " 'connection-reused': <true>, 'generation': <uint64 2>, 'redirects': <uint32 3>,"
    " 'body-bytes': <uint64 4>, 'ocsp': <'none'>, 'warnings': <['w']>,"
    " 'report': <{'error': <'PinMismatch'>}>, 'paused-until': <int64 5>, 'proxy': <'x'>}" },
  { "CertpinChain",
    "{'host': <'h.example:443'>, 'trusted': <true>, 'problem': <'expired'>, 'detail': <'d'>,"
    " 'verdict': <'Pass'>, 'reason': <'r'>, 'offered-keys': <['o']>, 'path-keys': <['p']>,"
    " 'matched-key': <'m'>, 'matched-position': <uint32 1>, 'tls-version': <'1.3'>,"
    " 'tls-cipher': <'c'>, 'ocsp': <'none'>, 'handshake-error': <'e'>, 'proxy': <'x'>}" },
};

static GVariant *
parse (const char *text)
{
  return g_variant_ref_sink (g_variant_new_parsed (text));
}

static GObject *
make (const char *kind, GVariant *description)
{
  return g_object_new (g_type_from_name (kind), "description", description, NULL);
}

/* Returns: (transfer full): the property as the service would say it; NULL: it says nothing */
static GVariant *
say (GObject *object, GParamSpec *pspec)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_object_get_property (object, pspec->name, &value);
  if (G_VALUE_HOLDS_STRING (&value) && g_value_get_string (&value) != NULL)
    return g_variant_new_string (g_value_get_string (&value));
  if (G_VALUE_HOLDS_ENUM (&value) && g_value_get_enum (&value) != 0)
    return g_variant_new_string (
        g_enum_get_value (g_type_class_peek (pspec->value_type), g_value_get_enum (&value))
            ->value_nick);
  if (G_VALUE_HOLDS (&value, G_TYPE_STRV) && *(char **)g_value_get_boxed (&value) != NULL)
    return g_variant_new_strv (g_value_get_boxed (&value), -1);
  if (G_VALUE_HOLDS_BOOLEAN (&value) && g_value_get_boolean (&value))
    return g_variant_new_boolean (TRUE);
  if (G_VALUE_HOLDS_UINT (&value) && g_value_get_uint (&value) != 0)
    return g_variant_new_uint32 (g_value_get_uint (&value));
  if (G_VALUE_HOLDS_UINT64 (&value) && g_value_get_uint64 (&value) != 0)
    return g_variant_new_uint64 (g_value_get_uint64 (&value));
  if (G_VALUE_HOLDS (&value, G_TYPE_DATE_TIME) && g_value_get_boxed (&value) != NULL)
    return g_variant_new_int64 (g_date_time_to_unix (g_value_get_boxed (&value)));
  if (G_VALUE_HOLDS (&value, CERTPIN_TYPE_RECORD) && g_value_get_object (&value) != NULL)
    return g_variant_ref (certpin_record_get_description (g_value_get_object (&value)));
  return NULL;
}

static void
assert_says (GObject *object, GVariant *description)
{
  unsigned int n_props = 0, said = 0;
  g_autofree GParamSpec **props
      = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n_props);

  for (unsigned int i = 0; i < n_props; i++)
    {
      g_autoptr (GVariant) is = NULL, expected = NULL;

      if (g_str_equal (props[i]->name, "description"))
        continue;
      is = say (object, props[i]);
      expected = g_variant_lookup_value (description, props[i]->name, NULL);
      g_test_message ("%s", props[i]->name);
      if (is != NULL)
        g_variant_ref_sink (is);
      g_assert_true (is == expected || g_variant_equal (is, expected));
      said += is != NULL;
    }
  g_assert_cmpuint (said, ==, g_variant_n_children (description));
}

static void
test_all_entries (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autoptr (GVariant) description = parse (samples[i].text);
      g_autoptr (GObject) object = make (samples[i].kind, description);

      g_test_message ("%s", samples[i].kind);
      assert_says (object, description);
      g_assert_true (certpin_record_get_description (CERTPIN_RECORD (object)) == description);
      /* None is missing in the sample. */
      g_assert_cmpuint (g_variant_n_children (description), >, 1);
    }
}

static void
test_nothing (void)
{
  g_autoptr (GVariant) nothing = parse ("@a{sv} {}");

  for (size_t i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autoptr (GObject) object = make (samples[i].kind, nothing);
      g_autoptr (GObject) bare = g_object_new (g_type_from_name (samples[i].kind), NULL);

      assert_says (object, nothing);
      assert_says (bare, nothing);
    }
}

/* Each entry has another type than expected. */
static void
test_other_types (void)
{
  g_autoptr (GVariant) nothing = parse ("@a{sv} {}");

  for (size_t i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autoptr (GVariant) description = parse (samples[i].text);
      g_auto (GVariantDict) other = G_VARIANT_DICT_INIT (NULL);
      g_autoptr (GObject) object = NULL;
      GVariantIter iter;
      const char *name;

      g_variant_iter_init (&iter, description);
      while (g_variant_iter_next (&iter, "{&sv}", &name, NULL))
        g_variant_dict_insert (&other, name, "(d)", 1.0);
      object = make (samples[i].kind, g_variant_dict_end (&other));
      assert_says (object, nothing);
    }
}

/* A newer service has words and entries that this library does not know. */
static void
test_new_words (void)
{
  g_autoptr (GVariant) description
      = parse ("{'host': <'h.example'>, 'scope': <'tenant'>, 'state': <'dormant'>,"
               " 'match': <'any'>, 'mode': <'dream'>, 'colour': <'blue'>}");
  g_autoptr (CertpinPin) pin = certpin_pin_new (description);
  g_autoptr (CertpinFailure) failure
      = certpin_failure_new (g_variant_new_parsed ("{'error': <'Bored'>}"));
  const char *colour = NULL;

  g_assert_cmpstr (certpin_pin_get_host (pin), ==, "h.example");
  g_assert_cmpint (certpin_pin_get_scope (pin), ==, CERTPIN_SCOPE_UNKNOWN);
  g_assert_cmpint (certpin_pin_get_state (pin), ==, CERTPIN_STATE_UNKNOWN);
  g_assert_cmpint (certpin_pin_get_match (pin), ==, CERTPIN_MATCH_UNKNOWN);
  g_assert_cmpint (certpin_pin_get_mode (pin), ==, CERTPIN_MODE_UNKNOWN);
  g_assert_cmpint (certpin_failure_get_code (failure), ==, CERTPIN_ERROR_FAILED);
  g_variant_lookup (certpin_record_get_description (CERTPIN_RECORD (pin)), "colour", "&s", &colour);
  g_assert_cmpstr (colour, ==, "blue");
}

static void
test_times (void)
{
  g_autoptr (CertpinPin) pin = certpin_pin_new (
      g_variant_new_parsed ("{'expires': <int64 0>, 'created': <int64 1700000000>, 'not-after': "
                            "<int64 0x7fffffffffffffff>,"
                            " 'last-seen': <int64 -1>}"));
  g_autofree char *created = g_date_time_format_iso8601 (certpin_pin_get_created (pin));

  g_assert_null (certpin_pin_get_expires (pin));
  g_assert_cmpstr (created, ==, "2023-11-14T22:13:20Z");
  g_assert_null (certpin_pin_get_not_after (pin)); /* after the year 9999 */
  g_assert_cmpint (g_date_time_to_unix (certpin_pin_get_last_seen (pin)), ==, -1);
}

static void
test_seen (void)
{
  g_autoptr (CertpinPin) pin
      = certpin_pin_new (g_variant_new_parsed ("{'seen': <{'a': (int64 1, int64 2)}>}"));
  g_autoptr (CertpinPin) unseen = certpin_pin_new (g_variant_new_parsed ("@a{sv} {}"));
  g_autoptr (GDateTime) first = NULL, last = NULL;

  g_assert_true (certpin_pin_lookup_seen (pin, "a", &first, &last));
  g_assert_cmpint (g_date_time_to_unix (first), ==, 1);
  g_assert_cmpint (g_date_time_to_unix (last), ==, 2);
  g_assert_true (certpin_pin_lookup_seen (pin, "a", NULL, NULL));
  g_clear_pointer (&first, g_date_time_unref);
  g_assert_false (certpin_pin_lookup_seen (pin, "b", &first, NULL));
  g_assert_null (first);
  g_assert_false (certpin_pin_lookup_seen (unseen, "a", NULL, NULL));
}

static void
test_parts (void)
{
  g_autoptr (GBytes) first = g_bytes_new_static ("first", 5), second = g_bytes_new_static ("2", 1);
  g_autoptr (GPtrArray) der = g_ptr_array_new ();
  g_autoptr (CertpinChain) chain = NULL;
  g_autoptr (CertpinChain) none = certpin_chain_new (g_variant_new_parsed ("@a{sv} {}"), NULL);
  g_autoptr (GPtrArray) certificates = NULL;
  g_autoptr (GPtrArray) no_certificates = certpin_chain_dup_certificates (none);
  g_autoptr (CertpinEvidence) evidence = certpin_evidence_new (
      g_variant_new_parsed ("{'timings': <{'tls': uint64 7}>, 'report': <{'advice': <'a'>}>}"));

  g_ptr_array_add (der, first);
  g_ptr_array_add (der, second);
  chain = certpin_chain_new (
      g_variant_new_parsed ("{'certificates': <[{'subject': <'s'>}, {'fault': <'not DER'>}]>}"),
      der);
  certificates = certpin_chain_dup_certificates (chain);
  g_assert_cmpuint (certificates->len, ==, 2);
  g_assert_cmpstr (certpin_certificate_get_subject (certificates->pdata[0]), ==, "s");
  g_assert_cmpstr (certpin_certificate_get_fault (certificates->pdata[1]), ==, "not DER");
  g_assert_cmpuint (no_certificates->len, ==, 0);
  g_assert_cmpuint (certpin_chain_get_der (chain)->len, ==, 2);
  g_assert_true (certpin_chain_get_der (chain)->pdata[0] == first);
  g_assert_true (certpin_chain_get_der (chain)->pdata[1] == second);
  g_assert_cmpuint (certpin_chain_get_der (none)->len, ==, 0);
  g_assert_cmpuint (certpin_evidence_get_timing_us (evidence, "tls"), ==, 7);
  g_assert_cmpuint (certpin_evidence_get_timing_us (evidence, "queue"), ==, 0);
  g_assert_cmpstr (certpin_failure_get_advice (certpin_evidence_get_report (evidence)), ==, "a");
}

static void
test_service_status (void)
{
  g_autoptr (CertpinServiceStatus) status = certpin_service_status_new (g_variant_new_parsed (
      "{'pins': <{'user': {'active': uint32 3, 'paused': 1}, 'system': {'blocked': 2}}>,"
      " 'blocked': <[{'host': <'a.example'>}, {'host': <'b.example'>}]>}"));
  g_autoptr (CertpinServiceStatus) none
      = certpin_service_status_new (g_variant_new_parsed ("{'pins': <7>}"));
  g_autoptr (GPtrArray) blocked = certpin_service_status_dup_blocked (status);
  g_autoptr (GPtrArray) no_blocked = certpin_service_status_dup_blocked (none);

  g_assert_cmpuint (
      certpin_service_status_count_pins (status, CERTPIN_SCOPE_USER, CERTPIN_STATE_ACTIVE), ==, 3);
  g_assert_cmpuint (
      certpin_service_status_count_pins (status, CERTPIN_SCOPE_USER, CERTPIN_STATE_PAUSED), ==, 1);
  g_assert_cmpuint (
      certpin_service_status_count_pins (status, CERTPIN_SCOPE_SYSTEM, CERTPIN_STATE_BLOCKED), ==,
      2);
  g_assert_cmpuint (
      certpin_service_status_count_pins (status, CERTPIN_SCOPE_SYSTEM, CERTPIN_STATE_ACTIVE), ==,
      0);
  g_assert_cmpuint (certpin_service_status_count_pins (status, (CertpinScope)99, (CertpinState)-1),
                    ==, 0);
  g_assert_cmpuint (
      certpin_service_status_count_pins (none, CERTPIN_SCOPE_USER, CERTPIN_STATE_ACTIVE), ==, 0);
  g_assert_cmpuint (blocked->len, ==, 2);
  g_assert_cmpstr (certpin_pin_get_host (blocked->pdata[1]), ==, "b.example");
  g_assert_cmpuint (no_blocked->len, ==, 0);
}

static void
test_explanation (void)
{
  g_autoptr (CertpinExplanation) explanation = certpin_explanation_new (
      g_variant_new_parsed ("{'pins': <[{'host': <'h.example'>, 'applies': <true>, 'why': <'w'>},"
                            " {'host': <'*.example'>}]>}"));
  g_autoptr (CertpinExplanation) none
      = certpin_explanation_new (g_variant_new_parsed ("@a{sv} {}"));
  g_autoptr (GPtrArray) pins = certpin_explanation_dup_pins (explanation);
  g_autoptr (GPtrArray) no_pins = certpin_explanation_dup_pins (none);

  g_assert_cmpuint (pins->len, ==, 2);
  g_assert_true (certpin_pin_get_applies (pins->pdata[0]));
  g_assert_cmpstr (certpin_pin_get_why (pins->pdata[0]), ==, "w");
  g_assert_false (certpin_pin_get_applies (pins->pdata[1]));
  g_assert_cmpuint (no_pins->len, ==, 0);
}

static void
test_response (void)
{
  g_autoptr (GBytes) body = g_bytes_new_static ("body", 4);
  g_autoptr (CertpinEvidence) evidence
      = certpin_evidence_new (g_variant_new_parsed ("{'url': <'https://h.example/'>}"));
  g_autoptr (CertpinResponse) response = certpin_response_new (
      404, g_variant_new_parsed ("[('A', '1'), ('B', '2'), ('a', '3')]"), body, evidence);

  g_assert_cmpuint (certpin_response_get_status (response), ==, 404);
  g_assert_true (g_bytes_equal (certpin_response_get_body (response), body));
  g_assert_cmpuint (g_variant_n_children (certpin_response_get_headers (response)), ==, 3);
  g_assert_cmpstr (certpin_response_get_header (response, "a"), ==, "1");
  g_assert_null (certpin_response_get_header (response, "c"));
  g_assert_true (certpin_response_get_evidence (response) == evidence);
}

/* Of entries with the same name, which D-Bus allows, the first counts, whatever its type. */
static void
test_same_name (void)
{
  g_autoptr (GVariant) description = g_variant_ref_sink (
      g_variant_new_parsed ("[{'host', <'first'>}, {'host', <'second'>}, {'note', <int32 1>}, "
                            "{'note', <'text'>}, {'scope', <'tenant'>}, {'scope', <'user'>}]"));
  g_autoptr (CertpinPin) pin = certpin_pin_new (description);

  g_assert_cmpstr (certpin_pin_get_host (pin), ==, "first");
  g_assert_null (certpin_pin_get_note (pin));
  g_assert_cmpint (certpin_pin_get_scope (pin), ==, CERTPIN_SCOPE_UNKNOWN);
}

/* Each code is found by its name. */
static void
test_codes (void)
{
  for (int code = 0; code <= CERTPIN_ERROR_PROXY_AUTH_REQUIRED; code++)
    {
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
      g_autoptr (CertpinFailure) failure = NULL;

      g_variant_dict_insert (&dict, "error", "s", certpin_error_get_name ((CertpinError)code));
      failure = certpin_failure_new (g_variant_dict_end (&dict));
      g_assert_cmpint (certpin_failure_get_code (failure), ==, code);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_type_ensure (CERTPIN_TYPE_PIN);
  g_type_ensure (CERTPIN_TYPE_PIN_FILE);
  g_type_ensure (CERTPIN_TYPE_IMPORTED_PIN);
  g_type_ensure (CERTPIN_TYPE_PIN_CHANGE);
  g_type_ensure (CERTPIN_TYPE_SIGHTING);
  g_type_ensure (CERTPIN_TYPE_CONNECTION_END);
  g_type_ensure (CERTPIN_TYPE_CERTIFICATE);
  g_type_ensure (CERTPIN_TYPE_FAILURE);
  g_type_ensure (CERTPIN_TYPE_EVIDENCE);
  g_type_ensure (CERTPIN_TYPE_CHAIN);
  g_type_ensure (CERTPIN_TYPE_EXPLANATION);
  g_type_ensure (CERTPIN_TYPE_SERVICE_STATUS);
  g_test_add_func ("/client/records/all-entries", test_all_entries);
  g_test_add_func ("/client/records/nothing", test_nothing);
  g_test_add_func ("/client/records/other-types", test_other_types);
  g_test_add_func ("/client/records/new-words", test_new_words);
  g_test_add_func ("/client/records/times", test_times);
  g_test_add_func ("/client/records/seen", test_seen);
  g_test_add_func ("/client/records/parts", test_parts);
  g_test_add_func ("/client/records/service-status", test_service_status);
  g_test_add_func ("/client/records/explanation", test_explanation);
  g_test_add_func ("/client/records/response", test_response);
  g_test_add_func ("/client/records/same-name", test_same_name);
  g_test_add_func ("/client/records/codes", test_codes);
  return g_test_run ();
}
