/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The subscription of a link to the service's signals, shared by all clients that watch. The
 * service sends signals only to connections that have subscribed. The subscription is renewed
 * after a restart of the service and on a new connection; then the watchers are told that they
 * may have missed signals. Everything here runs in the library's thread. */

#include "config.h"

#include "certpin-watch.h"

#include "certpin-engine.h"

#include "dbus/certpin-names.h"

#define OWNER_RULE                                                                                 \
  "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"                      \
  "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" CERTPIN_BUS_NAME "'"

#define RETRY_MS     100
#define RETRY_MAX_MS 60000

/* It is a box, because a reply may come after the link has ended. */
struct _CertpinWatch
{
  CertpinWatchConnectFunc connect;
  gpointer link;                /* borrowed: it owns this */
  GPtrArray *watchers;          /* of CertpinWatcher */
  GDBusConnection *connection;  /* NULL: there is no subscription */
  unsigned int signals, owners; /* ids of GDBus's subscriptions */
  char *owner; /* (nullable): the unique name of the service that accepted the subscription */
  char *named; /* (nullable): the service's unique name, if the bus has announced it */
  unsigned int asked; /* counts Subscribe calls: only the last reply is of interest */
  gboolean asking;
  gboolean lost;  /* signals may have been missed */
  GSource *retry; /* (nullable) */
  unsigned int retry_ms;
};

static void watch_ask (CertpinWatch *watch);

static gboolean
watch_on_retry (gpointer data)
{
  CertpinWatch *watch = data;

  g_clear_pointer (&watch->retry, g_source_unref);
  watch->retry_ms = MIN (2 * watch->retry_ms, RETRY_MAX_MS);
  if (watch->connection != NULL)
    watch_ask (watch);
  else
    watch->connect (watch->link);
  return G_SOURCE_REMOVE;
}

static void
watch_stop_retry (CertpinWatch *watch)
{
  if (watch->retry != NULL)
    g_source_destroy (watch->retry);
  g_clear_pointer (&watch->retry, g_source_unref);
}

/* Each delay is twice as long as the one before. */
static void
watch_retry (CertpinWatch *watch)
{
  if (watch->retry != NULL)
    return;
  watch->retry = g_timeout_source_new (watch->retry_ms);
  g_source_set_callback (watch->retry, watch_on_retry, watch, NULL);
  g_source_attach (watch->retry, certpin_engine_get_context ());
}

static void
watch_on_promise (CertpinWatch *watch, const char *owner)
{
  g_free (watch->owner);
  watch->owner = g_strdup (owner);
  watch->retry_ms = RETRY_MS;
  for (unsigned int i = 0; watch->lost && i < watch->watchers->len; i++)
    certpin_watcher_tell_missed (watch->watchers->pdata[i]);
  watch->lost = FALSE;
}

/* No retry is needed if there is no service, since the bus announces it, or no connection. */
static void
watch_on_refusal (CertpinWatch *watch, const GError *error)
{
  watch->lost = TRUE;
  if (!g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)
      && !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    watch_retry (watch);
}

static void
watch_clear (gpointer data)
{
  CertpinWatch *watch = data;

  g_ptr_array_unref (watch->watchers);
}

/* A call of Subscribe. */
typedef struct
{
  CertpinWatch *watch; /* owned */
  unsigned int number;
} Asking;

static void
asking_free (Asking *asking)
{
  g_atomic_rc_box_release_full (asking->watch, watch_clear);
  g_free (asking);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Asking, asking_free)

static void
watch_on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Asking) asking = user_data;
  CertpinWatch *watch = asking->watch;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusMessage) answer = g_dbus_connection_send_message_with_reply_finish (
      G_DBUS_CONNECTION (source), result, &error);

  if (asking->number != watch->asked || watch->connection == NULL)
    return;
  watch->asking = FALSE;
  if (answer == NULL || g_dbus_message_to_gerror (answer, &error))
    watch_on_refusal (watch, error);
  else
    watch_on_promise (watch, g_dbus_message_get_sender (answer));
  /* The service may have restarted in the meantime. */
  if (watch->named != NULL && watch->owner != NULL && !g_str_equal (watch->named, watch->owner))
    watch_ask (watch);
}

/* Calls Subscribe, with a GDBusMessage, because the sender of the reply is the sender to expect
 * signals from. The first call starts the service. */
static void
watch_ask (CertpinWatch *watch)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
      CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "Subscribe");
  Asking *asking = g_new0 (Asking, 1);

  asking->watch = g_atomic_rc_box_acquire (watch);
  asking->number = ++watch->asked;
  watch_stop_retry (watch);
  watch->asking = TRUE;
  if (watch->lost)
    g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
  g_dbus_connection_send_message_with_reply (watch->connection, message,
                                             G_DBUS_SEND_MESSAGE_FLAGS_NONE, -1, NULL, NULL,
                                             watch_on_answer, asking);
}

/* Any program can send signals to this connection, so the sender is compared. */
static void
watch_on_signal (GDBusConnection *connection, const char *sender, const char *path,
                 const char *interface, const char *signal, GVariant *arguments, gpointer user_data)
{
  CertpinWatch *watch = user_data;
  gboolean changed = g_str_equal (signal, "PinChanged");
  g_autoptr (GVariant) details = NULL;
  const char *host;

  if (g_strcmp0 (sender, watch->owner) != 0 || (!changed && !g_str_equal (signal, "PinFailed"))
      || !g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sa{sv})")))
    return;
  g_variant_get (arguments, "(&s@a{sv})", &host, &details);
  for (unsigned int i = 0; i < watch->watchers->len; i++)
    certpin_watcher_tell (watch->watchers->pdata[i], changed ? "pin-changed" : "pin-failed", host,
                          details);
}

static void
watch_on_owner (GDBusConnection *connection, const char *sender, const char *path,
                const char *interface, const char *signal, GVariant *arguments, gpointer user_data)
{
  CertpinWatch *watch = user_data;
  const char *name = "", *owner = "";

  if (g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sss)")))
    g_variant_get (arguments, "(&s&s&s)", &name, NULL, &owner);
  if (!g_str_equal (name, CERTPIN_BUS_NAME))
    return;
  g_clear_pointer (&watch->named, g_free);
  if (*owner != '\0')
    watch->named = g_strdup (owner);
  if (g_strcmp0 (watch->owner, watch->named) != 0 && watch->owner != NULL)
    {
      watch->lost = TRUE;
      g_clear_pointer (&watch->owner, g_free);
    }
  if (watch->named != NULL && watch->owner == NULL && !watch->asking)
    watch_ask (watch);
}

/* Match rules are added and removed with plain calls: g_dbus_connection_signal_subscribe() logs
 * a critical message if the connection was closed just now. */
static void
watch_call_bus (CertpinWatch *watch, const char *method)
{
  g_dbus_connection_call (watch->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", method, g_variant_new ("(s)", OWNER_RULE), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, /* callback= */ NULL, NULL);
}

/* The service sends its signals to this connection alone, so they need no match rule. */
static void
watch_begin (CertpinWatch *watch, GDBusConnection *connection)
{
  watch->connection = g_object_ref (connection);
  watch->signals = g_dbus_connection_signal_subscribe (
      connection, /* sender= */ NULL, CERTPIN_PINS_IFACE, /* member= */ NULL, CERTPIN_OBJECT_PATH,
      /* arg0= */ NULL, G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, watch_on_signal, watch, NULL);
  watch->owners = g_dbus_connection_signal_subscribe (
      connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
      "/org/freedesktop/DBus", CERTPIN_BUS_NAME, G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, watch_on_owner,
      watch, NULL);
  watch_call_bus (watch, "AddMatch");
  watch_ask (watch);
}

static void
watch_end (CertpinWatch *watch)
{
  watch_stop_retry (watch);
  watch->asking = FALSE;
  g_clear_pointer (&watch->owner, g_free);
  g_clear_pointer (&watch->named, g_free);
  if (watch->connection == NULL)
    return;
  watch_call_bus (watch, "RemoveMatch");
  g_dbus_connection_signal_unsubscribe (watch->connection, watch->signals);
  g_dbus_connection_signal_unsubscribe (watch->connection, watch->owners);
  g_clear_object (&watch->connection);
}

/* May be called in any thread. */
CertpinWatch *
certpin_watch_new (CertpinWatchConnectFunc connect, gpointer link)
{
  CertpinWatch *watch = g_atomic_rc_box_new0 (CertpinWatch);

  watch->connect = connect;
  watch->link = link;
  watch->watchers = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_watcher_unref);
  watch->retry_ms = RETRY_MS;
  return watch;
}

void
certpin_watch_free (CertpinWatch *watch)
{
  watch_end (watch);
  g_atomic_rc_box_release_full (watch, watch_clear);
}

void
certpin_watch_add (CertpinWatch *watch, CertpinWatcher *watcher)
{
  g_ptr_array_add (watch->watchers, certpin_watcher_ref (watcher));
  if (watch->watchers->len > 1)
    return;
  watch->lost = FALSE;
  watch->retry_ms = RETRY_MS;
  watch->connect (watch->link);
}

void
certpin_watch_remove (CertpinWatch *watch, CertpinWatcher *watcher)
{
  if (!g_ptr_array_remove (watch->watchers, watcher) || watch->watchers->len > 0)
    return;
  if (watch->connection != NULL)
    g_dbus_connection_call (watch->connection, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH,
                            CERTPIN_PINS_IFACE, "Unsubscribe", NULL, NULL,
                            G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, /* callback= */ NULL, NULL);
  watch_end (watch);
}

/* The link has a connection. */
void
certpin_watch_on_connected (CertpinWatch *watch, GDBusConnection *connection)
{
  if (watch->watchers->len > 0 && watch->connection == NULL)
    watch_begin (watch, connection);
}

/* The connection was closed, or could not be made. */
void
certpin_watch_on_disconnected (CertpinWatch *watch)
{
  if (watch->connection != NULL)
    watch_end (watch);
  watch->lost = TRUE;
  if (watch->watchers->len > 0)
    watch_retry (watch);
}
