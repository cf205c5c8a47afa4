/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that an import has the changes of all parts, in the order of the text, that all parts are
 * checked before the first one is carried out, and that a reply without hosts is an error. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <string.h>

/* More than the service takes in one call. */
#define MANY 450

/* The imports that the service was asked for. */
typedef struct
{
  FakeService *service;
  CertpinClient *client;
  unsigned int dry, real;
  unsigned int fails_at; /* the number of the call; 0: none */
  gboolean hides_hosts;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
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

/* `host`: one that begins with “old” is there already. */
static GVariant *
describe (const Fixture *f, const char *host)
{
  GVariantDict change;

  g_variant_dict_init (&change, NULL);
  g_variant_dict_insert (&change, f->hides_hosts ? "ghost" : "host", "s", host);
  g_variant_dict_insert (&change, "change", "s",
                         g_str_has_prefix (host, "old") ? "replaced" : "new");
  g_variant_dict_insert_value (&change, "pin",
                               g_variant_new_parsed ("{'host': <%s>, 'scope': <'user'>}", host));
  if (g_str_has_prefix (host, "old"))
    g_variant_dict_insert_value (&change, "old", g_variant_new_parsed ("{'note': <'before'>}"));
  return g_variant_dict_end (&change);
}

/* Returns: the changes of a text */
static GVariant *
import (const Fixture *f, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GVariantBuilder changes;

  g_variant_builder_init (&changes, G_VARIANT_TYPE ("aa{sv}"));
  for (size_t i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "Host="))
      g_variant_builder_add_value (&changes, describe (f, lines[i] + strlen ("Host=")));
  return g_variant_builder_end (&changes);
}

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GVariant) options = NULL;
  GDBusMessage *reply;
  gboolean is_dry = FALSE;
  const char *text;

  g_variant_get (g_dbus_message_get_body (call), "(&s@a{sv})", &text, &options);
  g_variant_lookup (options, "dry-run", "b", &is_dry);
  *(is_dry ? &f->dry : &f->real) += 1;
  if (f->dry + f->real == f->fails_at)
    return g_dbus_message_new_method_error_literal (call, "org.certpin.Certpin1.Error.StoreFailed",
                                                    "the disk is full");
  reply = g_dbus_message_new_method_reply (call);
  g_dbus_message_set_body (reply, g_variant_new ("(@aa{sv})", import (f, text)));
  return reply;
}

/* Returns: (transfer full): a pin file with pins of `prefix`0 and so on */
static GString *
write_pins (const char *prefix, unsigned int pins)
{
  GString *text = g_string_new ("[Pin File]\nVersion=1\n");

  for (unsigned int i = 0; i < pins; i++)
    g_string_append_printf (text, "\n[Pin]\nHost=%s%u\nKeys=k\n", prefix, i);
  return text;
}

static GPtrArray *
import_pins (Fixture *f, const char *text, const char *options, GError **error)
{
  fake_service_set_handler (f->service, on_call, f);
  return certpin_client_import_pins (
      f->client, text, options != NULL ? g_variant_new_parsed (options) : NULL, NULL, error);
}

static void
test_one_part (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) text = write_pins ("old", 1), more = write_pins ("h", 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  CertpinImportedPin *first, *second;

  g_string_append (text, strstr (more->str, "[Pin]"));
  changes = import_pins (f, text->str, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (f->real, ==, 1);
  g_assert_cmpuint (f->dry, ==, 0);
  g_assert_cmpuint (changes->len, ==, 2);
  first = changes->pdata[0];
  second = changes->pdata[1];
  g_assert_cmpstr (certpin_imported_pin_get_host (first), ==, "old0");
  g_assert_cmpint (certpin_imported_pin_get_change (first), ==, CERTPIN_IMPORT_CHANGE_REPLACED);
  g_assert_cmpstr (certpin_pin_get_host (certpin_imported_pin_get_pin (first)), ==, "old0");
  g_assert_cmpint (certpin_pin_get_scope (certpin_imported_pin_get_pin (first)), ==,
                   CERTPIN_SCOPE_USER);
  g_assert_cmpstr (certpin_pin_get_note (certpin_imported_pin_get_old (first)), ==, "before");
  g_assert_cmpint (certpin_imported_pin_get_change (second), ==, CERTPIN_IMPORT_CHANGE_NEW);
  g_assert_null (certpin_imported_pin_get_old (second));
}

static void
test_many_parts (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) text = write_pins ("h", MANY);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) changes = import_pins (f, text->str, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (f->dry, ==, 3);
  g_assert_cmpuint (f->real, ==, 3);
  g_assert_cmpuint (changes->len, ==, MANY);
  for (unsigned int i = 0; i < changes->len; i++)
    {
      g_autofree char *expected = g_strdup_printf ("h%u", i);

      g_assert_cmpstr (certpin_imported_pin_get_host (changes->pdata[i]), ==, expected);
    }
}

static void
test_dry_run (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) text = write_pins ("h", MANY);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) changes = import_pins (f, text->str, "{'dry-run': <true>}", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (f->dry, ==, 3);
  g_assert_cmpuint (f->real, ==, 0);
  g_assert_cmpuint (changes->len, ==, MANY);
}

static void
assert_fails (Fixture *f, const char *text, CertpinError code, const char *says)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (import_pins (f, text, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, says));
}

/* The last part of the check fails, or one that is carried out. */
static void
test_fails_in_between (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) text = write_pins ("h", MANY);

  f->fails_at = 3;
  assert_fails (f, text->str, CERTPIN_ERROR_STORE_FAILED, "the disk is full");
  g_assert_cmpuint (f->real, ==, 0);
  f->dry = 0;
  f->fails_at = 5;
  assert_fails (f, text->str, CERTPIN_ERROR_STORE_FAILED,
                "200 pins were imported before this failed: ");
  g_assert_cmpuint (f->real, ==, 2);
}

/* In two parts, of which the service sees only one at a time. */
static void
test_pinned_twice (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) text = write_pins ("h", MANY);

  g_string_append (text, "\n[Pin]\nHost=h7\nKeys=k\n");
  assert_fails (f, text->str, CERTPIN_ERROR_INVALID_ARGUMENT, "‘h7’ is pinned twice");
  g_assert_cmpuint (f->real, ==, 0);
}

static void
test_without_hosts (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) text = write_pins ("h", 1);

  f->hides_hosts = TRUE;
  assert_fails (f, text->str, CERTPIN_ERROR_FAILED, "a change has no host");
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/import/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("one-part", test_one_part);
  ADD ("many-parts", test_many_parts);
  ADD ("dry-run", test_dry_run);
  ADD ("fails-in-between", test_fails_in_between);
  ADD ("pinned-twice", test_pinned_twice);
  ADD ("without-hosts", test_without_hosts);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
