/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The service's name on the bus, from one instance to the next. An instance that has the name but
 * does not answer yet cannot be replaced; the next one tries again. So instances get the name and
 * the state in the same order, and each answers the calls that it received. */

#include "config.h"

#include "daemon/bus/cpd-bus-name.h"

#include "dbus/certpin-names.h"

/* D-Bus Specification, “Message Bus Messages”: RequestName. */
#define ALLOW_REPLACEMENT 0x1u
#define REPLACE_EXISTING  0x2u
#define DO_NOT_QUEUE      0x4u
#define PRIMARY_OWNER     1u
#define EXISTS            3u

/* How often, and for how long, the name is requested while another instance keeps it. */
#define AGAIN_MS  20
#define AGAIN_MAX 500

/* Once the name is lost, how long the calls that were sent before may take to arrive. */
#define CATCH_UP_MS 1000

struct _CpdBusName
{
  GObject parent;

  GDBusConnection *connection, *quiet;
  GCancellable *gone; /* tripped at the end */
  unsigned int lost, taken;
  gulong closed, quiet_closed;
  guint32 flags;
  unsigned int tries; /* of which none succeeded */
  unsigned int again; /* the timer of the next try */
  gboolean wanted;    /* it was asked for, and is not lost */
  gboolean owned;
};

G_DEFINE_FINAL_TYPE (CpdBusName, cpd_bus_name, G_TYPE_OBJECT)

enum
{
  ACQUIRED,
  LOST,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_bus_name_dispose (GObject *object)
{
  CpdBusName *name = CPD_BUS_NAME (object);

  cpd_bus_name_release (name);
  g_cancellable_cancel (name->gone);
  g_clear_handle_id (&name->again, g_source_remove);
  if (name->connection != NULL)
    {
      g_dbus_connection_signal_unsubscribe (name->connection, name->lost);
      g_dbus_connection_signal_unsubscribe (name->quiet, name->taken);
      g_signal_handler_disconnect (name->connection, name->closed);
      g_signal_handler_disconnect (name->quiet, name->quiet_closed);
    }
  g_clear_object (&name->connection);
  g_clear_object (&name->quiet);
  G_OBJECT_CLASS (cpd_bus_name_parent_class)->dispose (object);
}

static void
cpd_bus_name_finalize (GObject *object)
{
  g_object_unref (CPD_BUS_NAME (object)->gone);
  G_OBJECT_CLASS (cpd_bus_name_parent_class)->finalize (object);
}

static void
cpd_bus_name_class_init (CpdBusNameClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_bus_name_dispose;
  G_OBJECT_CLASS (klass)->finalize = cpd_bus_name_finalize;
  signals[ACQUIRED] = g_signal_new ("acquired", CPD_TYPE_BUS_NAME, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
  signals[LOST] = g_signal_new ("lost", CPD_TYPE_BUS_NAME, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
cpd_bus_name_init (CpdBusName *name)
{
  name->gone = g_cancellable_new ();
}

/* `reason`: NULL: another instance took the name over, or it was released. */
static void
lose (CpdBusName *name, const char *reason)
{
  if (!name->wanted)
    return;
  name->wanted = name->owned = FALSE;
  g_clear_handle_id (&name->again, g_source_remove);
  g_signal_emit (name, signals[LOST], 0, reason);
}

static void
on_closed (CpdBusName *name)
{
  lose (name, "the connection to the bus was closed");
}

static void
on_name_lost (GDBusConnection *connection, const char *sender, const char *path,
              const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
  CpdBusName *name = user_data;

  if (name->owned)
    lose (name, NULL);
}

/* `timeout_ms`: -1: the default of GDBus */
static void
call_bus (CpdBusName *name, const char *method, GVariant *arguments, int timeout_ms,
          GAsyncReadyCallback callback)
{
  g_dbus_connection_call (name->connection, DBUS_NAME, DBUS_PATH, DBUS_NAME, method, arguments,
                          /* reply_type= */ NULL, G_DBUS_CALL_FLAGS_NONE, timeout_ms,
                          callback != NULL ? name->gone : NULL, callback, name);
}

static void
on_caught_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdBusName *name = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    lose (name, NULL);
}

/* Calls that were sent before may still be on their way. The bus answers after them, unless it
 * drops its answer: then the time is over. */
static void
on_name_taken (GDBusConnection *connection, const char *sender, const char *path,
               const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
  CpdBusName *name = user_data;
  const char *old_owner;

  if (!name->owned || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sss)")))
    return;
  g_variant_get (parameters, "(&s&s&s)", NULL, &old_owner, NULL);
  if (g_str_equal (old_owner, g_dbus_connection_get_unique_name (name->connection)))
    call_bus (name, "GetId", /* arguments= */ NULL, CATCH_UP_MS, on_caught_up);
}

/* `quiet`: as in CpdBusSettings. From there, a loss is known even if the bus drops NameLost. */
CpdBusName *
cpd_bus_name_new (GDBusConnection *connection, GDBusConnection *quiet)
{
  CpdBusName *name = g_object_new (CPD_TYPE_BUS_NAME, NULL);

  name->connection = g_object_ref (connection);
  name->quiet = g_object_ref (quiet);
  name->closed = g_signal_connect_swapped (connection, "closed", G_CALLBACK (on_closed), name);
  name->quiet_closed = g_signal_connect_swapped (quiet, "closed", G_CALLBACK (on_closed), name);
  name->lost = g_dbus_connection_signal_subscribe (
      connection, DBUS_NAME, DBUS_NAME, "NameLost", DBUS_PATH, CERTPIN_BUS_NAME,
      G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, on_name_lost, name, NULL);
  name->taken = g_dbus_connection_signal_subscribe (
      quiet, DBUS_NAME, DBUS_NAME, "NameOwnerChanged", DBUS_PATH, CERTPIN_BUS_NAME,
      G_DBUS_SIGNAL_FLAGS_NONE, on_name_taken, name, NULL);
  return name;
}

/* `error`: (nullable): the bus refused; NULL: another instance has the name.
 * Returns: (transfer full) */
static char *
explain (CpdBusName *name, GError *error)
{
  if (error != NULL)
    {
      g_dbus_error_strip_remote_error (error);
      return g_strdup_printf ("the bus refuses the name ‘%s’: %s; check that certpin's D-Bus "
                              "policy file is installed",
                              CERTPIN_BUS_NAME, error->message);
    }
  if ((name->flags & REPLACE_EXISTING) != 0)
    return g_strdup_printf ("another instance has the name ‘%s’ and does not release it; stop that "
                            "one first",
                            CERTPIN_BUS_NAME);
  return g_strdup_printf ("another instance has the name ‘%s’; stop that one, or start this one "
                          "with --replace",
                          CERTPIN_BUS_NAME);
}

static gboolean on_again (gpointer user_data);

static void
on_requested (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdBusName *name = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autofree char *reason = NULL;
  guint32 code = 0;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || !name->wanted)
    return; /* with the first, `name` is gone */
  if (reply != NULL)
    g_variant_get (reply, "(u)", &code);
  if (code == PRIMARY_OWNER)
    {
      name->owned = TRUE;
      g_signal_emit (name, signals[ACQUIRED], 0);
    }
  else if (code == EXISTS && (name->flags & REPLACE_EXISTING) != 0 && name->tries < AGAIN_MAX)
    name->again = g_timeout_add (AGAIN_MS, on_again, name);
  else
    {
      reason = explain (name, error);
      lose (name, reason);
    }
}

static void
request (CpdBusName *name)
{
  name->tries++;
  call_bus (name, "RequestName", g_variant_new ("(su)", CERTPIN_BUS_NAME, name->flags), -1,
            on_requested);
}

static gboolean
on_again (gpointer user_data)
{
  CpdBusName *name = user_data;

  name->again = 0;
  request (name);
  return G_SOURCE_REMOVE;
}

/* Call it once. `replace`: take the name from another instance, if that allows it. */
void
cpd_bus_name_request (CpdBusName *name, gboolean replace)
{
  name->wanted = TRUE;
  name->flags = DO_NOT_QUEUE | (replace ? REPLACE_EXISTING : 0);
  request (name);
}

/* Call it after the request: from now on, another instance can take the name. */
void
cpd_bus_name_let_replace (CpdBusName *name)
{
  if (name->wanted)
    call_bus (name, "RequestName",
              g_variant_new ("(su)", CERTPIN_BUS_NAME, ALLOW_REPLACEMENT | DO_NOT_QUEUE), -1, NULL);
}

/* Releases the name; “lost” is emitted when the bus has done so.
 * Returns: whether there is a name to release */
gboolean
cpd_bus_name_release (CpdBusName *name)
{
  if (!name->owned)
    return FALSE;
  call_bus (name, "ReleaseName", g_variant_new ("(s)", CERTPIN_BUS_NAME), -1, NULL);
  return TRUE;
}
