/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The whole service but for what carries bytes, on a bus of its own, and the calls that a program
 * makes of it. */

#include "config.h"

#include "test-bus.h"

static GPtrArray *audits; /* of GHashTable: the fields of an entry */

/* Refusals are warnings, which would end a test: they are counted instead. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  g_autoptr (GHashTable) entry = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (gsize i = 0; i < n_fields; i++)
    if (fields[i].length < 0)
      g_hash_table_replace (entry, g_strdup (fields[i].key), g_strdup (fields[i].value));
  if (!g_hash_table_contains (entry, "MESSAGE_ID"))
    return g_log_writer_default (level, fields, n_fields, user_data);
  g_ptr_array_add (audits, g_steal_pointer (&entry));
  return G_LOG_WRITER_HANDLED;
}

/* In the place of g_test_init (). */
void
test_bus_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  audits = g_ptr_array_new_with_free_func ((GDestroyNotify)g_hash_table_unref);
  g_log_set_writer_func (write_log, NULL, NULL);
}

/* In the running test. */
unsigned int
test_bus_count_audits (const char *message_id)
{
  unsigned int count = 0;

  for (unsigned int i = 0; i < audits->len; i++)
    count += g_strcmp0 (g_hash_table_lookup (audits->pdata[i], "MESSAGE_ID"), message_id) == 0;
  return count;
}

/* Returns: (transfer none) (nullable): the value of a field in the last entry of that kind */
const char *
test_bus_find_audit (const char *message_id, const char *field)
{
  for (unsigned int i = audits->len; i > 0; i--)
    if (g_strcmp0 (g_hash_table_lookup (audits->pdata[i - 1], "MESSAGE_ID"), message_id) == 0)
      return g_hash_table_lookup (audits->pdata[i - 1], field);
  return NULL;
}

GDBusConnection *
test_bus_connect_to (GTestDBus *dbus)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (dbus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

GDBusConnection *
test_bus_connect (TestBus *f)
{
  return test_bus_connect_to (f->dbus);
}

/* `connection`: (transfer full) */
void
test_bus_disconnect (GDBusConnection *connection)
{
  g_dbus_connection_close_sync (connection, NULL, NULL);
  g_object_unref (connection);
}

/* Afterwards all that the bus had sent to the connection before is there, and waits in the main
 * context, which is not run. */
void
test_bus_round_trip (GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId",
      NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  g_assert_no_error (error);
}

static gboolean
is_there (TestBus *f, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      f->service, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "NameHasOwner", g_variant_new ("(s)", name), G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE,
      -1, NULL, &error);
  gboolean has_owner;

  g_assert_no_error (error);
  g_variant_get (reply, "(b)", &has_owner);
  return has_owner;
}

/* Disconnects, and waits until the service has been told of it, which the main context is yet to
 * see. */
void
test_bus_leave (TestBus *f, GDBusConnection *connection)
{
  g_autofree char *name = g_strdup (g_dbus_connection_get_unique_name (connection));

  test_bus_disconnect (connection);
  while (is_there (f, name))
    ;
}

static void
on_signal (GDBusProxy *proxy, const char *sender, const char *name, GVariant *parameters,
           gpointer user_data)
{
  TestBus *f = user_data;
  g_autoptr (GVariant) details = NULL;
  const char *host, *state = "";

  g_variant_get (parameters, "(&s@a{sv})", &host, &details);
  if (!g_variant_lookup (details, "state", "&s", &state))
    g_variant_lookup (details, "error", "&s", &state);
  g_ptr_array_add (f->signals, g_strdup_printf ("%s %s %s", name, host, state));
}

/* `handler`: of GDBusProxy's g-signal. Returns: (transfer full) */
GDBusProxy *
test_bus_listen (GDBusConnection *connection, GCallback handler, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GDBusProxy *proxy = g_dbus_proxy_new_sync (
      connection, G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES | G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START,
      NULL, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, NULL, &error);

  g_assert_no_error (error);
  g_signal_connect (proxy, "g-signal", handler, user_data);
  return proxy;
}

static void
on_acquired (CpdBus *bus, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

static void
start_service (TestBus *f)
{
  const char *const pins_dirs[] = { f->pins_dir, NULL };
  const CpdStoreSettings store_settings = { .pins_dirs = pins_dirs,
                                            .first_generation = 100,
                                            .limits = { .pins = f->config->pins_per_uid } };
  g_autoptr (GPtrArray) problems = NULL;
  gboolean acquired = FALSE;
  CpdBusSettings settings = { .config = f->config };

  f->store = cpd_store_new (&store_settings);
  problems = cpd_store_load (f->store);
  g_assert_cmpuint (problems->len, ==, 0);
  f->fetcher = fake_fetcher_new ();
  settings.link = f->link;
  settings.quiet = f->quiet;
  settings.store = f->store;
  settings.fetcher = CPD_FETCHER (f->fetcher);
  f->bus = cpd_bus_new (&settings);
  g_signal_connect (f->bus, "acquired", G_CALLBACK (on_acquired), &acquired);
  cpd_bus_own_name (f->bus);
  while (!acquired)
    test_loop_step ();
  g_signal_handlers_disconnect_by_data (f->bus, &acquired);
  cpd_bus_start_serving (f->bus);
}

void
test_bus_set_up (TestBus *f, gconstpointer user_data)
{
  const TestBusLimits *limits = user_data;
  g_autoptr (GError) error = NULL;

  g_ptr_array_set_size (audits, 0);
  f->dbus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->dbus);
  f->link = cpd_link_new (g_test_dbus_get_bus_address (f->dbus), &error);
  g_assert_no_error (error);
  f->service = cpd_link_get_connection (f->link);
  f->quiet = test_bus_connect (f);
  f->client = test_bus_connect (f);
  f->folder = test_folder_new ();
  f->pins_dir = g_build_filename (f->folder, "pins.d", NULL);
  f->config = cpd_config_new ();
  if (limits != NULL && limits->pins_per_uid != 0)
    f->config->pins_per_uid = limits->pins_per_uid;
  if (limits != NULL && limits->running_per_uid != 0)
    {
      f->config->running_per_uid = limits->running_per_uid;
      f->config->waiting_per_uid = limits->waiting_per_uid;
    }
  if (limits != NULL && limits->body_bytes_per_uid != 0)
    f->config->body_bytes_per_uid = limits->body_bytes_per_uid;
  f->signals = g_ptr_array_new_with_free_func (g_free);
  start_service (f);
  f->listener = test_bus_listen (f->client, G_CALLBACK (on_signal), f);
  test_call_done (f, "Subscribe", NULL);
}

void
test_bus_tear_down (TestBus *f, gconstpointer user_data)
{
  g_assert_cmpuint (fake_fetcher_count_held (f->fetcher), ==, 0);
  g_signal_handlers_disconnect_by_data (f->listener, f);
  g_object_unref (f->listener);
  test_loop_settle (); /* the service outlives its calls */
  g_clear_object (&f->bus);
  test_loop_settle ();
  test_loop_release (f->fetcher);
  test_loop_release (f->store);
  test_bus_disconnect (f->client);
  test_bus_disconnect (f->quiet);
  cpd_link_free (f->link);
  test_loop_settle ();
  g_test_dbus_down (f->dbus);
  g_object_unref (f->dbus);
  g_ptr_array_unref (f->signals);
  cpd_config_free (f->config);
  g_free (f->pins_dir);
  test_folder_remove (f->folder);
}

static const char *
interface_of (const char *method)
{
  return g_str_equal (method, "SecureRequest") ? CERTPIN_REQUESTS_IFACE : CERTPIN_PINS_IFACE;
}

/* `parameters`: sunk if floating */
TestCall *
test_call_start (GDBusConnection *connection, const char *method, GVariant *parameters)
{
  TestCall *call = g_new0 (TestCall, 1);

  call->connection = g_object_ref (connection);
  g_dbus_connection_call (connection, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, interface_of (method),
                          method, parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                          test_loop_on_result, &call->result);
  return call;
}

/* `call`: (transfer full) */
GVariant *
test_call_wait (TestCall *call, GError **error)
{
  g_autoptr (GAsyncResult) result = test_loop_wait_for (&call->result);
  GVariant *reply = g_dbus_connection_call_finish (call->connection, result, error);

  g_object_unref (call->connection);
  g_free (call);
  return reply;
}

GVariant *
test_call (TestBus *f, const char *method, GVariant *parameters, GError **error)
{
  return test_call_wait (test_call_start (f->client, method, parameters), error);
}

/* Returns: (transfer full): the only value of a reply that must come */
GVariant *
test_call_value (TestBus *f, const char *method, GVariant *parameters)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = test_call (f, method, parameters, &error);

  g_assert_no_error (error);
  return g_variant_get_child_value (reply, 0);
}

void
test_call_done (TestBus *f, const char *method, GVariant *parameters)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = test_call (f, method, parameters, &error);

  g_assert_no_error (error);
}

/* `call`: (transfer full). `name`: of the error, as in DESIGN.md, section 10 */
void
test_call_wait_fails (TestCall *call, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = test_call_wait (call, &error);
  g_autofree char *expected = g_strconcat (CERTPIN_ERROR_PREFIX, name, NULL);
  g_autofree char *actual = NULL;

  g_assert_null (reply);
  actual = g_dbus_error_get_remote_error (error);
  g_test_message ("%s", error->message);
  g_assert_cmpstr (actual, ==, expected);
}

void
test_call_fails (TestBus *f, const char *method, GVariant *parameters, const char *name)
{
  test_call_wait_fails (test_call_start (f->client, method, parameters), name);
}

/* Until the client has been sent it, now or before. */
void
test_bus_wait_for_signal (TestBus *f, const char *text)
{
  while (!g_ptr_array_find_with_equal_func (f->signals, text, g_str_equal, NULL))
    test_loop_step ();
}

void
test_bus_assert_text (GVariant *dictionary, const char *key, const char *expected)
{
  const char *text = NULL;

  g_variant_lookup (dictionary, key, "&s", &text);
  g_assert_cmpstr (text, ==, expected);
}
