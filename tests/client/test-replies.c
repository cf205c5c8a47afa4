/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that no reply does harm, even one of a different service: it becomes an error of
 * certpin, and all of it is freed. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/methods.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <gio/gunixfdlist.h>

#include <fcntl.h>
#include <unistd.h>

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  Sample *sample;
  GVariant *body;         /* (nullable): of every reply */
  const char *error_name; /* (nullable): every reply is this error */
  gboolean with_files;    /* every reply has a few file descriptors */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->sample = sample_new ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  sample_free (f->sample);
  fake_service_free (f->service);
  g_clear_pointer (&f->body, g_variant_unref);
  test_loop_settle ();
  private_bus_stop ();
}

static void
add_files (GDBusMessage *reply)
{
  g_autoptr (GUnixFDList) files = g_unix_fd_list_new ();
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  for (int i = 0; i < 4; i++)
    g_assert_cmpint (g_unix_fd_list_append (files, fd, NULL), ==, i);
  close (fd);
  g_dbus_message_set_unix_fd_list (reply, files);
}

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  GDBusMessage *reply;

  if (f->error_name != NULL)
    return g_dbus_message_new_method_error_literal (call, f->error_name, "the text");
  reply = fake_service_reply (service, call);
  if (f->body != NULL)
    g_dbus_message_set_body (reply, f->body);
  if (f->with_files && g_dbus_message_get_unix_fd_list (reply) == NULL)
    add_files (reply);
  return reply;
}

/* `code`: -1: the call succeeds */
static void
assert_ends (Fixture *f, const Method *method, int code)
{
  Arguments a = sample_get_arguments (f->sample, method, f->client);
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", method->name);
  g_assert_true (method->wait (&a, &error) == (code == -1));
  g_assert_true (method->wait (&a, NULL) == (code == -1));
  if (code == -1)
    g_assert_no_error (error);
  else
    g_assert_error (error, CERTPIN_ERROR, code);
}

static void
test_wrong_types (Fixture *f, gconstpointer user_data)
{
  static const char *const bodies[] = { "('text',)",
                                        "(uint32 1, uint32 2)",
                                        "([<1>],)",
                                        "({1: <2>},)",
                                        "(@a{ss} {},)",
                                        "(<@a{sv} {}>,)",
                                        "([@a{ss} {}],)",
                                        "(@a{sv} {}, 'more')",
                                        "(int32 200, [('A', 'b')], @ay [], @a{sv} {})",
                                        "(uint32 200, @as [], @ay [], @a{sv} {})",
                                        "(uint32 200, @a(ss) [], 'body', @a{sv} {})",
                                        "(uint32 200, @a(ss) [], @ay [])" };

  for (size_t i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      f->body = g_variant_ref_sink (g_variant_new_parsed (bodies[i]));
      fake_service_set_handler (f->service, on_call, f);
      for (unsigned int j = 0; j < n_methods; j++)
        assert_ends (f, &methods[j], CERTPIN_ERROR_FAILED);
      fake_service_set_handler (f->service, NULL, NULL);
      g_clear_pointer (&f->body, g_variant_unref);
    }
}

/* An empty reply is valid for the methods that return nothing. */
static void
test_no_values (Fixture *f, gconstpointer user_data)
{
  f->body = g_variant_ref_sink (g_variant_new ("()"));
  fake_service_set_handler (f->service, on_call, f);
  for (unsigned int i = 0; i < n_methods; i++)
    {
      gboolean nothing = g_str_equal (methods[i].name, "unpin")
                         || g_str_equal (methods[i].name, "block_host")
                         || g_str_equal (methods[i].name, "reload");

      assert_ends (f, &methods[i], nothing ? -1 : (int)CERTPIN_ERROR_FAILED);
    }
}

static void
test_status (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    guint32 status;
    int code;
  } cases[] = {
    { 0, CERTPIN_ERROR_FAILED },   { 199, CERTPIN_ERROR_FAILED },        { 200, -1 }, { 599, -1 },
    { 600, CERTPIN_ERROR_FAILED }, { G_MAXUINT32, CERTPIN_ERROR_FAILED }
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      f->body = g_variant_ref_sink (
          g_variant_new ("(u@a(ss)@ay@a{sv})", cases[i].status, g_variant_new ("a(ss)", NULL),
                         g_variant_new_bytestring (""), g_variant_new ("a{sv}", NULL)));
      fake_service_set_handler (f->service, on_call, f);
      assert_ends (f, method_find ("secure_request"), cases[i].code);
      fake_service_set_handler (f->service, NULL, NULL);
      g_clear_pointer (&f->body, g_variant_unref);
    }
}

static void
test_errors (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *name;
    CertpinError code;
  } cases[] = {
    { "org.certpin.Certpin1.Error.PinMismatch", CERTPIN_ERROR_PIN_MISMATCH },
    { "org.certpin.Certpin1.Error.OfTheFuture", CERTPIN_ERROR_FAILED },
    { "org.example.Error", CERTPIN_ERROR_FAILED },
    { "org.freedesktop.DBus.Error.UnknownMethod", CERTPIN_ERROR_FAILED },
    { "org.freedesktop.DBus.Error.InvalidArgs", CERTPIN_ERROR_FAILED },
    { "org.freedesktop.DBus.Error.AccessDenied", CERTPIN_ERROR_NOT_AUTHORIZED },
    { "org.freedesktop.DBus.Error.LimitsExceeded", CERTPIN_ERROR_LIMIT_EXCEEDED },
    { "org.freedesktop.DBus.Error.ServiceUnknown", CERTPIN_ERROR_SERVICE_UNAVAILABLE },
    { "org.freedesktop.DBus.Error.NoReply", CERTPIN_ERROR_SERVICE_UNAVAILABLE },
    { "org.freedesktop.DBus.Error.Spawn.ChildExited", CERTPIN_ERROR_SERVICE_UNAVAILABLE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      f->error_name = cases[i].name;
      fake_service_set_handler (f->service, on_call, f);
      for (unsigned int j = 0; j < n_methods; j++)
        assert_ends (f, &methods[j], (int)cases[i].code);
      fake_service_set_handler (f->service, NULL, NULL);
    }
}

/* What the bus says then names the service as programs do. */
static void
test_absent (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  fake_service_free (f->service);
  g_assert_false (certpin_client_unpin (f->client, "h.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
  g_assert_cmpstr (error->message, ==,
                   "the certpin service cannot be reached: "
                   "it does not run, and the bus cannot start it");
  f->service = fake_service_new ();
}

/* The reply has one descriptor, and names another. */
static void
test_wrong_handles (Fixture *f, gconstpointer user_data)
{
  static const gint32 handles[] = { -1, G_MININT32, 1, G_MAXINT32 };
  const Method *method = method_find ("open_connection");

  for (size_t i = 0; i < G_N_ELEMENTS (handles); i++)
    {
      f->body = g_variant_ref_sink (
          g_variant_new ("(h@a{sv})", handles[i], g_variant_new ("a{sv}", NULL)));
      fake_service_set_handler (f->service, on_call, f);
      assert_ends (f, method, CERTPIN_ERROR_FAILED);
      fake_service_set_handler (f->service, NULL, NULL);
      g_clear_pointer (&f->body, g_variant_unref);
    }
}

static unsigned int
count_open_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  unsigned int count = 0;

  while (g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

static void
test_files_are_closed (Fixture *f, gconstpointer user_data)
{
  unsigned int before;

  f->with_files = TRUE;
  fake_service_set_handler (f->service, on_call, f);
  for (unsigned int i = 0; i < n_methods; i++)
    assert_ends (f, &methods[i], -1);
  before = count_open_files ();
  for (int round = 0; round < 10; round++)
    for (unsigned int i = 0; i < n_methods; i++)
      assert_ends (f, &methods[i], -1);
  /* The last replies may not be freed yet. */
  g_assert_cmpuint (count_open_files (), <=, before + 2 * 4);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/replies/" path, Fixture, NULL, set_up, function, tear_down)

/* What a connection of the service gives. */
static void
test_connection (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) other = NULL,
                                connection = certpin_client_open_connection (
                                    f->client, "h.example", 443, NULL, NULL, NULL, &error);
  CertpinEvidence *evidence;
  char byte;

  g_assert_no_error (error);
  evidence = certpin_client_get_connection_evidence (f->client, connection);
  g_assert_cmpstr (certpin_evidence_get_alpn (evidence), ==, "");
  g_assert_cmpint (g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)),
                                        &byte, 1, NULL, &error),
                   ==, 0);
  g_assert_no_error (error);

  /* With a connection that is handed over, which no other option can name. */
  other = certpin_client_open_connection (f->client, "h.example", 443, connection, NULL, NULL,
                                          &error);
  g_assert_no_error (error);
  g_assert_true (other != connection);
}

static GDBusMessage *
on_finish (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;

  if (!g_str_equal (g_dbus_message_get_member (call), "Finish"))
    return fake_service_reply (service, call);
  g_assert_cmpstr (g_dbus_message_get_path (call), ==, "/request");
  g_assert_cmpstr (g_dbus_message_get_interface (call), ==, CERTPIN_REQUEST_IFACE);
  return f->error_name == NULL
             ? fake_service_reply (service, call)
             : g_dbus_message_new_method_error_literal (call, f->error_name, "the reason");
}

/* The service tells how a connection ended, at the object of this connection. */
static void
test_connection_end (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection
      = certpin_client_open_connection (f->client, "h.example", 443, NULL, NULL, NULL, &error);
  g_autoptr (CertpinConnectionEnd) end = NULL;

  g_assert_no_error (error);
  fake_service_set_handler (f->service, on_finish, f);
  end = certpin_client_get_connection_end (f->client, connection, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (certpin_connection_end_get_bytes_sent (end), ==, 1);
  g_assert_cmpuint (certpin_connection_end_get_bytes_received (end), ==, 2);
  f->error_name = CERTPIN_ERROR_PREFIX "PinChanged";
  g_assert_null (certpin_client_get_connection_end (f->client, connection, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_CHANGED);
  g_assert_cmpuint (fake_service_count (f->service, "Finish"), ==, 2);
}

/* A connection that the service did not make has no end that it knows. */
static void
test_end_of_another (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket
      = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GSocketConnection) other = g_socket_connection_factory_create_connection (socket);

  g_assert_null (certpin_client_get_connection_end (f->client, other, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (fake_service_count (f->service, "Finish"), ==, 0);
}

static void
on_end (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_null (
      certpin_client_get_connection_end_finish (CERTPIN_CLIENT (source), result, user_data));
}

/* Who waits for an end can stop waiting. */
static void
test_end_cancelled (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSocketConnection) connection
      = certpin_client_open_connection (f->client, "h.example", 443, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  fake_service_set_handler (f->service, fake_service_hold, NULL);
  certpin_client_get_connection_end_async (f->client, connection, cancellable, on_end, &error);
  fake_service_wait_for_held (f->service, 1);
  g_cancellable_cancel (cancellable);
  while (error == NULL)
    test_loop_step ();
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fake_service_count (f->service, "Cancel"), ==, 0);
}

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("absent", test_absent);
  ADD ("wrong-types", test_wrong_types);
  ADD ("no-values", test_no_values);
  ADD ("status", test_status);
  ADD ("errors", test_errors);
  ADD ("wrong-handles", test_wrong_handles);
  ADD ("files-are-closed", test_files_are_closed);
  ADD ("connection", test_connection);
  ADD ("connection-end", test_connection_end);
  ADD ("end-of-another-connection", test_end_of_another);
  ADD ("end-cancelled", test_end_cancelled);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
