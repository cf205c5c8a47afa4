/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the library's client as a program uses it: the service runs in this thread, the program in
 * another one. */

#include "config.h"

#include "tests/lib/test-bus.h"

#include <certpin.h>

#define KEY       "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define APP       "flatpak:org.example.App"
#define OTHER_KEY "sha256/AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

typedef struct
{
  TestBus *f;
  CertpinClient *client;
  void (*function) (CertpinClient *client, TestBus *f);
  gboolean done;
} Program;

static gpointer
program_run (gpointer data)
{
  Program *program = data;

  program->function (program->client, program->f);
  g_atomic_int_set (&program->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* The test's data is the program's function. */
static void
test_program (TestBus *f, void (*function) (CertpinClient *, TestBus *))
{
  g_autoptr (CertpinClient) client = certpin_client_new_for_connection (f->client);
  Program program = { f, client, function, FALSE };
  GThread *thread = g_thread_new ("program", program_run, &program);

  while (!g_atomic_int_get (&program.done))
    test_loop_step ();
  g_thread_join (thread);
}

static void
pin_keys (CertpinClient *client)
{
  static const char *const keys[] = { KEY, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) pin
      = certpin_client_pin_keys (client, "h.example", keys, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (certpin_pin_get_host (pin), ==, "h.example");
}

static void
assert_state (CertpinClient *client, const char *host, CertpinState state)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) pin = certpin_client_get_pin (client, host, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (certpin_pin_get_state (pin), ==, state);
}

static void
program_pins (CertpinClient *client, TestBus *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pins = NULL;

  pin_keys (client);
  assert_state (client, "h.example", CERTPIN_STATE_ACTIVE);
  pins = certpin_client_list_pins (client, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pins->len, ==, 1);
  g_assert_cmpstr (certpin_pin_get_host (pins->pdata[0]), ==, "h.example");
  g_assert_true (certpin_client_block_host (client, "h.example", "why", NULL, NULL, &error));
  g_assert_no_error (error);
  assert_state (client, "h.example", CERTPIN_STATE_BLOCKED);
  g_assert_true (certpin_client_unpin (client, "h.example", NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (certpin_client_get_pin (client, "h.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
}

/* Returns: of the host, one by one, in one text */
static char *
list_keys (CertpinPin *pin)
{
  return g_strjoinv (" ", (char **)certpin_pin_get_keys (pin));
}

static void
program_changes_keys (CertpinClient *client, TestBus *f)
{
  static const char *const other[] = { OTHER_KEY, NULL }, *const first[] = { KEY, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) more = NULL, less = NULL;
  g_autofree char *both = NULL, *left = NULL;

  g_assert_null (certpin_client_add_keys (client, "h.example", other, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
  g_clear_error (&error);
  pin_keys (client);
  more = certpin_client_add_keys (client, "h.example", other, NULL, NULL, &error);
  g_assert_no_error (error);
  both = list_keys (more);
  g_assert_cmpstr (both, ==, KEY " " OTHER_KEY);
  less = certpin_client_remove_keys (client, "h.example", first, NULL, NULL, &error);
  g_assert_no_error (error);
  left = list_keys (less);
  g_assert_cmpstr (left, ==, OTHER_KEY);
  g_assert_null (certpin_client_remove_keys (client, "h.example", other, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static GVariant *
new_pause (guint32 seconds)
{
  return g_variant_new_parsed ("{'seconds': <%u>, 'reason': <'why'>}", seconds);
}

static void
program_pauses (CertpinClient *client, TestBus *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) paused = NULL, resumed = NULL;

  g_assert_null (certpin_client_pause_pin (client, "h.example", new_pause (60), NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
  g_clear_error (&error);
  pin_keys (client);
  paused = certpin_client_pause_pin (client, "h.example", new_pause (60), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (certpin_pin_get_pause_reason (paused), ==, "why");
  g_assert_null (certpin_client_pause_pin (client, "h.example", new_pause (86401), NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  resumed = certpin_client_resume_pin (client, "h.example", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (certpin_pin_get_pause_reason (resumed));
}

static void
program_certificate (CertpinClient *client, TestBus *f)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "leaf", .issuer = root);
  g_autofree char *path = g_build_filename (f->folder, "leaf.der", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GBytes *der = test_identity_get_certificate (leaf);
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) from_memory = NULL, from_file = NULL;

  from_memory = certpin_client_pin_certificate (
      client, "h.example", der, g_variant_new_parsed ("{'note': <'n'>}"), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (certpin_pin_get_subject (from_memory), ==, "CN=leaf");
  g_assert_cmpstr (certpin_pin_get_note (from_memory), ==, "n");
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (der, NULL),
                                      (gssize)g_bytes_get_size (der), NULL));
  from_file = certpin_client_pin_certificate_from_file (client, "other.example", file, NULL, NULL,
                                                        &error);
  g_assert_no_error (error);
  g_assert_cmpstr (certpin_pin_get_subject (from_file), ==, "CN=leaf");
}

/* The service takes what a builder makes. */
static void
program_builder (CertpinClient *client, TestBus *f)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "leaf", .issuer = root);
  g_autoptr (TestIdentity) next = TEST_IDENTITY (.subject = "next", .issuer = root);
  g_autoptr (CertpinPinBuilder) builder = certpin_pin_builder_new ();
  g_autoptr (GDateTime) expires = g_date_time_new_utc (9999, 12, 31, 0, 0, 0);
  g_autoptr (GVariant) options = NULL;
  g_autoptr (CertpinPin) pin = NULL;
  g_autoptr (GError) error = NULL;

  certpin_pin_builder_set_scope (builder, CERTPIN_SCOPE_USER);
  certpin_pin_builder_set_match (builder, CERTPIN_MATCH_PATH);
  certpin_pin_builder_set_mode (builder, CERTPIN_MODE_REPORT);
  certpin_pin_builder_set_expires (builder, expires);
  certpin_pin_builder_set_note (builder, "n");
  certpin_pin_builder_set_block_on_failure (builder, FALSE);
  certpin_pin_builder_add_backup_certificate (builder, test_identity_get_certificate (next));
  certpin_pin_builder_add_trust_anchor (builder, test_identity_get_certificate (root));
  options = certpin_pin_builder_build (builder);
  pin = certpin_client_pin_certificate (client, "h.example", test_identity_get_certificate (leaf),
                                        options, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (certpin_pin_get_scope (pin), ==, CERTPIN_SCOPE_USER);
  g_assert_cmpint (certpin_pin_get_match (pin), ==, CERTPIN_MATCH_PATH);
  g_assert_cmpint (certpin_pin_get_mode (pin), ==, CERTPIN_MODE_REPORT);
  g_assert_true (g_date_time_equal (certpin_pin_get_expires (pin), expires));
  g_assert_cmpstr (certpin_pin_get_note (pin), ==, "n");
  g_assert_cmpuint (g_strv_length ((char **)certpin_pin_get_keys (pin)), ==, 2);
  g_assert_cmpuint (certpin_pin_get_trust_anchors (pin), ==, 1);
}

static void
program_missing_file (CertpinClient *client, TestBus *f)
{
  g_autoptr (GFile) missing = g_file_new_build_filename (f->folder, "missing.der", NULL);
  g_autoptr (GFile) folder = g_file_new_for_path (f->folder);
  g_autoptr (GError) error = NULL;

  pin_keys (client);
  g_assert_null (certpin_client_pin_certificate_from_file (
      client, "h.example", missing, g_variant_new_parsed ("{'match': <'path'>}"), NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND);
  assert_state (client, "h.example", CERTPIN_STATE_BLOCKED);
  g_clear_error (&error);
  g_assert_null (certpin_client_pin_certificate_from_file (client, "other.example", folder, NULL,
                                                           NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND);
  assert_state (client, "other.example", CERTPIN_STATE_BLOCKED);
}

/* What a program outside sandboxes does for an app is for the app alone. */
static void
program_app (CertpinClient *client, TestBus *f)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'app': <%s>}", APP));
  g_autoptr (GFile) missing = g_file_new_build_filename (f->folder, "missing.der", NULL);
  g_autoptr (CertpinPin) pin = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) apps = NULL;

  g_assert_null (certpin_client_pin_certificate_from_file (client, "h.example", missing, options,
                                                           NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND);
  g_assert_null (certpin_client_get_pin (client, "h.example", NULL, NULL, NULL));
  pin = certpin_client_get_pin (client, "h.example", options, NULL, NULL);
  g_assert_cmpint (certpin_pin_get_state (pin), ==, CERTPIN_STATE_BLOCKED);
  g_assert_cmpint (certpin_pin_get_scope (pin), ==, CERTPIN_SCOPE_APP);
  g_assert_cmpstr (certpin_pin_get_app (pin), ==, APP);
  apps = certpin_client_list_apps (client, NULL, NULL, NULL);
  g_assert_cmpstrv (apps, ((const char *[]){ APP, NULL }));
}

/* Neither a file that cannot be read nor a bad one changes anything. */
static void
program_keep (CertpinClient *client, TestBus *f)
{
  g_autoptr (GFile) missing = g_file_new_build_filename (f->folder, "missing.der", NULL);
  g_autofree char *path = test_folder_write (f->folder, "text.der", "text");
  g_autoptr (GFile) text = g_file_new_for_path (path);
  g_autoptr (GVariant) keep
      = g_variant_ref_sink (g_variant_new_parsed ("{'on-failure': <'keep'>}"));
  g_autoptr (GError) error = NULL;

  pin_keys (client);
  g_assert_null (
      certpin_client_pin_certificate_from_file (client, "h.example", missing, keep, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND);
  g_assert_true (g_str_has_suffix (error->message, "; nothing was changed"));
  g_clear_error (&error);
  g_assert_null (
      certpin_client_pin_certificate_from_file (client, "h.example", text, keep, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT);
  assert_state (client, "h.example", CERTPIN_STATE_ACTIVE);
  g_clear_error (&error);
  g_assert_null (certpin_client_pin_certificate_from_file (client, "other.example", missing, keep,
                                                           NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (certpin_client_get_pin (client, "other.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
}

static void
program_wrong_file (CertpinClient *client, TestBus *f)
{
  g_autofree char *path = test_folder_write (f->folder, "text.der", "text");
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;

  g_assert_null (
      certpin_client_pin_certificate_from_file (client, "h.example", file, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT);
  assert_state (client, "h.example", CERTPIN_STATE_BLOCKED);
}

static void
program_errors (CertpinClient *client, TestBus *f)
{
  static const char *const keys[] = { "x", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_client_pin_keys (client, "h.example", keys, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY);
  g_assert_false (g_dbus_error_is_remote_error (error));
  g_clear_error (&error);
  g_assert_false (certpin_client_unpin (client, "h..example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST);
  g_clear_error (&error);
  g_assert_null (certpin_client_last_failure (client, "h.example", NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
}

/* Text that is not UTF-8 cannot cross the bus as it is, nor may it take the connection down. */
static void
program_not_utf8 (CertpinClient *client, TestBus *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_client_get_pin (client, "\xff.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST);
  pin_keys (client);
}

static CertpinRequest *
new_request (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = g_bytes_new_static ("body", 4);
  CertpinRequest *request = certpin_request_new ("POST", "https://h.example/", NULL, body, &error);

  g_assert_no_error (error);
  return request;
}

static void
program_request (CertpinClient *client, TestBus *f)
{
  g_autoptr (CertpinRequest) request = new_request ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_secure_request (client, request, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (certpin_response_get_status (response), ==, 200);
  g_assert_cmpstr (certpin_response_get_header (response, "a"), ==, "b");
  g_assert_cmpuint (g_bytes_get_size (certpin_response_get_body (response)), ==, 4);
  g_assert_cmpstr (certpin_evidence_get_url (certpin_response_get_evidence (response)), ==,
                   "https://h.example/final");
}

static void
program_refused (CertpinClient *client, TestBus *f)
{
  g_autoptr (CertpinRequest) request = new_request ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinFailure) failure = NULL;

  g_assert_null (certpin_client_secure_request (client, request, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH);
  g_clear_error (&error);
  failure = certpin_client_last_failure (client, "h.example", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (certpin_failure_get_code (failure), ==, CERTPIN_ERROR_PIN_MISMATCH);
}

static void
set_verdict (TestBus *f, gboolean matches)
{
  g_autoptr (TestIdentity) offered = TEST_IDENTITY (.subject = "a", .dns = { "h.example" });
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "b");
  g_autoptr (CpdVerdict) verdict
      = fake_verdict_new ("h.example:443", matches ? offered : other, offered, CPD_MODE_ENFORCE);

  fake_fetcher_set_verdict (f->fetcher, verdict);
}

static void
test_pins (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_pins);
}

static void
test_changes_keys (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_changes_keys);
}

static void
test_pauses (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_pauses);
}

static void
test_pin_certificate (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_certificate);
}

static void
test_builder (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_builder);
}

static void
test_keep (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_keep);
}

static void
test_missing_file (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_missing_file);
}

static void
test_app (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_app);
}

static void
test_wrong_file (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_wrong_file);
}

static void
test_errors (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_errors);
}

static void
test_not_utf8 (TestBus *f, gconstpointer user_data)
{
  test_program (f, program_not_utf8);
}

static void
test_request (TestBus *f, gconstpointer user_data)
{
  set_verdict (f, TRUE);
  test_program (f, program_request);
}

static void
test_refused (TestBus *f, gconstpointer user_data)
{
  set_verdict (f, FALSE);
  test_program (f, program_refused);
}

/* One call after the other without waiting, in one thread with the service. */
static void
test_async (TestBus *f, gconstpointer user_data)
{
  static const char *const keys[] = { KEY, NULL };
  g_autoptr (CertpinClient) client = certpin_client_new_for_connection (f->client);
  g_autoptr (CertpinRequest) request = new_request ();
  GAsyncResult *pinning = NULL, *asking = NULL;
  g_autoptr (GAsyncResult) pinned = NULL, asked = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) pin = NULL;
  g_autoptr (CertpinResponse) response = NULL;

  set_verdict (f, TRUE);
  certpin_client_pin_keys_async (client, "h.example", keys, NULL, NULL, test_loop_on_result,
                                 &pinning);
  certpin_client_secure_request_async (client, request, NULL, NULL, test_loop_on_result, &asking);
  pinned = test_loop_wait_for (&pinning);
  pin = certpin_client_pin_keys_finish (client, pinned, &error);
  g_assert_no_error (error);
  g_assert_cmpint (certpin_pin_get_state (pin), ==, CERTPIN_STATE_ACTIVE);
  asked = test_loop_wait_for (&asking);
  response = certpin_client_secure_request_finish (client, asked, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (certpin_response_get_status (response), ==, 200);
}

static void
test_cancel (TestBus *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) client = certpin_client_new_for_connection (f->client);
  g_autoptr (CertpinRequest) request = new_request ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fake_fetcher_hold (f->fetcher);
  certpin_client_secure_request_async (client, request, NULL, cancellable, test_loop_on_result,
                                       &pending);
  while (fake_fetcher_count_held (f->fetcher) == 0)
    test_loop_step ();
  g_cancellable_cancel (cancellable);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_secure_request_finish (client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  while (fake_fetcher_count_cancelled (f->fetcher) == 0)
    test_loop_step ();
}

/* Before the service has seen the request. */
static void
test_cancel_at_once (TestBus *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) client = certpin_client_new_for_connection (f->client);
  g_autoptr (CertpinRequest) request = new_request ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fake_fetcher_hold (f->fetcher);
  certpin_client_secure_request_async (client, request, NULL, cancellable, test_loop_on_result,
                                       &pending);
  g_cancellable_cancel (cancellable);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_secure_request_finish (client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* What is sent later is answered later. */
  test_call_fails (f, "GetPin", g_variant_new_parsed ("('h.example', @a{sv} {})"), "NotPinned");
  g_assert_cmpuint (fake_fetcher_count_held (f->fetcher), ==, 0);
}

static void
program_without_service (CertpinClient *client, TestBus *f)
{
  g_autoptr (CertpinRequest) request = new_request ();
  g_autoptr (GFile) missing = g_file_new_build_filename (f->folder, "missing.der", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_client_get_pin (client, "h.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
  g_clear_error (&error);
  g_assert_null (certpin_client_secure_request (client, request, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
  g_clear_error (&error);
  /* The host could not be blocked, which is what counts. */
  g_assert_null (
      certpin_client_pin_certificate_from_file (client, "h.example", missing, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
}

static void
test_without_service (TestBus *f, gconstpointer user_data)
{
  g_clear_object (&f->bus);
  test_bus_round_trip (f->service);
  test_program (f, program_without_service);
}

#define ADD(path, function) TEST_BUS_ADD ("/client/client/" path, NULL, function)

int
main (int argc, char *argv[])
{
  test_bus_init (&argc, &argv);
  ADD ("pins", test_pins);
  ADD ("changes-keys", test_changes_keys);
  ADD ("pauses", test_pauses);
  ADD ("pin-certificate", test_pin_certificate);
  ADD ("missing-file-blocks", test_missing_file);
  ADD ("builder", test_builder);
  ADD ("app", test_app);
  ADD ("on-failure-keep-changes-nothing", test_keep);
  ADD ("wrong-file-blocks", test_wrong_file);
  ADD ("errors-are-certpins", test_errors);
  ADD ("not-utf8", test_not_utf8);
  ADD ("request", test_request);
  ADD ("refused-with-evidence", test_refused);
  ADD ("asynchronous", test_async);
  ADD ("cancel-reaches-the-service", test_cancel);
  ADD ("cancel-at-once", test_cancel_at_once);
  ADD ("without-a-service", test_without_service);
  return g_test_run ();
}
