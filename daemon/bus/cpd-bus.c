/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The service on the bus: its name, and its one object with two interfaces. The name comes first:
 * only who has it knows that nobody else changes the state any more. Calls wait until there is
 * something to answer them from. */

#include "config.h"

#include "daemon/bus/cpd-bus.h"

#include "daemon/bus/cpd-bus-pins.h"
#include "daemon/bus/cpd-bus-requests.h"
#include "daemon/bus/cpd-polkit.h"
#include "daemon/bus/cpd-unanswered.h"
#include "dbus/certpin-names.h"

struct _CpdBus
{
  GObject parent;

  CpdBusParts parts;
  CpdBusPins *pins;
  CpdBusRequests *requests;
  CpdUnanswered *unanswered; /* the connection's */
  GBusNameOwnerFlags flags;
  unsigned int name;
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
unexport (GDBusInterfaceSkeleton *skeleton)
{
  if (g_dbus_interface_skeleton_get_connection (skeleton) != NULL)
    g_dbus_interface_skeleton_unexport (skeleton);
}

static void
cpd_bus_dispose (GObject *object)
{
  CpdBus *bus = CPD_BUS (object);

  g_clear_pointer (&bus->unanswered, cpd_unanswered_end);
  g_clear_handle_id (&bus->name, g_bus_unown_name);
  if (bus->pins != NULL)
    unexport (cpd_bus_pins_get_skeleton (bus->pins));
  if (bus->requests != NULL)
    unexport (cpd_bus_requests_get_skeleton (bus->requests));
  g_clear_object (&bus->pins);
  g_clear_object (&bus->requests);
  g_clear_object (&bus->parts.authority);
  g_clear_object (&bus->parts.callers);
  g_clear_object (&bus->parts.store);
  g_clear_object (&bus->parts.fetcher);
  g_clear_object (&bus->parts.connection);
  G_OBJECT_CLASS (cpd_bus_parent_class)->dispose (object);
}

static void
cpd_bus_finalize (GObject *object)
{
  CpdBus *bus = CPD_BUS (object);

  cpd_failures_free (bus->parts.failures);
  cpd_fairness_free (bus->parts.fairness);
  cpd_fairness_free (bus->parts.judgements);
  cpd_request_objects_free (bus->parts.request_objects);
  G_OBJECT_CLASS (cpd_bus_parent_class)->finalize (object);
}

static void
cpd_bus_class_init (CpdBusClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_bus_dispose;
  G_OBJECT_CLASS (klass)->finalize = cpd_bus_finalize;
  signals[ACQUIRED] = g_signal_new ("acquired", CPD_TYPE_BUS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
  signals[LOST]
      = g_signal_new ("lost", CPD_TYPE_BUS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cpd_bus_init (CpdBus *bus)
{
}

/* A judgement takes a thread for as long as a chain can make it take: one user has one at a time.
 */
static CpdFairness *
new_judgements (void)
{
  g_autoptr (CpdConfig) config = cpd_config_new ();

  config->running_per_uid = 1;
  config->waiting_per_uid = 64;
  config->running = 4;
  return cpd_fairness_new (config);
}

CpdBus *
cpd_bus_new (const CpdBusSettings *settings)
{
  CpdBus *bus = g_object_new (CPD_TYPE_BUS, NULL);
  CpdBusParts *parts = &bus->parts;

  parts->connection = g_object_ref (settings->connection);
  parts->store = g_object_ref (settings->store);
  parts->fetcher = g_object_ref (settings->fetcher);
  parts->config = settings->config;
  parts->callers = cpd_callers_new (settings->connection);
  parts->fairness = cpd_fairness_new (settings->config);
  parts->judgements = new_judgements ();
  parts->failures = cpd_failures_new ();
  parts->request_objects = cpd_request_objects_new (settings->connection);
  parts->authority = settings->polkit ? CPD_AUTHORITY (cpd_polkit_new (parts->callers))
                                      : cpd_uid_authority_new ();
  bus->unanswered = cpd_unanswered_new (settings->connection, CERTPIN_PINS_IFACE);
  bus->pins = cpd_bus_pins_new (parts);
  bus->requests = cpd_bus_requests_new (parts);
  bus->flags = G_BUS_NAME_OWNER_FLAGS_ALLOW_REPLACEMENT | G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE;
  if (settings->replace)
    bus->flags |= G_BUS_NAME_OWNER_FLAGS_REPLACE;
  return bus;
}

static void
on_name_acquired (GDBusConnection *connection, const char *name, gpointer user_data)
{
  g_signal_emit (user_data, signals[ACQUIRED], 0);
}

static void
on_name_lost (GDBusConnection *connection, const char *name, gpointer user_data)
{
  CpdBus *bus = user_data;

  bus->name = 0; /* it is not ours to give back */
  g_signal_emit (bus, signals[LOST], 0);
}

/* Asks for the name. Calls that arrive wait. */
void
cpd_bus_own_name (CpdBus *bus)
{
  bus->name = g_bus_own_name_on_connection (bus->parts.connection, CERTPIN_BUS_NAME, bus->flags,
                                            on_name_acquired, on_name_lost, bus, NULL);
}

/* Answers calls, those that have waited first. The store has been read. */
gboolean
cpd_bus_start_serving (CpdBus *bus, GError **error)
{
  GDBusConnection *connection = bus->parts.connection;

  if (!g_dbus_interface_skeleton_export (cpd_bus_pins_get_skeleton (bus->pins), connection,
                                         CERTPIN_OBJECT_PATH, error)
      || !g_dbus_interface_skeleton_export (cpd_bus_requests_get_skeleton (bus->requests),
                                            connection, CERTPIN_OBJECT_PATH, error))
    return FALSE;
  cpd_unanswered_let_pass (bus->unanswered);
  return TRUE;
}

/* Gives the name back, so that later calls are another instance's; “lost” tells when that is done.
 * Returns: whether there is a name to give back */
gboolean
cpd_bus_release_name (CpdBus *bus)
{
  if (bus->name == 0)
    return FALSE;
  g_dbus_connection_call (bus->parts.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "ReleaseName",
                          g_variant_new ("(s)", CERTPIN_BUS_NAME), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                          NULL, NULL, NULL);
  return TRUE;
}

/* Returns: how many calls of the Pins interface are under way */
unsigned int
cpd_bus_count_unanswered (CpdBus *bus)
{
  return cpd_unanswered_count (bus->unanswered);
}
