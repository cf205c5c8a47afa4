/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a pin comes back from its file as it was, that nothing in a file is passed over in
 * silence, and that the hosts of a bad file are known where they can be. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/pins/cpd-pin-file.h"
#include "tests/lib/test-core.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

#define HEADER "[Pin File]\nVersion=1\n"
#define KEY    "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PIN    HEADER "[Pin]\nHost=h.example\nKeys=" KEY "\n"

static GPtrArray *
parse (const char *text, const CpdPinFileContext *context, GPtrArray **hosts, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return cpd_pin_file_parse (bytes, context, hosts, error);
}

static GPtrArray *
parse_good (const char *text)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_FILES, .source = "/nowhere/a.pin" };
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *pins = parse (text, &context, &hosts, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (hosts->len, ==, pins->len);
  return pins;
}

/* `host`: the host that the file speaks of, nevertheless; NULL: it cannot be known. */
static void
assert_refused (const char *text, const char *host)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_SYSTEM, .source = "/nowhere/a.pin" };
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pins = parse (text, &context, &hosts, &error);

  if (pins != NULL || (hosts != NULL) != (host != NULL))
    g_test_message ("%s", text);
  g_assert_null (pins);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_assert_nonnull (strstr (error->message, "/nowhere/a.pin"));
  if (host == NULL)
    g_assert_null (hosts);
  else
    g_assert_cmpstr (cpd_host_get_text (hosts->pdata[0]), ==, host);
}

/* Whether there is a problem of that line which says that; NULL: whether there is none. */
static gboolean
is_told (GPtrArray *problems, size_t line, const char *told)
{
  g_autofree char *begin = g_strdup_printf ("/nowhere/a.pin:%" G_GSIZE_FORMAT ": ", line);

  for (unsigned int i = 0; i < problems->len; i++)
    {
      g_autofree char *text = cpd_fault_to_text (problems->pdata[i]);

      g_test_message ("%s", text);
      if (g_str_has_prefix (text, begin))
        return told != NULL && strstr (text, told) != NULL;
    }
  return told == NULL;
}

static CpdPin *
print_and_parse (const CpdPin *pin, const char *account)
{
  const CpdPinFileContext context
      = { .layer = pin->layer, .source = "/nowhere/h.example.pin", .account = account };
  g_autoptr (GBytes) text = cpd_pin_file_print (pin, account);
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pins = cpd_pin_file_parse (text, &context, &hosts, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (pins->len, ==, 1);
  return cpd_pin_ref (pins->pdata[0]);
}

static void
test_round_trip_usual (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);
  g_autoptr (CpdPin) again = print_and_parse (pin, "somebody");
  g_autofree char *source = cpd_pin_source_build_path (again->source);

  g_assert_true (cpd_pin_says_the_same (pin, again));
  g_assert_cmpstr (source, ==, "/nowhere/h.example.pin");
}

static void
test_round_trip_everything (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "Cá; \\ = [CA]", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example", .issuer = ca);
  g_autoptr (CpdCertificate) certificate = test_certificate (leaf);
  g_autoptr (CpdPin) pin = test_pin ("**.h.example:8443", CPD_LAYER_SYSTEM, 1);
  g_autoptr (CpdPin) again = NULL;

  cpd_pin_take_certificate (pin, certificate, TEST_PKI_NOW);
  pin->match = CPD_MATCH_PATH;
  pin->mode = CPD_MODE_REPORT;
  pin->expires = 4102444800;
  pin->anchors = test_anchors (ca, NULL);
  pin->note = g_strdup ("  a note; with “quotes”, \\ and spaces  ");
  pin->created = TEST_PKI_NOW;
  pin->created_by = g_strdup ("program (uid 1000)");
  g_strfreev (pin->warnings);
  pin->warnings = g_strsplit ("one; two|three", "|", -1);
  again = print_and_parse (pin, NULL);
  g_assert_true (cpd_pin_says_the_same (pin, again));
  g_assert_cmpstr (again->note, ==, pin->note);
  g_assert_cmpstr (again->subject, ==, pin->subject);
  g_assert_cmpstr (again->issuer, ==, pin->issuer);
  g_assert_cmpstr (again->created_by, ==, pin->created_by);
  g_assert_cmpint (again->created, ==, pin->created);
  g_assert_cmpint (again->not_after, ==, pin->not_after);
  g_assert_cmpstrv (again->warnings, pin->warnings);
}

static void
test_round_trip_pause (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_SYSTEM, 1);
  g_autoptr (CpdPin) again = NULL, without = cpd_pin_copy (pin), later = cpd_pin_copy (pin);
  const CpdUptime began = { .boot = "aa-bb", .us = -123456789 };

  cpd_pin_take_pause (
      pin, cpd_pause_new (100, 100 + CPD_PAUSE_MAX_S, "  why; so  ", "x (uid 7)", &began));
  cpd_pin_take_pause (later,
                      cpd_pause_new (101, 100 + CPD_PAUSE_MAX_S, "  why; so  ", "x (uid 7)", NULL));
  again = print_and_parse (pin, NULL);
  g_assert_true (cpd_pin_says_the_same (pin, again));
  g_assert_false (cpd_pin_says_the_same (pin, without));
  g_assert_false (cpd_pin_says_the_same (without, pin));
  g_assert_false (cpd_pin_says_the_same (pin, later));
  g_assert_cmpint (again->pause->since, ==, 100);
  g_assert_cmpint (again->pause->until, ==, 100 + CPD_PAUSE_MAX_S);
  g_assert_cmpstr (again->pause->reason, ==, "  why; so  ");
  g_assert_cmpstr (again->pause->by, ==, "x (uid 7)");
  g_assert_cmpstr (again->pause->began.boot, ==, "aa-bb");
  g_assert_cmpint (again->pause->began.us, ==, -123456789);
}

#define PAUSE PIN "PausedSince=100\nPausedUntil=200\nPauseReason=why\n"

/* A pause could be written by hand, so it is read as strictly as the rest. */
static void
test_refuses_pauses (void)
{
  static const char *const texts[] = {
    PIN "PausedUntil=200\nPauseReason=why\n",
    PIN "PausedSince=100\nPauseReason=why\n",
    PIN "PausedSince=100\nPausedUntil=200\n",
    PIN "PausedSince=100\nPausedUntil=100\nPauseReason=why\n",
    PIN "PausedSince=200\nPausedUntil=100\nPauseReason=why\n",
    PIN "PausedSince=100\nPausedUntil=86501\nPauseReason=why\n",
    PIN "PausedSince=-9223372036854775808\nPausedUntil=9223372036854775807\nPauseReason=why\n",
    PIN "PausedSince=100\nPausedUntil=soon\nPauseReason=why\n",
    PIN "PausedSince=100\nPausedUntil=200\nPauseReason=a\\nb\n",
    PIN "PausedSince=100\nPausedUntil=200\nPauseReason=why\nPausedBy=\\q\n",
    PAUSE "PausedBoot=aa\n",
    PAUSE "PausedUptime=1\n",
    PAUSE "PausedBoot=aa\nPausedUptime=soon\n",
    PAUSE "PausedBoot=aa\nPausedUptime=1152921504606846977\n",
    PAUSE "PausedBoot=aa\nPausedUptime=-1152921504606846977\n",
    PAUSE "PausedBoot=0123456789012345678901234567890123456\nPausedUptime=1\n",
    PIN "PauseReason=why\n",
    PIN "PausedBy=me\n",
    HEADER "[a]\nHost=h.example\nState=blocked\n"
           "PausedSince=100\nPausedUntil=200\nPauseReason=why\n",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], "h.example");
}

/* A pause ends by itself, which an administrator's file cannot do. */
static void
test_refuses_pauses_of_files (void)
{
  static const char *const lines[] = { "PausedSince=100",
                                       "PausedUntil=200",
                                       "PauseReason=why",
                                       "PausedBy=me",
                                       "PausedBoot=aa",
                                       "PausedUptime=1",
                                       "PausedSince=100\nPausedUntil=200\nPauseReason=why" };
  const CpdPinFileContext context = { .layer = CPD_LAYER_FILES, .source = "/nowhere/a.pin" };

  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *text = g_strconcat (PIN, lines[i], "\n", NULL);
      g_autoptr (GPtrArray) hosts = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (text, &context, &hosts, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
      g_assert_nonnull (strstr (error->message, "Mode=report"));
    }
}

static void
test_round_trip_block (void)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPin) pin = cpd_pin_new_blocked (host, CPD_LAYER_USER, "given as PEM");
  g_autoptr (CpdPin) again = print_and_parse (pin, NULL);

  g_assert_cmpint (again->state, ==, CPD_STATE_BLOCKED);
  g_assert_cmpstr (again->reason, ==, "given as PEM");
  g_assert_cmpuint (again->keys->len, ==, 0);
}

static void
test_written_by_hand (void)
{
  g_autoptr (GPtrArray) pins = parse_good (
      "# a comment\n\n[Pin File]\nVersion=1\n\n[one]\nHost = H.example.\nKeys=" KEY ";\n"
      "[two]\nHost=*.h.example\nKeys=" KEY ";pin-sha256=\""
      "EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE=\"\nMatch=path\nMode=report\n");
  const CpdPin *one = pins->pdata[0], *two = pins->pdata[1];

  g_assert_cmpuint (pins->len, ==, 2);
  g_assert_cmpstr (cpd_host_get_text (one->host), ==, "h.example");
  g_assert_cmpint (one->match, ==, CPD_MATCH_LEAF);
  g_assert_cmpint (one->mode, ==, CPD_MODE_ENFORCE);
  g_assert_cmpint (one->state, ==, CPD_STATE_ACTIVE);
  g_assert_cmpint (two->match, ==, CPD_MATCH_PATH);
  g_assert_cmpint (two->mode, ==, CPD_MODE_REPORT);
  g_assert_cmpuint (two->keys->len, ==, 2);
}

static void
test_windows_lines (void)
{
  g_autoptr (GPtrArray) pins
      = parse_good ("[Pin File]\r\nVersion=1\r\n[a]\r\nHost=h.example\r\nKeys=" KEY "\r\n");

  g_assert_cmpuint (pins->len, ==, 1);
}

static void
test_refuses_headers (void)
{
  static const char *const texts[] = {
    "",
    "\n",
    "hello",
    "[Pin]\nHost=h.example\nKeys=" KEY "\n",
    "[Pin File]\n[a]\nHost=h.example\nKeys=" KEY "\n",
    "[Pin File]\nVersion=2\n[a]\nHost=h.example\nKeys=" KEY "\n",
    "[Pin File]\nVersion=1.0\n",
    "[Pin File]\nVersion=\n",
    "[Pin File]\nVersion=1\\\n",
    "[Pin File]\nVersion=1\nOther=1\n",
    "[a]\nHost=h.example\nKeys=" KEY "\n[Pin File]\nVersion=1\n",
    "Version=1\n" PIN,
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], NULL);
}

static void
test_refuses_repetition (void)
{
  static const char *const texts[] = {
    PIN "Keys=" KEY "\n", PIN "Host=other.example\n", PIN "[Pin]\nMode=report\n",
    PIN " [Pin] \n",      PIN "  Keys = " KEY "\n",   PIN "[Pin File]\nVersion=1\n",
    HEADER "Version=1\n",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], NULL);
}

static void
test_refuses_what_is_no_text (void)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_SYSTEM, .source = "/nowhere/a.pin" };
  g_autoptr (GBytes) with_nul = g_bytes_new_static (PIN "\0[b]\n", sizeof PIN + 5);
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_pin_file_parse (with_nul, &context, &hosts, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_assert_null (hosts);
  assert_refused (PIN "Note=\xff\n", NULL);
}

static void
test_refuses_unknown_hosts (void)
{
  static const char *const texts[]
      = { HEADER "[a]\nKeys=" KEY "\n", HEADER "[a]\nHost=\nKeys=" KEY "\n",
          HEADER "[a]\nHost=a..b\nKeys=" KEY "\n", HEADER "[a]\nHost=h.example\\\nKeys=" KEY "\n",
          PIN "[b]\nHost=*.com\nKeys=" KEY "\n" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], NULL);
}

static void
test_refuses_values_of_known_hosts (void)
{
  static const char *const texts[] = {
    PIN "Other=1\n",
    PIN "Match=both\n",
    PIN "Match=\n",
    PIN "Match=Leaf\n",
    PIN "Match=leaf\\\n", /* what GLib reads as “leaf”, and calls an error */
    PIN "Match=\\q\n",
    PIN "Mode=off\n",
    PIN "State=paused\n",
    PIN "Expires=soon\n",
    PIN "Expires=-1\n",
    PIN "Expires=9\\\n",
    PIN "Expires=1 \\n\n",
    PIN "Expires=99999999999999999999\n",
    PIN "Expires=253402300800\n",
    PIN "Expires=9223372036854775807\n",
    PIN "NotAfter=soon\n",
    PIN "Created=today\n",
    PIN "Note=\\q\n",
    PIN "Note=a\\nb\n",
    PIN "Note=a\xe2\x80\xae"
        "b\n",
    PIN "TrustAnchors=\n",
    PIN "TrustAnchors=MII=\n",
    PIN "TrustAnchors=ca.der\n",
    PIN "State=blocked\n",
    HEADER "[a]\nHost=h.example\n",
    HEADER "[a]\nHost=h.example\nKeys=\n",
    HEADER "[a]\nHost=h.example\nKeys=sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n",
    HEADER "[a]\nHost=h.example\nKeys=" KEY ";nonsense\n",
    HEADER "[a]\nHost=h.example\nKeys=" KEY
           ";sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    HEADER "[a]\nHost=h.example\nKeys=" KEY ";;\n",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], "h.example");
}

/* GKeyFile leaves out what is in another language, unless it is told not to. */
static void
test_refuses_translations (void)
{
  assert_refused (PIN "Keys[de]=" KEY "\n", "h.example");
}

static void
test_refuses_junk_in_anchors (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  gsize length;
  const guint8 *der = g_bytes_get_data (test_identity_get_certificate (ca), &length);
  g_autofree char *base64 = g_base64_encode (der, length);
  g_autofree char *good = g_strconcat (PIN "TrustAnchors=", base64, "\n", NULL);
  g_autofree char *bad = g_strconcat (PIN "TrustAnchors=!?", base64, "\n", NULL);
  g_autoptr (GPtrArray) pins = parse_good (good);

  g_assert_cmpuint (pins->len, ==, 1);
  assert_refused (bad, "h.example");
}

/* What is wrong with a file of several lines, and where. */
static void
test_everything_is_told (void)
{
  static const struct
  {
    const char *line;
    const char *told;
  } lines[] = {
    { "[Pin File]", NULL },
    { "Version=1", NULL },
    { "Other=1", "Other=: no such key" },
    { "what is this", "what is this" },
    { "[a]", "Keys=: there are none" },
    { "Host=a..b", "a..b" },
    { "Match=both", "Match=: ‘both’" },
    { "[b]", NULL },
    { "  Host = h.example", NULL },
    { "Keys=" KEY ";nonsense;sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "nonsense" },
    { "Expires=1", "Expires=: ‘soon’" }, /* the last one is read, and told of where the first is */
    { "Expires=soon", "repeats" },
    { "# fine", NULL },
    { "[c]", NULL },
    { "Host=i.example", NULL },
    { "Keys=" KEY, NULL },
    { "TrustAnchors=MII=", "trust anchor 1" },
    { "Note=\\q", "Note" },
  };
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) problems = cpd_faults_new ();
  const CpdPinFileContext context
      = { .layer = CPD_LAYER_FILES, .source = "/nowhere/a.pin", .problems = problems };
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    g_string_append_printf (text, "%s\n", lines[i].line);
  g_assert_null (parse (text->str, &context, &hosts, &error));
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    g_assert_true (is_told (problems, i + 1, lines[i].told));
  g_assert_cmpuint (problems->len, ==, 11); /* two of the keys in line 10 */
  first = cpd_fault_to_text (problems->pdata[0]);
  g_assert_cmpstr (error->message, ==, first);
}

/* A host that is missing is told as such, and nothing of the name that stands for it. */
static void
test_host_is_missing (void)
{
  g_autoptr (GPtrArray) problems = cpd_faults_new ();
  const CpdPinFileContext context
      = { .layer = CPD_LAYER_USER, .at_run_time = TRUE, .problems = problems };
  g_autoptr (GPtrArray) hosts = NULL;
  g_autofree char *told = NULL;

  g_assert_null (parse (HEADER "[a]\nKeys=" KEY "\n[b]\nKeys=" KEY "\n", &context, &hosts, NULL));
  told = cpd_faults_summarise (problems, 1000);
  g_assert_cmpstr (told, ==,
                   "line 3: Host=: it is missing; add it; line 5: Host=: it is missing; add it");
}

/* Nobody reads more than that, and the journal is others', too. */
static void
test_not_too_much_is_told (void)
{
  g_autoptr (GString) text = g_string_new (PIN);
  g_autoptr (GPtrArray) problems = cpd_faults_new ();
  const CpdPinFileContext context
      = { .layer = CPD_LAYER_FILES, .source = "/nowhere/a.pin", .problems = problems };
  g_autoptr (GPtrArray) hosts = NULL;

  for (int i = 0; i < 1000; i++)
    g_string_append (text, "nonsense\n");
  g_assert_null (parse (text->str, &context, &hosts, NULL));
  g_assert_cmpuint (problems->len, ==, 101);
  g_assert_cmpuint (((CpdFault *)problems->pdata[100])->more, ==, 900);
  g_assert_cmpuint (cpd_faults_count (problems), ==, 1000);
}

static void
test_account (void)
{
  const CpdPinFileContext context
      = { .layer = CPD_LAYER_USER, .source = "/nowhere/a.pin", .account = "somebody" };
  static const char *const texts[]
      = { "[Pin File]\nVersion=1\nAccount=another\n[a]\nHost=h.example\nKeys=" KEY "\n", PIN };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GPtrArray) hosts = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (texts[i], &context, &hosts, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
    }
}

static GBytes *
read_beside (const char *name, gpointer folder, GError **error)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);

  g_assert_cmpstr (name, ==, "ca.der");
  g_assert_cmpstr (folder, ==, "the folder");
  return g_bytes_ref (test_identity_get_certificate (ca));
}

static void
test_anchor_file (void)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_FILES,
                                      .source = "a.pin",
                                      .read_beside = read_beside,
                                      .folder = (gpointer) "the folder" };
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pins = parse (PIN "TrustAnchors=ca.der\n", &context, &hosts, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (cpd_anchors_get_count (((CpdPin *)pins->pdata[0])->anchors), ==, 1);
}

static void
test_anchor_file_elsewhere (void)
{
  const CpdPinFileContext beside
      = { .layer = CPD_LAYER_FILES, .source = "a.pin", .read_beside = read_beside };
  const CpdPinFileContext alone = { .layer = CPD_LAYER_USER, .source = "a.pin" };
  g_autoptr (GPtrArray) hosts = NULL, more_hosts = NULL;
  g_autoptr (GError) error = NULL, other_error = NULL;

  g_assert_null (parse (PIN "TrustAnchors=/etc/ca.der\n", &beside, &hosts, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_assert_null (parse (PIN "TrustAnchors=ca.der\n", &alone, &more_hosts, &other_error));
  g_assert_error (other_error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
}

static void
add_anchors (void)
{
  g_test_add_func ("/core/pin-file/anchors/file-beside", test_anchor_file);
  g_test_add_func ("/core/pin-file/anchors/no-file-elsewhere", test_anchor_file_elsewhere);
  g_test_add_func ("/core/pin-file/anchors/no-junk", test_refuses_junk_in_anchors);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/pin-file/round-trip/usual", test_round_trip_usual);
  g_test_add_func ("/core/pin-file/round-trip/everything", test_round_trip_everything);
  g_test_add_func ("/core/pin-file/round-trip/block", test_round_trip_block);
  g_test_add_func ("/core/pin-file/round-trip/pause", test_round_trip_pause);
  g_test_add_func ("/core/pin-file/refuses/pauses", test_refuses_pauses);
  g_test_add_func ("/core/pin-file/refuses/pauses-of-files", test_refuses_pauses_of_files);
  g_test_add_func ("/core/pin-file/written-by-hand", test_written_by_hand);
  g_test_add_func ("/core/pin-file/windows-lines", test_windows_lines);
  g_test_add_func ("/core/pin-file/refuses/headers", test_refuses_headers);
  g_test_add_func ("/core/pin-file/refuses/repetition", test_refuses_repetition);
  g_test_add_func ("/core/pin-file/refuses/what-is-no-text", test_refuses_what_is_no_text);
  g_test_add_func ("/core/pin-file/refuses/unknown-hosts", test_refuses_unknown_hosts);
  g_test_add_func ("/core/pin-file/refuses/values-of-known-hosts",
                   test_refuses_values_of_known_hosts);
  g_test_add_func ("/core/pin-file/refuses/translations", test_refuses_translations);
  g_test_add_func ("/core/pin-file/refuses/foreign-account", test_account);
  g_test_add_func ("/core/pin-file/told/everything", test_everything_is_told);
  g_test_add_func ("/core/pin-file/told/host-is-missing", test_host_is_missing);
  g_test_add_func ("/core/pin-file/told/not-too-much", test_not_too_much_is_told);
  add_anchors ();
  return g_test_run ();
}
