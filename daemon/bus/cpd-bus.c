/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The service on the bus: its parts, and its name. It takes the name first: after
 * that, no other instance receives calls. Calls wait until the state has been read. */

#include "config.h"

#include "daemon/bus/cpd-bus.h"

#include "daemon/bus/cpd-bus-name.h"
#include "daemon/bus/cpd-dispatch.h"
#include "daemon/bus/cpd-polkit.h"
#include "daemon/bus/cpd-sighting-news.h"
#include "daemon/bus/cpd-subscriptions.h"
#include "dbus/certpin-names.h"

/* A chain can occupy a thread for long, so a user has one judgement at a time. */
#define JUDGEMENTS_MAX     4
#define JUDGEMENTS_WAITING 64 /* of a uid */

/* Those of a call, and of what is in it: SecureRequest's, and a header. */
#define USUAL_TYPES "((ssa(ss)aya{sv})a{yv})"

struct _CpdBus
{
  GObject parent;

  CpdBusParts parts;
  GVariant *types; /* has all the usual ones */
  CpdBusName *name;
  gboolean replace;
};

G_DEFINE_FINAL_TYPE (CpdBus, cpd_bus, G_TYPE_OBJECT)

enum
{
  ACQUIRED,
  LOST,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_bus_dispose (GObject *object)
{
  CpdBus *bus = CPD_BUS (object);

  if (bus->parts.request_objects != NULL)
    cpd_request_objects_end_all (bus->parts.request_objects);
  g_clear_object (&bus->name);
  g_clear_pointer (&bus->parts.inbox, cpd_inbox_free);
  g_clear_object (&bus->parts.authority);
  if (bus->parts.callers != NULL)
    g_signal_handlers_disconnect_by_data (bus->parts.callers, bus);
  g_clear_object (&bus->parts.callers);
  if (bus->parts.store != NULL)
    {
      g_signal_handlers_disconnect_by_data (bus->parts.store, &bus->parts);
      cpd_sighting_news_unfollow (&bus->parts);
    }
  g_clear_object (&bus->parts.store);
  g_clear_object (&bus->parts.fetcher);
  G_OBJECT_CLASS (cpd_bus_parent_class)->dispose (object);
}

static void
cpd_bus_finalize (GObject *object)
{
  CpdBus *bus = CPD_BUS (object);

  cpd_subscribers_free (bus->parts.subscribers);
  cpd_delivery_free (bus->parts.delivery);
  cpd_failures_free (bus->parts.failures);
  cpd_audit_free (bus->parts.audit);
  cpd_status_free (bus->parts.status);
  cpd_queue_free (bus->parts.requests);
  cpd_queue_free (bus->parts.judgements);
  cpd_queue_free (bus->parts.tunnels);
  cpd_request_objects_free (bus->parts.request_objects);
  g_variant_unref (bus->types);
  cpd_queue_free (bus->parts.streams);
  G_OBJECT_CLASS (cpd_bus_parent_class)->finalize (object);
}

static void
cpd_bus_class_init (CpdBusClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_bus_dispose;
  G_OBJECT_CLASS (klass)->finalize = cpd_bus_finalize;
  signals[ACQUIRED] = g_signal_new ("acquired", CPD_TYPE_BUS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
  signals[LOST] = g_signal_new ("lost", CPD_TYPE_BUS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_STRING);
}

/* GLib parses a type for the first value that has it, and forgets it with the last one: that would
 * be with each call. */
static void
cpd_bus_init (CpdBus *bus)
{
  bus->types = g_variant_ref_sink (
      g_variant_new_from_data (G_VARIANT_TYPE (USUAL_TYPES), NULL, 0, TRUE, NULL, NULL));
}

static void
on_met (const char *sender, gpointer user_data)
{
  cpd_callers_meet (((CpdBus *)user_data)->parts.callers, sender);
}

static void
on_turn (CpdCaller *caller, CpdArrival *arrival, gpointer user_data)
{
  cpd_dispatch (&((CpdBus *)user_data)->parts, caller, arrival);
}

static void
on_caller_known (CpdBus *bus, CpdCaller *caller)
{
  cpd_inbox_admit (bus->parts.inbox, caller);
}

static void
on_caller_gone (CpdBus *bus, CpdCaller *caller)
{
  if (caller->connection != 0)
    cpd_store_close_connection (bus->parts.store, caller->connection);
  cpd_inbox_forget (bus->parts.inbox, caller->sender);
  cpd_subscribers_remove (bus->parts.subscribers, caller);
  cpd_delivery_forget (bus->parts.delivery, caller);
}

static void
on_caller_lost (CpdBus *bus, const char *sender)
{
  cpd_inbox_forget (bus->parts.inbox, sender);
}

static void
on_app_forgotten (CpdBusParts *parts, CpdOwner app)
{
  cpd_failures_forget (parts->failures, app);
  cpd_status_forget (parts->status, app);
}

static void
on_room (CpdCaller *caller, gpointer user_data)
{
  cpd_subscribers_have_room (((CpdBus *)user_data)->parts.subscribers, caller);
}

static void
on_worked (CpdBus *bus, CpdOwner owner, gint64 took_us)
{
  cpd_inbox_charge (bus->parts.inbox, owner, took_us);
}

/* From a caller's first message to the last one sent to it. */
static void
connect_parts (CpdBus *bus, const CpdBusSettings *settings)
{
  static const CpdInboxFuncs funcs = { .met = on_met, .turn = on_turn };
  CpdBusParts *parts = &bus->parts;

  parts->callers = cpd_callers_new (settings->quiet, parts->store);
  parts->inbox = cpd_inbox_new (&funcs, bus);
  parts->delivery = cpd_delivery_new (settings->link, settings->quiet, parts->inbox, on_room, bus);
  parts->subscribers = cpd_subscribers_new (parts->delivery);
  g_signal_connect_swapped (parts->callers, "known", G_CALLBACK (on_caller_known), bus);
  g_signal_connect_swapped (parts->callers, "gone", G_CALLBACK (on_caller_gone), bus);
  g_signal_connect_swapped (parts->callers, "lost", G_CALLBACK (on_caller_lost), bus);
  g_signal_connect_object (parts->fetcher, "worked", G_CALLBACK (on_worked), bus,
                           G_CONNECT_SWAPPED);
  cpd_link_open (settings->link, parts->inbox);
}

static void
on_acquired (CpdBus *bus)
{
  g_signal_emit (bus, signals[ACQUIRED], 0);
}

static void
on_lost (CpdBus *bus, const char *reason)
{
  g_signal_emit (bus, signals[LOST], 0, reason);
}

/* Receives calls from now on; they wait until cpd_bus_start_serving (). */
CpdBus *
cpd_bus_new (const CpdBusSettings *settings)
{
  CpdBus *bus = g_object_new (CPD_TYPE_BUS, NULL);
  CpdBusParts *parts = &bus->parts;

  parts->store = g_object_ref (settings->store);
  parts->fetcher = g_object_ref (settings->fetcher);
  parts->config = settings->config;
  connect_parts (bus, settings);
  parts->requests = cpd_queue_new (settings->config);
  cpd_queue_leave_one_to_each (parts->requests);
  parts->streams = cpd_queue_new_without_bodies (settings->config->streams_per_uid, 0,
                                                 settings->config->streams);
  cpd_queue_leave_one_to_each (parts->streams);
  parts->judgements = cpd_queue_new_without_bodies (1, JUDGEMENTS_WAITING, JUDGEMENTS_MAX);
  parts->tunnels
      = cpd_queue_new_without_bodies (settings->config->tunnels_per_uid,
                                      /* waiting_per_uid= */ 0, settings->config->tunnels);
  cpd_queue_leave_one_to_each (parts->tunnels);
  parts->failures = cpd_failures_new ();
  parts->audit = cpd_audit_new (cpd_store_get_apps (parts->store));
  parts->status = cpd_status_new (parts->store);
  parts->request_objects = cpd_request_objects_new ();
  parts->authority = settings->asks_polkit
                         ? CPD_AUTHORITY (cpd_polkit_new (settings->quiet, parts->callers))
                         : cpd_uid_authority_new ();
  cpd_subscriptions_follow (parts);
  g_signal_connect_swapped (parts->store, "forgotten", G_CALLBACK (on_app_forgotten), parts);
  cpd_sighting_news_follow (parts);
  bus->replace = settings->replace;
  bus->name = cpd_bus_name_new (cpd_link_get_connection (settings->link), settings->quiet);
  g_signal_connect_object (bus->name, "acquired", G_CALLBACK (on_acquired), bus, G_CONNECT_SWAPPED);
  g_signal_connect_object (bus->name, "lost", G_CALLBACK (on_lost), bus, G_CONNECT_SWAPPED);
  return bus;
}

/* Requests the name. Calls that arrive wait. */
void
cpd_bus_own_name (CpdBus *bus)
{
  cpd_bus_name_request (bus->name, bus->replace);
}

/* Answers calls from now on, including those that have arrived. */
void
cpd_bus_start_serving (CpdBus *bus)
{
  cpd_inbox_start (bus->parts.inbox);
  cpd_bus_name_let_replace (bus->name);
}

/* Releases the name, so that later calls go to another instance; then “lost” is emitted.
 * Returns: whether there is a name to release */
gboolean
cpd_bus_release_name (CpdBus *bus)
{
  return cpd_bus_name_release (bus->name);
}

/* Returns: the number of unanswered calls of the Pins interface */
unsigned int
cpd_bus_count_unanswered (CpdBus *bus)
{
  return cpd_inbox_count_calls (bus->parts.inbox);
}
