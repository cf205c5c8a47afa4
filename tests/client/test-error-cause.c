/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that what the service says of the cause of an error becomes a GError of the domain that it
 * is of, that it stays with the error, and that a message shows nothing of it. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  const char *text; /* the message of every error */
  gboolean asked;   /* the last call asked for the cause */
} Fixture;

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GVariant) options = g_variant_get_child_value (g_dbus_message_get_body (call), 4);

  f->asked = FALSE;
  g_variant_lookup (options, "error-cause", "b", &f->asked);
  return g_dbus_message_new_method_error_literal (call, CERTPIN_ERROR_PREFIX "Unreachable",
                                                  f->text);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new_with_handler (on_call, f);
  f->client = certpin_client_new ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

/* Returns: (transfer full): the error of a request that the service answers with this */
static GError *
fail_with (Fixture *f, const char *text, GVariant *options)
{
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("POST", "https://h.example/", NULL, NULL, NULL);
  g_autoptr (CertpinResponse) response = NULL;
  GError *error = NULL;

  f->text = text;
  response = certpin_client_secure_request (f->client, request, options, NULL, &error);
  g_assert_null (response);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE);
  return error;
}

static void
test_domains (Fixture *f, gconstpointer user_data)
{
  const struct
  {
    const char *line;
    GQuark domain;
    int code;
    const char *message;
  } causes[] = {
    { "resolver not-found: its name: none", G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
      "its name: none" },
    { "resolver temporary-failure: later", G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE,
      "later" },
    { "io connection-refused: c", G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "c" },
    { "io host-unreachable: ", G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, "" },
    { "tls handshake: h", G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, "h" },
    { "tls eof: e\nx", G_TLS_ERROR, G_TLS_ERROR_EOF, "e\nx" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (causes); i++)
    {
      g_autofree char *text = g_strdup_printf ("it failed\n%s", causes[i].line);
      g_autoptr (GError) error = fail_with (f, text, NULL);

      g_assert_true (f->asked);
      g_assert_cmpstr (error->message, ==, "it failed");
      g_assert_error (certpin_error_get_cause (error), causes[i].domain, causes[i].code);
      g_assert_cmpstr (certpin_error_get_cause (error)->message, ==, causes[i].message);
    }
}

/* Of a newer service, or of one that is not certpin. */
static void
test_no_cause (Fixture *f, gconstpointer user_data)
{
  static const char *const lines[] = { "",
                                       "resolver",
                                       "resolver not-found",
                                       "quic closed: c",
                                       "resolver bored: b",
                                       " : x",
                                       "tls: x",
                                       "tls : x",
                                       "tls  eof: x",
                                       "TLS eof: x",
                                       "x\nio",
                                       "io failed x" };
  g_autoptr (GError) plain = fail_with (f, "it failed", NULL);

  g_assert_cmpstr (plain->message, ==, "it failed");
  g_assert_null (certpin_error_get_cause (plain));
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *text = g_strdup_printf ("it failed\n%s", lines[i]);
      g_autoptr (GError) error = fail_with (f, text, NULL);

      g_test_message ("%s", lines[i]);
      g_assert_cmpstr (error->message, ==, "it failed");
      g_assert_null (certpin_error_get_cause (error));
    }
}

/* It is a part of its error. */
static void
test_stays (Fixture *f, gconstpointer user_data)
{
  GError *error = fail_with (f, "it failed\ntls eof: e", NULL);
  g_autoptr (GError) copy = g_error_copy (error);
  g_autoptr (GError) passed_on = NULL;

  g_propagate_prefixed_error (&passed_on, error, "of this program: ");
  g_assert_error (certpin_error_get_cause (copy), G_TLS_ERROR, G_TLS_ERROR_EOF);
  g_assert_error (certpin_error_get_cause (passed_on), G_TLS_ERROR, G_TLS_ERROR_EOF);
  g_assert_true (certpin_error_get_cause (copy) != certpin_error_get_cause (passed_on));
}

/* Returns: (transfer full): as Python passes it: the domain, the code and the message */
static GError *
without_detail (const GError *error)
{
  return g_error_new_literal (error->domain, error->code, error->message);
}

/* For languages that copy only those three. */
static void
test_found (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) first = fail_with (f, "it failed: e\ntls eof: e", NULL);
  g_autoptr (GError) second = fail_with (f, "it failed: r\nio connection-refused: r", NULL);
  g_autoptr (GError) copy = without_detail (first);
  g_autoptr (GError) copy_of_copy = NULL;
  g_autoptr (GError) other = without_detail (second);
  g_autoptr (GError) other_code = without_detail (first);
  g_autoptr (GError) other_words = without_detail (first);

  g_assert_error (certpin_error_get_cause (copy), G_TLS_ERROR, G_TLS_ERROR_EOF);
  g_assert_true (certpin_error_get_cause (copy) == certpin_error_get_cause (copy));
  copy_of_copy = g_error_copy (copy);
  g_assert_error (certpin_error_get_cause (copy_of_copy), G_TLS_ERROR, G_TLS_ERROR_EOF);
  g_assert_error (certpin_error_get_cause (other), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  other_code->code = CERTPIN_ERROR_TRUNCATED;
  g_assert_null (certpin_error_get_cause (other_code));
  g_prefix_error (&other_words, "so: ");
  g_assert_null (certpin_error_get_cause (other_words));
}

/* With the same words, the last error counts; an error that has its own knows better. */
static void
test_newest (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) first = fail_with (f, "it failed\ntls eof: e", NULL);
  g_autoptr (GError) second = fail_with (f, "it failed\nio broken-pipe: p", NULL);
  g_autoptr (GError) copy = without_detail (first);
  g_autoptr (GError) third = NULL, late_copy = NULL;

  g_assert_error (certpin_error_get_cause (first), G_TLS_ERROR, G_TLS_ERROR_EOF);
  g_assert_error (certpin_error_get_cause (copy), G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  third = fail_with (f, "it failed", NULL);
  late_copy = without_detail (first);
  g_assert_null (certpin_error_get_cause (third));
  g_assert_null (certpin_error_get_cause (late_copy));
  g_assert_error (certpin_error_get_cause (second), G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
}

/* The library remembers as many as its documentation says, and no more. */
static void
test_forgotten (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) first = fail_with (f, "first\ntls eof: e", NULL);
  g_autoptr (GError) kept = NULL, lost = NULL;

  for (int i = 1; i <= 32; i++)
    {
      g_autofree char *text = g_strdup_printf ("failure %d\ntls eof: e", i);
      g_autoptr (GError) error = fail_with (f, text, NULL);

      g_clear_error (&kept);
      kept = without_detail (first);
      if (i < 32)
        g_assert_error (certpin_error_get_cause (kept), G_TLS_ERROR, G_TLS_ERROR_EOF);
    }
  lost = without_detail (first);
  g_assert_null (certpin_error_get_cause (lost));
}

static gpointer
look (gpointer data)
{
  for (int i = 0; i < 100; i++)
    {
      g_autoptr (GError) copy = g_error_copy (data);

      g_assert_error (certpin_error_get_cause (data), G_TLS_ERROR, G_TLS_ERROR_EOF);
      g_assert_error (certpin_error_get_cause (copy), G_TLS_ERROR, G_TLS_ERROR_EOF);
    }
  return NULL;
}

/* Looking is not changing: several threads may do it. */
static void
test_threads (Fixture *f, gconstpointer user_data)
{
  for (int round = 0; round < 20; round++)
    {
      g_autoptr (GError) error = fail_with (f, "it failed\ntls eof: e", NULL);
      g_autoptr (GError) copy = without_detail (error);
      GThread *threads[4];

      for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new ("look", look, copy);
      for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);
    }
}

/* Errors of others, and those that a program makes itself, in its own way. */
static void
test_others (void)
{
  g_autoptr (GError) ours
      = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE, "of the program");
  g_autoptr (GError) copy = g_error_copy (ours);
  g_autoptr (GError) theirs = g_error_new_literal (G_TLS_ERROR, G_TLS_ERROR_EOF, "of TLS");

  g_assert_null (certpin_error_get_cause (ours));
  g_assert_null (certpin_error_get_cause (copy));
  g_assert_null (certpin_error_get_cause (theirs));
}

/* Who does not want it gets no line. */
static void
test_not_asked (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error
      = fail_with (f, "it failed", g_variant_new_parsed ("{'error-cause': <false>}"));

  g_assert_false (f->asked);
  g_assert_null (certpin_error_get_cause (error));
}

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
#define ADD(name, run)                                                                             \
  g_test_add ("/client/error-cause/" name, Fixture, NULL, set_up, run, tear_down)
  ADD ("has-its-domain-and-code", test_domains);
  ADD ("none-that-is-not-known", test_no_cause);
  ADD ("stays-with-the-error", test_stays);
  ADD ("is-not-asked-for", test_not_asked);
  ADD ("is-found-for-a-copy-of-the-words", test_found);
  ADD ("is-that-of-the-last-error-with-these-words", test_newest);
  ADD ("is-forgotten-after-32-more", test_forgotten);
  ADD ("is-looked-at-in-several-threads", test_threads);
  g_test_add_func ("/client/error-cause/none-of-other-errors", test_others);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
