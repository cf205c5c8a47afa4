/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a list has all pins, however small the service's slices are, and that every list
 * ends; that an export has all of them as texts. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <string.h>

/* The pins of the service, and how it lists them. */
typedef struct
{
  FakeService *service;
  CertpinClient *client;
  unsigned int hosts;
  unsigned int slice;       /* the most hosts in a reply */
  unsigned int fails_after; /* calls; 0: never */
  gboolean stands_still;    /* each reply is the same */
  gboolean hides_hosts;
  GCancellable *cancellable; /* (nullable): cancelled when the third slice is asked for */
  unsigned int calls;
  unsigned int with_scope; /* calls */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->slice = 500;
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  fake_service_free (f->service);
  g_clear_object (&f->cancellable);
  test_loop_settle ();
  private_bus_stop ();
}

/* Adds two pins of the host. */
static void
add_pins (const Fixture *f, GVariantBuilder *builder, const char *host)
{
  for (int i = 0; i < 2; i++)
    {
      g_variant_builder_open (builder, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (builder, "{sv}", f->hides_hosts ? "ghost" : "host",
                             g_variant_new_string (host));
      g_variant_builder_add (builder, "{sv}", "scope",
                             g_variant_new_string (i == 0 ? "system" : "user"));
      g_variant_builder_close (builder);
    }
}

static GVariant *
list (const Fixture *f, const char *after, unsigned int max)
{
  GVariantBuilder builder;
  unsigned int left = MIN (max, f->slice);

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned int i = 0; i < f->hosts && left > 0; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%06u.example", i);

      if (strcmp (host, f->stands_still ? "" : after) <= 0)
        continue;
      add_pins (f, &builder, host);
      left--;
    }
  return g_variant_builder_end (&builder);
}

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  GDBusMessage *reply;
  g_autoptr (GVariant) options = g_variant_get_child_value (g_dbus_message_get_body (call), 0);
  const char *after = "", *scope = NULL;
  guint32 max = 500;

  f->calls++;
  if (f->fails_after != 0 && f->calls > f->fails_after)
    return g_dbus_message_new_method_error_literal (
        call, "org.certpin.Certpin1.Error.NotAuthorized", "no more");
  if (f->calls == 3 && f->cancellable != NULL)
    {
      g_cancellable_cancel (f->cancellable);
      return NULL;
    }
  g_variant_lookup (options, "start-after", "&s", &after);
  g_variant_lookup (options, "max", "u", &max);
  f->with_scope += g_variant_lookup (options, "scope", "&s", &scope);
  reply = g_dbus_message_new_method_reply (call);
  g_dbus_message_set_body (reply, g_variant_new ("(@aa{sv})", list (f, after, max)));
  return reply;
}

/* Lists twice: asynchronously, and waiting. `options`: (nullable): text.
 * Returns: (transfer full) */
static GPtrArray *
list_pins (Fixture *f, const char *options, GError **error)
{
  g_autoptr (GVariant) parsed
      = options != NULL ? g_variant_ref_sink (g_variant_new_parsed (options)) : NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) pins = NULL;
  GAsyncResult *pending = NULL;
  GPtrArray *same;

  fake_service_set_handler (f->service, on_call, f);
  f->calls = f->with_scope = 0;
  certpin_client_list_pins_async (f->client, parsed, f->cancellable, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  pins = certpin_client_list_pins_finish (f->client, result, error);
  if (pins == NULL)
    return NULL;
  f->calls = f->with_scope = 0;
  same = certpin_client_list_pins (f->client, parsed, f->cancellable, error);
  g_assert_no_error (*error);
  g_assert_cmpuint (pins->len, ==, same->len);
  for (unsigned int i = 0; i < pins->len; i++)
    g_assert_true (g_variant_equal (certpin_record_get_description (pins->pdata[i]),
                                    certpin_record_get_description (same->pdata[i])));
  return same;
}

static void
assert_listed (GPtrArray *pins, unsigned int first, unsigned int hosts)
{
  g_assert_cmpuint (pins->len, ==, 2 * hosts);
  for (unsigned int i = 0; i < 2 * hosts; i++)
    {
      g_autofree char *expected = g_strdup_printf ("h%06u.example", first + i / 2);

      g_assert_cmpstr (certpin_pin_get_host (pins->pdata[i]), ==, expected);
      g_assert_cmpint (certpin_pin_get_scope (pins->pdata[i]), ==,
                       i % 2 == 0 ? CERTPIN_SCOPE_SYSTEM : CERTPIN_SCOPE_USER);
    }
}

static void
test_all_sizes (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    unsigned int hosts, slice;
  } cases[]
      = { { 0, 500 }, { 1, 500 }, { 1, 1 }, { 7, 1 }, { 250, 250 }, { 251, 250 }, { 1234, 250 } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) pins = NULL;

      f->hosts = cases[i].hosts;
      f->slice = cases[i].slice;
      pins = list_pins (f, NULL, &error);
      g_assert_no_error (error);
      assert_listed (pins, 0, f->hosts);
      g_assert_cmpuint (f->calls, ==, (f->hosts + f->slice - 1) / f->slice + 1);
    }
}

static void
test_options_stay (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pins = NULL;

  f->hosts = 10;
  f->slice = 3;
  pins = list_pins (f, "{'scope': <'system'>}", &error);
  g_assert_no_error (error);
  assert_listed (pins, 0, 10);
  g_assert_cmpuint (f->calls, ==, 5);
  g_assert_cmpuint (f->with_scope, ==, 5);
}

/* A program may ask for a single slice. */
static void
test_own_slices (Fixture *f, gconstpointer user_data)
{
  static const char *const options[]
      = { "{'start-after': <'h000004.example'>}",
          "{'start-after': <'h000004.example'>, 'max': <uint32 3>}", "{'max': <uint32 3>}" };
  static const unsigned int firsts[] = { 5, 5, 0 }, counts[] = { 4, 3, 3 };

  f->hosts = 10;
  f->slice = 4;
  for (size_t i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) pins = list_pins (f, options[i], &error);

      g_assert_no_error (error);
      assert_listed (pins, firsts[i], counts[i]);
      g_assert_cmpuint (f->calls, ==, 1);
    }
}

static void
assert_fails (Fixture *f, CertpinError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (list_pins (f, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, (int)code);
  g_test_message ("%s", error->message);
}

static void
test_fails_in_between (Fixture *f, gconstpointer user_data)
{
  f->hosts = 10;
  f->slice = 3;
  f->fails_after = 2;
  assert_fails (f, CERTPIN_ERROR_NOT_AUTHORIZED);
}

/* The list would never end. */
static void
test_stands_still (Fixture *f, gconstpointer user_data)
{
  f->hosts = 10;
  f->stands_still = TRUE;
  assert_fails (f, CERTPIN_ERROR_FAILED);
  g_assert_cmpuint (f->calls, ==, 2);
}

static void
test_without_hosts (Fixture *f, gconstpointer user_data)
{
  f->hosts = 10;
  f->hides_hosts = TRUE;
  assert_fails (f, CERTPIN_ERROR_FAILED);
  g_assert_cmpuint (f->calls, ==, 1);
}

static void
test_cancel_in_between (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  f->hosts = 10;
  f->slice = 3;
  f->cancellable = g_cancellable_new ();
  g_assert_null (list_pins (f, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (f->calls, ==, 3);
}

/* The fake service describes both in the same way. */
static void
test_export (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = NULL;

  f->hosts = 7;
  f->slice = 3;
  fake_service_set_handler (f->service, on_call, f);
  files = certpin_client_export_pins (f->client, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (files->len, ==, 14);
  g_assert_cmpuint (fake_service_count (f->service, "ExportPins"), ==, 4);
  for (unsigned int i = 0; i < files->len; i++)
    {
      g_autofree char *expected = g_strdup_printf ("h%06u.example", i / 2);

      g_assert_cmpstr (certpin_pin_file_get_host (files->pdata[i]), ==, expected);
      g_assert_cmpint (certpin_pin_file_get_scope (files->pdata[i]), ==,
                       i % 2 == 0 ? CERTPIN_SCOPE_SYSTEM : CERTPIN_SCOPE_USER);
    }
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/list/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("all-sizes", test_all_sizes);
  ADD ("options-stay", test_options_stay);
  ADD ("own-slices", test_own_slices);
  ADD ("fails-in-between", test_fails_in_between);
  ADD ("stands-still", test_stands_still);
  ADD ("without-hosts", test_without_hosts);
  ADD ("cancel-in-between", test_cancel_in_between);
  ADD ("export", test_export);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
