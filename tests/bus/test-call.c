/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that an app which a call names is not forgotten before the call has ended, however long
 * that takes. */

#include "config.h"

#include "daemon/bus/cpd-call.h"
#include "daemon/bus/cpd-inbox.h"
#include "tests/lib/test-loop.h"

#define UID     1000
#define WEATHER "flatpak:org.example.Weather"

typedef struct
{
  CpdInbox *inbox;
  CpdBusParts parts;
  CpdCall *call; /* that waits; NULL: none */
} Fixture;

static void
on_met (const char *sender, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (CpdCaller) caller = cpd_caller_new (sender, UID);

  cpd_inbox_admit (f->inbox, caller);
}

/* As if polkit had been asked. */
static void
act_later (CpdCall *call)
{
}

static gboolean
parse (CpdCall *call, GVariant *arguments, GError **error)
{
  CpdLayer layer;

  call->act = act_later;
  return cpd_asker_take_scope (&call->asker, /* scope= */ NULL, WEATHER, &layer, error);
}

static void
on_turn (CpdCaller *caller, CpdArrival *arrival, gpointer user_data)
{
  Fixture *f = user_data;

  f->call = cpd_call_new (&f->parts, caller, arrival);
  cpd_call_run (f->call, parse, /* arguments= */ NULL);
}

/* As the link does. Nobody waits for the reply. */
static void
receive (Fixture *f)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (NULL, "/", "a.b", "C");
  CpdWireHeader header;
  guint8 *bytes;
  gsize size;

  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_sender (message, ":1.1");
  g_dbus_message_set_serial (message, 1);
  bytes = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  g_assert_true (cpd_wire_read_header (bytes, cpd_wire_measure_header (bytes), &header));
  cpd_inbox_receive (f->inbox, header.sender,
                     cpd_arrival_new (&header, g_bytes_new_take (bytes, size), /* refusal= */ NULL),
                     /* took_us= */ 0);
}

static gboolean
is_known (Fixture *f)
{
  CpdOwner owner;

  return cpd_apps_lookup (cpd_store_get_apps (f->parts.store), UID, WEATHER, &owner);
}

/* So many others are connected. */
static void
hold_others (Fixture *f, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++)
    {
      g_autofree char *name = g_strdup_printf ("snap:app%u", i);
      CpdOwner owner;

      g_assert_true (cpd_store_meet_app (f->parts.store, UID, name, &owner, NULL));
      cpd_apps_hold (cpd_store_get_apps (f->parts.store), owner);
    }
}

static void
test_holds (void)
{
  static const CpdInboxFuncs funcs = { .met = on_met, .turn = on_turn };
  Fixture f = { .parts.store = cpd_store_new (&(CpdStoreSettings){ NULL }) };
  CpdOwner owner;

  f.inbox = cpd_inbox_new (&funcs, &f);
  receive (&f);
  cpd_inbox_start (f.inbox);
  while (f.call == NULL)
    test_loop_step ();
  g_assert_true (is_known (&f));
  hold_others (&f, CPD_APPS_MAX - 1);
  g_assert_false (cpd_store_meet_app (f.parts.store, UID, "snap:more", &owner, NULL));
  g_assert_true (is_known (&f));
  cpd_call_return (f.call, NULL);
  g_assert_true (cpd_store_meet_app (f.parts.store, UID, "snap:more", &owner, NULL));
  g_assert_false (is_known (&f));
  cpd_inbox_free (f.inbox);
  g_object_unref (f.parts.store);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/call/holds-the-app", test_holds);
  return g_test_run ();
}
