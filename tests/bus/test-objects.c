/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what the objects of pins and channels say, and that nobody can tell another's from one
 * that does not exist. */

#include "config.h"

#include "certpin-dbus.h"
#include "daemon/bus/cpd-objects.h"
#include "daemon/bus/cpd-pin-objects.h"
#include "tests/lib/test-bus.h"

#include <string.h>
#include <unistd.h>

#define KEY         "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PIN         CERTPIN_PIN_PATH "/user/h_2eexample"
#define ANOTHER_UID 4200000
#define PROPERTIES  "org.freedesktop.DBus.Properties"
#define UNKNOWN     "org.freedesktop.DBus.Error.UnknownObject"

static void
pin_keys (TestBus *f, const char *host, const char *options)
{
  test_call_done (
      f, "PinKeys",
      g_variant_new_parsed ("(%s, [%s], %@a{sv})", host, KEY, g_variant_new_parsed (options)));
}

/* For a pin of whatever layer and uid, straight to the store. */
static void
put_pin (TestBus *f, guint32 uid, const char *host, CpdLayer layer)
{
  g_autoptr (CpdPin) pin = test_pin (host, layer, 1);
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (CpdPin) stored = NULL;
  g_autoptr (GError) error = NULL;

  cpd_store_set_pin_async (f->store, uid, pin, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  stored = cpd_store_change_finish (f->store, result, &error);
  g_assert_no_error (error);
}

/* Returns: (transfer full): the reply of a call to an object */
static GVariant *
call_object (TestBus *f, const char *path, const char *interface, const char *method,
             GVariant *arguments, GError **error)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  g_dbus_connection_call (f->client, CERTPIN_BUS_NAME, path, interface, method, arguments, NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  return g_dbus_connection_call_finish (f->client, result, error);
}

/* Returns: (transfer full): a{sv} */
static GVariant *
get_all (TestBus *f, const char *path, const char *interface)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = call_object (f, path, PROPERTIES, "GetAll", g_variant_new ("(s)", interface), &error);

  g_assert_no_error (error);
  return g_variant_get_child_value (reply, 0);
}

static void
assert_unknown (TestBus *f, const char *path)
{
  static const char *const methods[][2] = { { "org.freedesktop.DBus.Introspectable", "Introspect" },
                                            { "org.freedesktop.DBus.Peer", "Ping" },
                                            { PROPERTIES, "GetAll" } };
  g_autofree char *message
      = g_strdup_printf ("GDBus.Error:" UNKNOWN ": there is no object ‘%s’", path);

  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (GError) error = NULL;
      GVariant *arguments
          = g_str_equal (methods[i][1], "GetAll") ? g_variant_new ("(s)", CERTPIN_PIN_IFACE) : NULL;
      g_autoptr (GVariant) reply
          = call_object (f, path, methods[i][0], methods[i][1], arguments, &error);

      g_assert_null (reply);
      g_assert_cmpstr (error->message, ==, message);
    }
}

static CpdBusParts
get_parts (TestBus *f)
{
  return (CpdBusParts){ .store = f->store, .fetcher = CPD_FETCHER (f->fetcher) };
}

/* Returns: (transfer full): as this uid is told; `confinement`: (nullable) */
static char *
introspect_as (TestBus *f, guint32 uid, const char *confinement, const char *path)
{
  CpdBusParts parts = get_parts (f);
  g_autoptr (CpdCaller) caller = cpd_caller_new (":1.99", uid);

  caller->confinement = g_strdup (confinement);
  return cpd_objects_introspect (&parts, caller, path);
}

static unsigned int
count_nodes (const char *xml)
{
  unsigned int count = 0;

  while ((xml = strstr (xml, "<node name=")) != NULL)
    {
      xml++;
      count++;
    }
  return count;
}

static void
test_tree (TestBus *f, gconstpointer user_data)
{
  static const char *const children[][2] = {
    { "/", "org" },
    { "/org", "certpin" },
    { "/org/certpin", "Certpin1" },
    { CERTPIN_OBJECT_PATH, "pin" },
    { CERTPIN_OBJECT_PATH, "channel" },
    { CERTPIN_PIN_PATH, "files" },
    { CERTPIN_PIN_PATH, "system" },
    { CERTPIN_PIN_PATH, "user" },
    { CERTPIN_PIN_PATH "/user", "h_2eexample" },
    { CERTPIN_PIN_PATH "/user", "_2a_2eh_2eexample_3a8443" },
    { CERTPIN_PIN_PATH "/system", "s_2eexample" },
  };

  pin_keys (f, "h.example", "@a{sv} {}");
  pin_keys (f, "*.h.example:8443", "@a{sv} {}");
  put_pin (f, 0, "s.example", CPD_LAYER_SYSTEM);
  for (size_t i = 0; i < G_N_ELEMENTS (children); i++)
    {
      g_autofree char *xml = introspect_as (f, getuid (), NULL, children[i][0]);
      g_autofree char *node = g_strdup_printf ("<node name=\"%s\"/>", children[i][1]);
      g_autoptr (GDBusNodeInfo) parsed = g_dbus_node_info_new_for_xml (xml, NULL);

      g_assert_nonnull (strstr (xml, node));
      g_assert_nonnull (parsed);
    }
  {
    g_autofree char *of_user = introspect_as (f, getuid (), NULL, CERTPIN_PIN_PATH "/user");
    g_autofree char *of_files = introspect_as (f, getuid (), NULL, CERTPIN_PIN_PATH "/files");

    g_assert_cmpuint (count_nodes (of_user), ==, 2);
    g_assert_cmpuint (count_nodes (of_files), ==, 0);
  }
}

static void
test_values (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) all = NULL, of_any = NULL;
  g_autofree const char **keys = NULL;
  gint64 expires;

  pin_keys (f, "h.example", "{'expires': <int64 4000000000>, 'note': <'a note'>}");
  all = get_all (f, PIN, CERTPIN_PIN_IFACE);
  of_any = get_all (f, PIN, "");
  g_assert_true (g_variant_equal (all, of_any));
  test_bus_assert_text (all, "Host", "h.example");
  test_bus_assert_text (all, "Scope", "user");
  test_bus_assert_text (all, "State", "active");
  test_bus_assert_text (all, "Note", "a note");
  test_bus_assert_text (all, "Subject", "");
  g_assert_true (g_variant_lookup (all, "Keys", "^a&s", &keys));
  g_assert_cmpstr (keys[0], ==, KEY);
  g_assert_true (g_variant_lookup (all, "Expires", "x", &expires));
  g_assert_cmpint (expires, ==, 4000000000);
}

/* Whatever the pin has: nothing that is listed may fail. */
static void
test_each_property (TestBus *f, gconstpointer user_data)
{
  pin_keys (f, "h.example", "@a{sv} {}");
  for (gsize i = 0; certpin_dbus_pin_interface.properties[i] != NULL; i++)
    {
      const GDBusPropertyInfo *info = certpin_dbus_pin_interface.properties[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GVariant) reply = call_object (
          f, PIN, PROPERTIES, "Get", g_variant_new ("(ss)", CERTPIN_PIN_IFACE, info->name), &error);

      g_assert_no_error (error);
      g_variant_get (reply, "(v)", &value);
      g_assert_cmpstr (g_variant_get_type_string (value), ==, info->signature);
    }
}

static void
test_wrong_members (TestBus *f, gconstpointer user_data)
{
  static const struct
  {
    const char *path, *interface, *method, *arguments, *error;
  } cases[] = {
    { PIN, PROPERTIES, "Get", "('" CERTPIN_PIN_IFACE "', 'host')", "InvalidArgs" },
    { PIN, PROPERTIES, "Get", "('" CERTPIN_PINS_IFACE "', 'Host')", "InvalidArgs" },
    { PIN, PROPERTIES, "GetAll", "('" CERTPIN_CHANNEL_IFACE "',)", "InvalidArgs" },
    { PIN, PROPERTIES, "Set", "('" CERTPIN_PIN_IFACE "', 'Mode', <'report'>)", "PropertyReadOnly" },
    { PIN, CERTPIN_PINS_IFACE, "Subscribe", "()", "UnknownInterface" },
    { CERTPIN_PIN_PATH, PROPERTIES, "GetAll", "('" CERTPIN_PIN_IFACE "',)", "InvalidArgs" },
  };

  pin_keys (f, "h.example", "@a{sv} {}");
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply
          = call_object (f, cases[i].path, cases[i].interface, cases[i].method,
                         g_variant_new_parsed (cases[i].arguments), &error);
      g_autofree char *name = error != NULL ? g_dbus_error_get_remote_error (error) : NULL;
      g_autofree char *expected = g_strconcat ("org.freedesktop.DBus.Error.", cases[i].error, NULL);

      g_assert_null (reply);
      g_assert_cmpstr (name, ==, expected);
    }
}

/* A host may have one in each layer. */
static void
test_layers (TestBus *f, gconstpointer user_data)
{
  g_autofree char *file = test_folder_write (
      f->pins_dir, "a.pin", "[Pin File]\nVersion=1\n\n[Pin]\nHost=h.example\nKeys=" KEY "\n");

  if (getuid () != 0)
    {
      g_test_skip ("only root may reload");
      return;
    }
  pin_keys (f, "h.example", "@a{sv} {}");
  assert_unknown (f, CERTPIN_PIN_PATH "/system/h_2eexample");
  put_pin (f, 0, "h.example", CPD_LAYER_SYSTEM);
  test_call_done (f, "Reload", NULL);
  {
    g_autoptr (GVariant) of_file = get_all (f, CERTPIN_PIN_PATH "/files/h_2eexample", "");
    g_autoptr (GVariant) of_system = get_all (f, CERTPIN_PIN_PATH "/system/h_2eexample", "");
    g_autoptr (GVariant) of_user = get_all (f, PIN, "");

    test_bus_assert_text (of_file, "Scope", "system");
    test_bus_assert_text (of_file, "Source", file);
    test_bus_assert_text (of_system, "Scope", "system");
    test_bus_assert_text (of_system, "Source", "");
    test_bus_assert_text (of_user, "Scope", "user");
  }
}

static void
test_paths_of_nothing (TestBus *f, gconstpointer user_data)
{
  static const char *const paths[] = {
    CERTPIN_PIN_PATH "/user/other_2eexample",
    CERTPIN_PIN_PATH "/user/_2a_2eh_2eexample",
    CERTPIN_PIN_PATH "/user/h_2Eexample",
    CERTPIN_PIN_PATH "/user/_68_2eexample",
    CERTPIN_PIN_PATH "/user/H_2eexample",
    CERTPIN_PIN_PATH "/user/h_2eexample_2e",
    CERTPIN_PIN_PATH "/user/h_2eexample/x",
    CERTPIN_PIN_PATH "/user/h_2",
    CERTPIN_PIN_PATH "/user/_",
    CERTPIN_PIN_PATH "/user/_2f",
    CERTPIN_PIN_PATH "/user/_00",
    CERTPIN_PIN_PATH "/user/_ff",
    CERTPIN_PIN_PATH "/users",
    CERTPIN_PIN_PATH "/request/h_2eexample",
    CERTPIN_PIN_PATH "/use",
    CERTPIN_PIN_PATH "s",
    CERTPIN_PIN_PATH "/system/h_2eexample",
    CERTPIN_PIN_PATH "/files/h_2eexample",
    CERTPIN_CHANNEL_PATH "/0",
    CERTPIN_CHANNEL_PATH "/2",
    CERTPIN_CHANNEL_PATH "/01",
    CERTPIN_CHANNEL_PATH "/1/x",
    CERTPIN_CHANNEL_PATH "/18446744073709551617",
    CERTPIN_CHANNEL_PATH "s",
    CERTPIN_OBJECT_PATH "/request",
  };
  g_autoptr (CpdHost) target = test_host ("h.example:443");
  g_autofree char *name = g_strnfill (70000, 'a');
  g_autofree char *path = g_strconcat (CERTPIN_PIN_PATH "/user/", name, NULL);
  g_autoptr (CpdCaller) caller = cpd_caller_new (":1.99", getuid ());
  CpdBusParts parts = get_parts (f);

  pin_keys (f, "h.example", "@a{sv} {}");
  fake_fetcher_add_channel (f->fetcher, getuid (), cpd_channel_status_new (1, target, "direct"));
  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    assert_unknown (f, paths[i]);
  g_assert_null (cpd_objects_find (&parts, caller, path));
}

/* Not what the caller may see: exactly as if it did not exist. */
static void
test_others (TestBus *f, gconstpointer user_data)
{
  static const char *const mine[]
      = { CERTPIN_PIN_PATH "/user/m_2eexample", CERTPIN_CHANNEL_PATH "/1" };
  static const struct
  {
    guint32 uid;
    const char *confinement;
    unsigned int pins, of_system;
  } cases[] = {
    { ANOTHER_UID, NULL, 1, 1 },
    { ANOTHER_UID, "it is an app", 0, 0 },
    { ANOTHER_UID + 1, NULL, 0, 1 },
    { 0, NULL, 0, 1 },
    { CPD_CALLER_UID_UNKNOWN, NULL, 0, 1 },
  };
  g_autoptr (CpdHost) target = test_host ("h.example:443");
  CpdBusParts parts = get_parts (f);

  put_pin (f, ANOTHER_UID, "m.example", CPD_LAYER_USER);
  put_pin (f, 0, "s.example", CPD_LAYER_SYSTEM);
  fake_fetcher_add_channel (f->fetcher, ANOTHER_UID, cpd_channel_status_new (1, target, "direct"));
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CpdCaller) caller = cpd_caller_new (":1.99", cases[i].uid);
      g_autofree char *pins
          = introspect_as (f, cases[i].uid, cases[i].confinement, CERTPIN_PIN_PATH "/user");
      g_autofree char *of_system
          = introspect_as (f, cases[i].uid, cases[i].confinement, CERTPIN_PIN_PATH "/system");
      g_autofree char *channels
          = introspect_as (f, cases[i].uid, cases[i].confinement, CERTPIN_CHANNEL_PATH);

      caller->confinement = g_strdup (cases[i].confinement);
      g_assert_cmpuint (count_nodes (pins), ==, cases[i].pins);
      g_assert_cmpuint (count_nodes (channels), ==, cases[i].pins);
      g_assert_cmpuint (count_nodes (of_system), ==, cases[i].of_system);
      for (size_t j = 0; j < G_N_ELEMENTS (mine); j++)
        g_assert_true ((cpd_objects_find (&parts, caller, mine[j]) != NULL) == cases[i].pins);
    }
  if (getuid () != ANOTHER_UID)
    for (size_t j = 0; j < G_N_ELEMENTS (mine); j++)
      assert_unknown (f, mine[j]);
}

static void
test_channel (TestBus *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) target = test_host ("h.example:443");
  CpdChannelStatus *status = cpd_channel_status_new (12, target, "http://p.example:8080");
  CpdChannelStatus *bare = cpd_channel_status_new (13, target, "direct");
  g_autoptr (GVariant) all = NULL, of_bare = NULL;
  g_autofree char *text = NULL;

  status->since = 7;
  status->connections = 2;
  status->requests = 3;
  status->bytes_sent = 4;
  status->bytes_received = 5;
  status->matched_key = certpin_key_new_from_text (KEY, NULL);
  fake_fetcher_add_channel (f->fetcher, getuid (), status);
  fake_fetcher_add_channel (f->fetcher, getuid (), bare);
  all = get_all (f, CERTPIN_CHANNEL_PATH "/12", CERTPIN_CHANNEL_IFACE);
  text = g_variant_print (all, TRUE);
  g_assert_cmpstr (text, ==,
                   "{'Host': <'h.example:443'>, 'Proxy': <'http://p.example:8080'>, "
                   "'Since': <int64 7>, 'Connections': <uint32 2>, 'Requests': <uint64 3>, "
                   "'BytesSent': <uint64 4>, 'BytesReceived': <uint64 5>, 'MatchedKey': <'" KEY
                   "'>}");
  of_bare = get_all (f, CERTPIN_CHANNEL_PATH "/13", CERTPIN_CHANNEL_IFACE);
  test_bus_assert_text (of_bare, "MatchedKey", "");
  for (gsize i = 0; certpin_dbus_channel_interface.properties[i] != NULL; i++)
    {
      const GDBusPropertyInfo *info = certpin_dbus_channel_interface.properties[i];
      g_autoptr (GVariant) value
          = g_variant_lookup_value (all, info->name, G_VARIANT_TYPE (info->signature));

      g_assert_nonnull (value);
    }
}

static void
test_many (TestBus *f, gconstpointer user_data)
{
  g_autofree char *all = NULL, *most = NULL;

  for (int i = 0; i < CPD_PIN_OBJECTS_MAX; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%d.example", i);

      put_pin (f, ANOTHER_UID, host, CPD_LAYER_USER);
    }
  all = introspect_as (f, ANOTHER_UID, NULL, CERTPIN_PIN_PATH "/user");
  g_assert_cmpuint (count_nodes (all), ==, CPD_PIN_OBJECTS_MAX);
  g_assert_null (strstr (all, "There are more"));
  put_pin (f, ANOTHER_UID, "z.example", CPD_LAYER_USER);
  most = introspect_as (f, ANOTHER_UID, NULL, CERTPIN_PIN_PATH "/user");
  g_assert_cmpuint (count_nodes (most), ==, CPD_PIN_OBJECTS_MAX);
  g_assert_nonnull (strstr (most, "There are more"));
}

static void
test_long_names (TestBus *f, gconstpointer user_data)
{
  g_autofree char *xml = NULL;
  g_autoptr (GDBusNodeInfo) parsed = NULL;

  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *label = g_strnfill (61, '-');
      g_autofree char *host
          = g_strdup_printf ("a%sa.a%sa.a%sa.h%04d.example", label + 2, label + 2, label + 2, i);

      put_pin (f, ANOTHER_UID, host, CPD_LAYER_USER);
    }
  xml = introspect_as (f, ANOTHER_UID, NULL, CERTPIN_PIN_PATH "/user");
  parsed = g_dbus_node_info_new_for_xml (xml, NULL);
  g_assert_nonnull (parsed);
  g_assert_cmpuint (strlen (xml), >, CPD_PIN_OBJECTS_MAX_BYTES);
  g_assert_cmpuint (strlen (xml), <, CPD_PIN_OBJECTS_MAX_BYTES + 8192);
  g_assert_nonnull (strstr (xml, "There are more"));
}

/* What one connection was sent. */
typedef struct
{
  unsigned int count; /* of whatever signal of the service */
  GPtrArray *changes; /* of char *: PropertiesChanged, as "PATH INTERFACE N-CHANGED INVALIDATED" */
} Heard;

static void
on_signal (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *name, GVariant *arguments, gpointer user_data)
{
  Heard *heard = user_data;
  g_autoptr (GVariant) changed = NULL;
  g_autofree const char **invalidated = NULL;
  g_autofree char *names = NULL;
  const char *of;

  heard->count++;
  if (!g_str_equal (name, "PropertiesChanged"))
    return;
  g_assert_cmpstr (interface, ==, PROPERTIES);
  g_variant_get (arguments, "(&s@a{sv}^a&s)", &of, &changed, &invalidated);
  names = g_strjoinv (",", (char **)invalidated);
  g_ptr_array_add (heard->changes, g_strdup_printf ("%s %s %zu %s", path, of,
                                                    g_variant_n_children (changed), names));
}

static unsigned int
listen_to (GDBusConnection *connection, Heard *heard)
{
  heard->count = 0;
  heard->changes = g_ptr_array_new_with_free_func (g_free);
  return g_dbus_connection_signal_subscribe (connection, CERTPIN_BUS_NAME, NULL, NULL, NULL, NULL,
                                             G_DBUS_SIGNAL_FLAGS_NONE, on_signal, heard, NULL);
}

/* Each signal comes to this listener apart from the fixture's, so maybe after it. */
static void
wait_to_hear (const Heard *heard, unsigned int count)
{
  while (heard->count < count)
    test_loop_step ();
  g_assert_cmpuint (heard->count, ==, count);
}

static void
test_changes (TestBus *f, gconstpointer user_data)
{
  GDBusConnection *silent = test_bus_connect (f);
  Heard told, untold;
  unsigned int first = listen_to (f->client, &told), second = listen_to (silent, &untold);

  test_bus_round_trip (silent);
  pin_keys (f, "h.example", "@a{sv} {}");
  test_bus_wait_for_signal (f, "PinChanged h.example active");
  wait_to_hear (&told, 2);
  g_assert_cmpuint (told.changes->len, ==, 1);
  g_assert_cmpstr (told.changes->pdata[0], ==,
                   PIN " " CERTPIN_PIN_IFACE
                       " 0 State,Keys,Match,Mode,Expires,Reason,Subject,Issuer,NotAfter,Warnings,"
                       "PausedUntil,PauseReason,PausedBy,TrustAnchors,Note,Created,CreatedBy,"
                       "Source,Stored,Generation");

  put_pin (f, ANOTHER_UID, "h.example", CPD_LAYER_USER); /* of which nobody here is told */
  put_pin (f, 0, "s.example", CPD_LAYER_SYSTEM);
  test_bus_wait_for_signal (f, "PinChanged s.example active");
  wait_to_hear (&told, 4);
  g_assert_cmpuint (told.changes->len, ==, 2);
  g_assert_true (
      g_str_has_prefix (told.changes->pdata[1], CERTPIN_PIN_PATH "/system/s_2eexample "));

  test_call_done (f, "Unpin", g_variant_new_parsed ("('h.example', @a{sv} {})"));
  test_bus_wait_for_signal (f, "PinChanged h.example removed");
  wait_to_hear (&told, 5);
  g_assert_cmpuint (told.changes->len, ==, 2);

  test_bus_round_trip (silent);
  test_loop_settle ();
  g_assert_cmpuint (untold.count, ==, 0);
  g_dbus_connection_signal_unsubscribe (f->client, first);
  g_dbus_connection_signal_unsubscribe (silent, second);
  g_ptr_array_unref (told.changes);
  g_ptr_array_unref (untold.changes);
  test_bus_disconnect (silent);
}

#define ADD(path, function) TEST_BUS_ADD ("/bus/objects/" path, NULL, function)

int
main (int argc, char *argv[])
{
  static const TestBusLimits many = { .pins_per_uid = 100000 };

  test_bus_init (&argc, &argv);
  ADD ("tree", test_tree);
  ADD ("values", test_values);
  ADD ("each-property", test_each_property);
  ADD ("wrong-members", test_wrong_members);
  ADD ("layers", test_layers);
  ADD ("paths-of-nothing", test_paths_of_nothing);
  ADD ("others", test_others);
  ADD ("channel", test_channel);
  TEST_BUS_ADD ("/bus/objects/many", &many, test_many);
  TEST_BUS_ADD ("/bus/objects/long-names", &many, test_long_names);
  ADD ("changes", test_changes);
  return g_test_run ();
}
