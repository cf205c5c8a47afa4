/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The subscription of a link to the service's signals, shared by all clients that watch. The
 * service sends signals only to connections that have subscribed. The subscription is renewed
 * after a restart of the service and on a new connection; then the watchers are told that they
 * may have missed signals. Everything here runs in the library's thread. */

#include "config.h"

#include "certpin-subscription.h"

#include "certpin-engine.h"

#include "dbus/certpin-names.h"

#define OWNER_RULE                                                                                 \
  "type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH "',interface='" DBUS_NAME                \
  "',member='NameOwnerChanged',arg0='" CERTPIN_BUS_NAME "'"

#define RETRY_MS     100
#define RETRY_MAX_MS 60000

/* It is a box, because a reply may come after the link has ended. */
struct _CertpinSubscription
{
  CertpinConnectFunc connect;
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

static void subscription_ask (CertpinSubscription *subscription);

static gboolean
subscription_on_retry (gpointer data)
{
  CertpinSubscription *subscription = data;

  g_clear_pointer (&subscription->retry, g_source_unref);
  subscription->retry_ms = MIN (2 * subscription->retry_ms, RETRY_MAX_MS);
  if (subscription->connection != NULL)
    subscription_ask (subscription);
  else
    subscription->connect (subscription->link);
  return G_SOURCE_REMOVE;
}

static void
subscription_stop_retry (CertpinSubscription *subscription)
{
  if (subscription->retry != NULL)
    g_source_destroy (subscription->retry);
  g_clear_pointer (&subscription->retry, g_source_unref);
}

/* Each delay is twice as long as the one before. */
static void
subscription_retry (CertpinSubscription *subscription)
{
  if (subscription->retry != NULL)
    return;
  subscription->retry = g_timeout_source_new (subscription->retry_ms);
  g_source_set_callback (subscription->retry, subscription_on_retry, subscription, NULL);
  g_source_attach (subscription->retry, certpin_engine_get_context ());
}

static void
subscription_on_accepted (CertpinSubscription *subscription, const char *owner)
{
  g_free (subscription->owner);
  subscription->owner = g_strdup (owner);
  subscription->retry_ms = RETRY_MS;
  for (unsigned int i = 0; subscription->lost && i < subscription->watchers->len; i++)
    certpin_watcher_tell_missed (subscription->watchers->pdata[i]);
  subscription->lost = FALSE;
}

/* No retry is needed if there is no service, since the bus announces it, or no connection. */
static void
subscription_on_refused (CertpinSubscription *subscription, const GError *error)
{
  subscription->lost = TRUE;
  if (!g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)
      && !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    subscription_retry (subscription);
}

static void
subscription_clear (gpointer data)
{
  CertpinSubscription *subscription = data;

  g_ptr_array_unref (subscription->watchers);
}

/* A call of Subscribe. */
typedef struct
{
  CertpinSubscription *subscription; /* owned */
  unsigned int number;
} Asking;

static void
asking_free (Asking *asking)
{
  g_atomic_rc_box_release_full (asking->subscription, subscription_clear);
  g_free (asking);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Asking, asking_free)

static void
subscription_on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Asking) asking = user_data;
  CertpinSubscription *subscription = asking->subscription;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusMessage) answer = g_dbus_connection_send_message_with_reply_finish (
      G_DBUS_CONNECTION (source), result, &error);

  if (asking->number != subscription->asked || subscription->connection == NULL)
    return;
  subscription->asking = FALSE;
  if (answer == NULL || g_dbus_message_to_gerror (answer, &error))
    subscription_on_refused (subscription, error);
  else
    subscription_on_accepted (subscription, g_dbus_message_get_sender (answer));
  /* The service may have restarted in the meantime. */
  if (subscription->named != NULL && subscription->owner != NULL
      && !g_str_equal (subscription->named, subscription->owner))
    subscription_ask (subscription);
}

/* Calls Subscribe, with a GDBusMessage, because the sender of the reply is the sender to expect
 * signals from. The first call starts the service. */
static void
subscription_ask (CertpinSubscription *subscription)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
      CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "Subscribe");
  Asking *asking = g_new0 (Asking, 1);

  asking->subscription = g_atomic_rc_box_acquire (subscription);
  asking->number = ++subscription->asked;
  subscription_stop_retry (subscription);
  subscription->asking = TRUE;
  if (subscription->lost)
    g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
  g_dbus_connection_send_message_with_reply (subscription->connection, message,
                                             G_DBUS_SEND_MESSAGE_FLAGS_NONE, -1, NULL, NULL,
                                             subscription_on_answer, asking);
}

/* Returns: (nullable): what the client calls a signal of the service */
static const char *
find_signal (const char *of_service)
{
  static const char *const signals[][2] = {
    { "PinChanged", "pin-changed" },
    { "PinFailed", "pin-failed" },
    { "KeySeen", "key-seen" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (signals); i++)
    if (g_str_equal (signals[i][0], of_service))
      return signals[i][1];
  return NULL;
}

/* Any program can send signals to this connection, so the sender is compared. */
static void
subscription_on_signal (GDBusConnection *connection, const char *sender, const char *path,
                        const char *interface, const char *signal, GVariant *arguments,
                        gpointer user_data)
{
  CertpinSubscription *subscription = user_data;
  const char *of_client = find_signal (signal);
  g_autoptr (GVariant) details = NULL;
  const char *host;

  if (g_strcmp0 (sender, subscription->owner) != 0 || of_client == NULL
      || !g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sa{sv})")))
    return;
  g_variant_get (arguments, "(&s@a{sv})", &host, &details);
  for (unsigned int i = 0; i < subscription->watchers->len; i++)
    certpin_watcher_tell (subscription->watchers->pdata[i], of_client, host, details);
}

static void
subscription_on_owner (GDBusConnection *connection, const char *sender, const char *path,
                       const char *interface, const char *signal, GVariant *arguments,
                       gpointer user_data)
{
  CertpinSubscription *subscription = user_data;
  const char *name = "", *owner = "";

  if (g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sss)")))
    g_variant_get (arguments, "(&s&s&s)", &name, NULL, &owner);
  if (!g_str_equal (name, CERTPIN_BUS_NAME))
    return;
  g_clear_pointer (&subscription->named, g_free);
  if (*owner != '\0')
    subscription->named = g_strdup (owner);
  if (g_strcmp0 (subscription->owner, subscription->named) != 0 && subscription->owner != NULL)
    {
      subscription->lost = TRUE;
      g_clear_pointer (&subscription->owner, g_free);
    }
  if (subscription->named != NULL && subscription->owner == NULL && !subscription->asking)
    subscription_ask (subscription);
}

/* Match rules are added and removed with plain calls: g_dbus_connection_signal_subscribe() logs
 * a critical message if the connection was closed just now. */
static void
subscription_call_bus (CertpinSubscription *subscription, const char *method)
{
  g_dbus_connection_call (subscription->connection, DBUS_NAME, DBUS_PATH, DBUS_NAME, method,
                          g_variant_new ("(s)", OWNER_RULE), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                          /* callback= */ NULL, NULL);
}

/* The service sends its signals to this connection alone, so they need no match rule. */
static void
subscription_begin (CertpinSubscription *subscription, GDBusConnection *connection)
{
  subscription->connection = g_object_ref (connection);
  subscription->signals = g_dbus_connection_signal_subscribe (
      connection, /* sender= */ NULL, CERTPIN_PINS_IFACE, /* member= */ NULL, CERTPIN_OBJECT_PATH,
      /* arg0= */ NULL, G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, subscription_on_signal, subscription,
      NULL);
  subscription->owners = g_dbus_connection_signal_subscribe (
      connection, DBUS_NAME, DBUS_NAME, "NameOwnerChanged", DBUS_PATH, CERTPIN_BUS_NAME,
      G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, subscription_on_owner, subscription, NULL);
  subscription_call_bus (subscription, "AddMatch");
  subscription_ask (subscription);
}

static void
subscription_end (CertpinSubscription *subscription)
{
  subscription_stop_retry (subscription);
  subscription->asking = FALSE;
  g_clear_pointer (&subscription->owner, g_free);
  g_clear_pointer (&subscription->named, g_free);
  if (subscription->connection == NULL)
    return;
  subscription_call_bus (subscription, "RemoveMatch");
  g_dbus_connection_signal_unsubscribe (subscription->connection, subscription->signals);
  g_dbus_connection_signal_unsubscribe (subscription->connection, subscription->owners);
  g_clear_object (&subscription->connection);
}

/* May be called in any thread. */
CertpinSubscription *
certpin_subscription_new (CertpinConnectFunc connect, gpointer link)
{
  CertpinSubscription *subscription = g_atomic_rc_box_new0 (CertpinSubscription);

  subscription->connect = connect;
  subscription->link = link;
  subscription->watchers = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_watcher_unref);
  subscription->retry_ms = RETRY_MS;
  return subscription;
}

/* `subscription`: (transfer full) */
void
certpin_subscription_free (CertpinSubscription *subscription)
{
  subscription_end (subscription);
  g_atomic_rc_box_release_full (subscription, subscription_clear);
}

/* The first watcher subscribes. */
void
certpin_subscription_add (CertpinSubscription *subscription, CertpinWatcher *watcher)
{
  g_ptr_array_add (subscription->watchers, certpin_watcher_ref (watcher));
  if (subscription->watchers->len > 1)
    return;
  subscription->lost = FALSE;
  subscription->retry_ms = RETRY_MS;
  subscription->connect (subscription->link);
}

/* The last watcher unsubscribes. */
void
certpin_subscription_remove (CertpinSubscription *subscription, CertpinWatcher *watcher)
{
  if (!g_ptr_array_remove (subscription->watchers, watcher) || subscription->watchers->len > 0)
    return;
  if (subscription->connection != NULL)
    g_dbus_connection_call (subscription->connection, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH,
                            CERTPIN_PINS_IFACE, "Unsubscribe", NULL, NULL,
                            G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, /* callback= */ NULL, NULL);
  subscription_end (subscription);
}

/* The link has a connection. */
void
certpin_subscription_on_connected (CertpinSubscription *subscription, GDBusConnection *connection)
{
  if (subscription->watchers->len > 0 && subscription->connection == NULL)
    subscription_begin (subscription, connection);
}

/* The connection was closed, or could not be made. */
void
certpin_subscription_on_disconnected (CertpinSubscription *subscription)
{
  if (subscription->connection != NULL)
    subscription_end (subscription);
  subscription->lost = TRUE;
  if (subscription->watchers->len > 0)
    subscription_retry (subscription);
}
