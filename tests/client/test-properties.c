/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the client's property ‘interactive’: it notifies of changes, and each call carries the
 * value that it had when the call was made. test-watch.c proves ‘watching’. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  unsigned int notified;
  int interactive; /* atomic: whether the last call was */
} Fixture;

static void
on_notify (CertpinClient *client, GParamSpec *pspec, Fixture *f)
{
  f->notified++;
}

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  GDBusMessageFlags flags = g_dbus_message_get_flags (call);

  g_atomic_int_set (&f->interactive,
                    (flags & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0);
  return fake_service_reply (service, call);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  fake_service_set_handler (f->service, on_call, f);
  f->client = certpin_client_new ();
  g_signal_connect (f->client, "notify::interactive", G_CALLBACK (on_notify), f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

/* The getter, the property and the next call agree. */
static void
assert_interactive (Fixture *f, gboolean expected)
{
  g_autoptr (GError) error = NULL;
  gboolean value;

  g_object_get (f->client, "interactive", &value, NULL);
  g_assert_cmpint (value, ==, expected);
  g_assert_cmpint (certpin_client_get_interactive (f->client), ==, expected);
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_atomic_int_get (&f->interactive), ==, expected);
}

static void
test_interactive (Fixture *f, gconstpointer user_data)
{
  assert_interactive (f, FALSE);
  certpin_client_set_interactive (f->client, TRUE);
  assert_interactive (f, TRUE);
  g_object_set (f->client, "interactive", FALSE, NULL);
  assert_interactive (f, FALSE);
  g_assert_cmpuint (f->notified, ==, 2);
}

static void
test_interactive_unchanged (Fixture *f, gconstpointer user_data)
{
  certpin_client_set_interactive (f->client, FALSE);
  g_assert_cmpuint (f->notified, ==, 0);
  certpin_client_set_interactive (f->client, TRUE);
  certpin_client_set_interactive (f->client, 17);
  g_assert_cmpuint (f->notified, ==, 1);
}

static void
test_interactive_at_construction (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) client = g_object_new (CERTPIN_TYPE_CLIENT, "interactive", TRUE, NULL);

  g_assert_true (certpin_client_get_interactive (client));
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/properties/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("interactive", test_interactive);
  ADD ("interactive-unchanged", test_interactive_unchanged);
  ADD ("interactive-at-construction", test_interactive_at_construction);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
