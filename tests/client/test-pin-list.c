/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a list of pins is always what its items-changed signals say, that these name no more
 * than what changed, and that it ends up with the service's pins whatever happened meanwhile. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <string.h>

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  CertpinPinList *list;
  GPtrArray *mirror; /* of CertpinPin: what items-changed says */
  GString *changes;  /* "POSITION-REMOVED+ADDED " for each */
  GThread *thread;   /* that of all signals */

  GMutex lock;           /* of what follows */
  GTree *pins;           /* "HOST SCOPE" to a number: those of the service */
  unsigned int slice;    /* the most hosts in a reply */
  unsigned int listed;   /* replies */
  const char *error;     /* (nullable): what a call fails with */
  gboolean holds;        /* calls are held */
  const char *meanwhile; /* (nullable): "HOST SCOPE" that comes after the second slice */
} Fixture;

static void
set_pin (Fixture *f, const char *pin, unsigned int number)
{
  g_mutex_lock (&f->lock);
  if (number == 0)
    g_tree_remove (f->pins, pin);
  else
    g_tree_replace (f->pins, g_strdup (pin), GUINT_TO_POINTER (number));
  g_mutex_unlock (&f->lock);
}

/* `error`: (nullable): the name of an error of D-Bus: what calls fail with; literal */
static void
set_answers (Fixture *f, gboolean hold, const char *error)
{
  g_mutex_lock (&f->lock);
  f->holds = hold;
  f->error = error;
  g_mutex_unlock (&f->lock);
}

/* A slice being put together. */
typedef struct
{
  GVariantBuilder builder;
  const char *after;
  unsigned int hosts_left;
  unsigned int generation;
  char *last;
} Slice;

static gboolean
add_pin (gpointer key, gpointer value, gpointer user_data)
{
  Slice *slice = user_data;
  g_auto (GStrv) words = g_strsplit (key, " ", 2);
  g_auto (GVariantDict) pin = G_VARIANT_DICT_INIT (NULL);

  if (strcmp (words[0], slice->after) <= 0)
    return FALSE;
  if (g_strcmp0 (words[0], slice->last) != 0 && slice->hosts_left-- == 0)
    return TRUE;
  g_free (slice->last);
  slice->last = g_strdup (words[0]);
  g_variant_dict_insert (&pin, "host", "s", words[0]);
  g_variant_dict_insert (&pin, "scope", "s", words[1]);
  g_variant_dict_insert (&pin, "trust-anchors", "u", GPOINTER_TO_UINT (value));
  /* Another one in each reply, as if the service had restarted: no change. */
  g_variant_dict_insert (&pin, "generation", "t", (guint64)++slice->generation);
  g_variant_builder_add_value (&slice->builder, g_variant_dict_end (&pin));
  return FALSE;
}

static GVariant *
list_pins (Fixture *f, GVariant *options)
{
  Slice slice = { .after = "", .generation = 1000 * f->listed };
  guint32 max = 500;

  g_variant_lookup (options, "start-after", "&s", &slice.after);
  g_variant_lookup (options, "max", "u", &max);
  slice.hosts_left = MIN (max, f->slice);
  g_variant_builder_init (&slice.builder, G_VARIANT_TYPE ("aa{sv}"));
  g_tree_foreach (f->pins, add_pin, &slice);
  g_free (slice.last);
  return g_variant_new ("(aa{sv})", &slice.builder);
}

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GVariant) options = NULL;
  GDBusMessage *reply = NULL;
  const char *meanwhile = NULL;

  if (!g_str_equal (g_dbus_message_get_member (call), "ListPins"))
    return fake_service_reply (service, call);
  options = g_variant_get_child_value (g_dbus_message_get_body (call), 0);
  g_mutex_lock (&f->lock);
  if (f->error != NULL)
    reply = g_dbus_message_new_method_error_literal (call, f->error, "no");
  else if (!f->holds)
    {
      reply = g_dbus_message_new_method_reply (call);
      g_dbus_message_set_body (reply, list_pins (f, options));
      if (++f->listed == 2)
        meanwhile = f->meanwhile;
    }
  g_mutex_unlock (&f->lock);
  if (meanwhile != NULL)
    {
      g_autofree char *host = g_strndup (meanwhile, strcspn (meanwhile, " "));

      set_pin (f, meanwhile, 99);
      fake_service_emit (service, "PinChanged", host, "{'state': <'active'>}");
    }
  return reply;
}

static void
on_items_changed (GListModel *model, unsigned int at, unsigned int removed, unsigned int added,
                  Fixture *f)
{
  g_assert_true (f->thread == g_thread_self ());
  g_assert_cmpuint (removed + added, >, 0);
  g_string_append_printf (f->changes, "%u-%u+%u ", at, removed, added);
  g_ptr_array_remove_range (f->mirror, at, removed);
  for (unsigned int i = 0; i < added; i++)
    g_ptr_array_insert (f->mirror, (int)(at + i), g_list_model_get_item (model, at + i));
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, f->mirror->len);
  for (unsigned int i = 0; i < f->mirror->len; i++)
    {
      g_autoptr (CertpinPin) pin = g_list_model_get_item (model, i);

      g_assert_true (pin == f->mirror->pdata[i]);
    }
}

/* As the service lists them: by host, and of one host the system's first. */
static int
compare_pins (gconstpointer a, gconstpointer b, gpointer user_data)
{
  g_auto (GStrv) one = g_strsplit (a, " ", 2), other = g_strsplit (b, " ", 2);
  int hosts = strcmp (one[0], other[0]);

  return hosts != 0 ? hosts : g_str_equal (other[1], "system") - g_str_equal (one[1], "system");
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  g_mutex_init (&f->lock);
  f->pins = g_tree_new_full (compare_pins, NULL, g_free, NULL);
  f->slice = 500;
  f->service = fake_service_new ();
  fake_service_set_handler (f->service, on_call, f);
  f->client = certpin_client_new ();
  f->mirror = g_ptr_array_new_with_free_func (g_object_unref);
  f->changes = g_string_new ("");
  f->thread = g_thread_self ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->list);
  g_object_unref (f->client);
  g_clear_pointer (&f->service, fake_service_free);
  g_ptr_array_unref (f->mirror);
  g_string_free (f->changes, TRUE);
  g_tree_unref (f->pins);
  g_mutex_clear (&f->lock);
  test_loop_settle ();
  private_bus_stop ();
}

static void
make_list (Fixture *f)
{
  f->list = certpin_pin_list_new (f->client);
  g_signal_connect (f->list, "items-changed", G_CALLBACK (on_items_changed), f);
  g_assert_true (certpin_pin_list_get_loading (f->list));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->list)), ==, 0);
}

static gboolean
describe (gpointer key, gpointer value, gpointer user_data)
{
  g_string_append_printf (user_data, "%s %u, ", (char *)key, GPOINTER_TO_UINT (value));
  return FALSE;
}

/* Whether the list has exactly the service's pins. */
static gboolean
is_right (Fixture *f)
{
  static const char *const scopes[] = { "unknown", "user", "system", "app" };
  g_autoptr (GString) expected = g_string_new (""), is = g_string_new ("");

  g_mutex_lock (&f->lock);
  g_tree_foreach (f->pins, describe, expected);
  g_mutex_unlock (&f->lock);
  for (unsigned int i = 0; i < f->mirror->len; i++)
    {
      CertpinPin *pin = f->mirror->pdata[i];

      g_string_append_printf (is, "%s %s %u, ", certpin_pin_get_host (pin),
                              scopes[certpin_pin_get_scope (pin)],
                              certpin_pin_get_trust_anchors (pin));
    }
  return g_string_equal (is, expected);
}

static void
wait_until_right (Fixture *f)
{
  while (!is_right (f) || certpin_pin_list_get_loading (f->list))
    test_loop_step ();
  g_assert_null (certpin_pin_list_get_error (f->list));
}

/* These changes of the list, and no others, made it right. */
static void
assert_changes (Fixture *f, const char *expected)
{
  wait_until_right (f);
  g_assert_cmpstr (f->changes->str, ==, expected);
  g_string_truncate (f->changes, 0);
}

static void
change (Fixture *f, const char *pin, unsigned int number)
{
  g_autofree char *host = g_strndup (pin, strcspn (pin, " "));

  set_pin (f, pin, number);
  fake_service_emit (f->service, "PinChanged", host, "{'state': <'active'>}");
}

static void
fill (Fixture *f)
{
  set_pin (f, "b user", 1);
  set_pin (f, "d system", 1);
  set_pin (f, "d user", 1);
  set_pin (f, "f user", 1);
  make_list (f);
  assert_changes (f, "0-0+4 ");
}

static void
test_fills (Fixture *f, gconstpointer user_data)
{
  for (unsigned int i = 0; i < 1000; i++)
    {
      g_autofree char *pin = g_strdup_printf ("h%04u user", i);

      set_pin (f, pin, i + 1);
    }
  f->slice = 300;
  make_list (f);
  assert_changes (f, "0-0+300 300-0+300 600-0+300 900-0+100 ");
  g_assert_true (g_list_model_get_item_type (G_LIST_MODEL (f->list)) == CERTPIN_TYPE_PIN);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (f->list), 1000));
}

static void
test_follows (Fixture *f, gconstpointer user_data)
{
  fill (f);
  change (f, "c user", 2);
  assert_changes (f, "1-0+1 ");
  change (f, "c user", 3);
  assert_changes (f, "1-1+1 ");
  change (f, "c system", 4);
  assert_changes (f, "1-0+1 ");
  change (f, "c user", 0);
  assert_changes (f, "2-1+0 ");
  change (f, "f user", 0);
  assert_changes (f, "4-1+0 ");
  change (f, "a user", 5);
  assert_changes (f, "0-0+1 ");
  change (f, "z user", 6);
  assert_changes (f, "5-0+1 ");
  fake_service_emit (f->service, "KeySeen", "z", "{'key': <'k'>}");
  set_pin (f, "z user", 7);
  fake_service_emit (f->service, "KeySeen", "z", "{'key': <'k'>}");
  assert_changes (f, "5-1+1 ");
}

/* In a sandboxed app, whose pins are beside the system's. */
static void
test_app (Fixture *f, gconstpointer user_data)
{
  set_pin (f, "d app", 1);
  set_pin (f, "d system", 2);
  make_list (f);
  assert_changes (f, "0-0+2 ");
  change (f, "d system", 0);
  assert_changes (f, "0-1+0 ");
  change (f, "d system", 3);
  assert_changes (f, "0-0+1 ");
  change (f, "d app", 4);
  assert_changes (f, "1-1+1 ");
}

/* Only what differs is told, and what does not keeps its object. */
static void
test_reloads (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinPin) kept = NULL;

  fill (f);
  kept = g_object_ref (f->mirror->pdata[1]);
  set_pin (f, "a user", 2);
  set_pin (f, "d user", 2);
  set_pin (f, "f user", 0);
  fake_service_emit (f->service, "PinChanged", "", "{'state': <'reloaded'>}");
  assert_changes (f, "0-0+1 3-1+1 4-1+0 ");
  g_assert_true (f->mirror->pdata[2] == kept);
  certpin_pin_list_reload (f->list);
  assert_changes (f, "");
}

static void
test_changes_meanwhile (Fixture *f, gconstpointer user_data)
{
  for (unsigned int i = 0; i < 8; i++)
    {
      g_autofree char *pin = g_strdup_printf ("h%u user", i);

      set_pin (f, pin, i + 1);
    }
  f->slice = 2;
  f->meanwhile = "a user"; /* behind the place where the list is by then */
  make_list (f);
  assert_changes (f, "0-0+2 2-0+2 4-0+2 6-0+2 0-0+1 ");
}

/* So many changes are one reload. */
static void
test_many_changes (Fixture *f, gconstpointer user_data)
{
  unsigned int before;

  fill (f);
  set_answers (f, TRUE, NULL);
  fake_service_emit (f->service, "PinChanged", "b", "{'state': <'active'>}");
  while (!certpin_pin_list_get_loading (f->list))
    test_loop_step ();
  fake_service_wait_for_held (f->service, 1);
  before = fake_service_count (f->service, "ListPins");
  for (unsigned int i = 0; i < 200; i++)
    {
      g_autofree char *pin = g_strdup_printf ("m%03u user", i);

      change (f, pin, i + 1);
    }
  /* The reply comes behind all signals. */
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL));
  test_loop_settle ();
  set_answers (f, FALSE, NULL);
  fake_service_answer_held (f->service); /* that there is nothing behind */
  wait_until_right (f);
  g_assert_cmpuint (fake_service_count (f->service, "ListPins") - before, <, 70);
}

static void
restart (Fixture *f)
{
  fake_service_free (f->service);
  f->service = fake_service_new ();
  fake_service_set_handler (f->service, on_call, f);
}

static void
test_restarts (Fixture *f, gconstpointer user_data)
{
  fill (f);
  for (unsigned int i = 1; i <= 3; i++)
    {
      g_autofree char *pin = g_strdup_printf ("bb%u user", 9 - i);

      set_pin (f, pin, i);
      restart (f);
      assert_changes (f, "1-0+1 ");
    }
}

static void
test_restarts_while_loading (Fixture *f, gconstpointer user_data)
{
  set_pin (f, "b user", 1);
  set_answers (f, TRUE, NULL);
  make_list (f);
  fake_service_wait_for_held (f->service, 1);
  set_answers (f, FALSE, NULL);
  restart (f);
  while (certpin_pin_list_get_error (f->list) == NULL && !is_right (f))
    test_loop_step ();
  while (certpin_pin_list_get_error (f->list) != NULL)
    test_loop_step ();
  wait_until_right (f);
}

static void
wait_for_error (Fixture *f, CertpinError code)
{
  while (certpin_pin_list_get_error (f->list) == NULL)
    test_loop_step ();
  g_assert_error (certpin_pin_list_get_error (f->list), CERTPIN_ERROR, (int)code);
  while (certpin_pin_list_get_loading (f->list))
    test_loop_step ();
}

/* The list keeps what it knows; the next signal, or the program, lets it list all. */
static void
test_errors (Fixture *f, gconstpointer user_data)
{
  fill (f);
  set_answers (f, FALSE, "org.certpin.Certpin1.Error.NotAuthorized");
  set_pin (f, "a user", 2);
  change (f, "z user", 2);
  wait_for_error (f, CERTPIN_ERROR_NOT_AUTHORIZED);
  g_assert_cmpuint (f->mirror->len, ==, 4);
  g_assert_cmpstr (f->changes->str, ==, "");
  set_answers (f, FALSE, NULL);
  change (f, "y user", 2);
  while (certpin_pin_list_get_error (f->list) != NULL)
    test_loop_step ();
  assert_changes (f, "0-0+1 5-0+2 ");
  set_answers (f, FALSE, "org.certpin.Certpin1.Error.TimedOut");
  certpin_pin_list_reload (f->list);
  wait_for_error (f, CERTPIN_ERROR_TIMED_OUT);
  set_answers (f, FALSE, NULL);
  certpin_pin_list_reload (f->list);
  while (certpin_pin_list_get_error (f->list) != NULL)
    test_loop_step ();
  assert_changes (f, "");
}

static void
test_given_up (Fixture *f, gconstpointer user_data)
{
  set_answers (f, TRUE, NULL);
  make_list (f);
  g_object_add_weak_pointer (G_OBJECT (f->list), (gpointer *)&f->list);
  fake_service_wait_for_held (f->service, 1);
  g_object_unref (f->list);
  g_assert_null (f->list);
  fake_service_answer_held (f->service);
  test_loop_settle ();
}

static gpointer
run_thread (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  f->thread = g_thread_self ();
  make_list (f);
  while (!is_right (f) || certpin_pin_list_get_loading (f->list))
    g_main_context_iteration (context, /* may_block= */ TRUE);
  g_clear_object (&f->list);
  while (g_main_context_iteration (context, /* may_block= */ FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_thread (Fixture *f, gconstpointer user_data)
{
  set_pin (f, "b user", 1);
  g_thread_join (g_thread_new ("list", run_thread, f));
  g_assert_cmpstr (f->changes->str, ==, "0-0+1 ");
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/pin-list/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("fills", test_fills);
  ADD ("follows", test_follows);
  ADD ("app", test_app);
  ADD ("reloads", test_reloads);
  ADD ("changes-meanwhile", test_changes_meanwhile);
  ADD ("many-changes", test_many_changes);
  ADD ("restarts", test_restarts);
  ADD ("restarts-while-loading", test_restarts_while_loading);
  ADD ("errors", test_errors);
  ADD ("given-up", test_given_up);
  ADD ("thread", test_thread);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
