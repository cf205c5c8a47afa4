/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client object: its connection, its settings and its signals. The methods that call the
 * service are in files by topic. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-client-private.h"
#include "certpin-engine.h"
#include "certpin-error.h"

struct _CertpinClient
{
  GObject parent;

  GDBusConnection *given; /* (nullable): the program's own connection */
  int interactive;        /* atomic */
  CertpinConnected *connected;
  GMutex lock;
  CertpinLink *link;       /* under `lock`; NULL until the first call */
  CertpinWatcher *watcher; /* under `lock`; NULL: it does not watch */
};

enum
{
  PROP_INTERACTIVE = 1,
  PROP_WATCHING,
  PROP_CONNECTED,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinClient, certpin_client, G_TYPE_OBJECT)

/* Under `lock`. */
static CertpinLink *
client_peek_link (CertpinClient *client)
{
  if (client->link == NULL)
    {
      client->link = certpin_link_get (client->given);
      certpin_link_observe (client->link, client->connected);
    }
  return client->link;
}

/* Returns: whether the value changed */
static gboolean
client_watch (CertpinClient *client, gboolean watching)
{
  gboolean changes;

  g_mutex_lock (&client->lock);
  changes = watching != (client->watcher != NULL);
  if (changes && watching)
    {
      client->watcher = certpin_watcher_new (G_OBJECT (client));
      certpin_link_watch (client_peek_link (client), client->watcher);
    }
  else if (changes)
    {
      certpin_watcher_stop (client->watcher);
      certpin_link_unwatch (client->link, client->watcher);
      g_clear_pointer (&client->watcher, certpin_watcher_unref);
    }
  g_mutex_unlock (&client->lock);
  return changes;
}

static void
certpin_client_get_property (GObject *object, unsigned int property, GValue *value,
                             GParamSpec *pspec)
{
  CertpinClient *client = CERTPIN_CLIENT (object);

  switch (property)
    {
    case PROP_INTERACTIVE:
      g_value_set_boolean (value, certpin_client_get_interactive (client));
      break;
    case PROP_WATCHING:
      g_value_set_boolean (value, certpin_client_get_watching (client));
      break;
    case PROP_CONNECTED:
      g_value_set_boolean (value, certpin_client_get_connected (client));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
    }
}

static void
certpin_client_set_property (GObject *object, unsigned int property, const GValue *value,
                             GParamSpec *pspec)
{
  CertpinClient *client = CERTPIN_CLIENT (object);

  switch (property)
    {
    case PROP_INTERACTIVE:
      certpin_client_set_interactive (client, g_value_get_boolean (value));
      break;
    case PROP_WATCHING:
      certpin_client_set_watching (client, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
    }
}

/* In a forked process, the library's thread does not exist. */
static void
certpin_client_dispose (GObject *object)
{
  CertpinClient *client = CERTPIN_CLIENT (object);

  if (certpin_engine_is_claimed ())
    {
      client_watch (client, FALSE);
      certpin_connected_stop (client->connected);
    }
  G_OBJECT_CLASS (certpin_client_parent_class)->dispose (object);
}

static void
certpin_client_finalize (GObject *object)
{
  CertpinClient *client = CERTPIN_CLIENT (object);

  if (certpin_engine_is_claimed ())
    {
      if (client->link != NULL)
        certpin_link_unobserve (client->link, client->connected);
      g_clear_pointer (&client->link, certpin_link_unref);
      g_clear_object (&client->given);
    }
  certpin_connected_unref (client->connected);
  g_mutex_clear (&client->lock);
  G_OBJECT_CLASS (certpin_client_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * CertpinClient:interactive:
   *
   * Whether the service may ask the user for a password if a call needs one. If not, such a call
   * fails with `CERTPIN_ERROR_NOT_AUTHORIZED`.
   *
   * Since: 0.1
   */
  props[PROP_INTERACTIVE] = g_param_spec_boolean ("interactive", NULL, NULL, FALSE, flags);

  /**
   * CertpinClient:watching:
   *
   * Whether the client emits #CertpinClient::pin-changed, #CertpinClient::pin-failed and
   * #CertpinClient::key-seen. The service sends these signals only to programs that ask for them.
   *
   * Since: 0.1
   */
  props[PROP_WATCHING] = g_param_spec_boolean ("watching", NULL, NULL, FALSE, flags);

  /**
   * CertpinClient:connected:
   *
   * Whether the client's connection to the bus is there. This is %FALSE before the client first
   * makes a call or watches, and after the bus went away.
   *
   * When the bus goes away, the calls in progress fail with `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
   * From then on, each call tries to connect, and fails in the same way if it cannot; a client that
   * watches (#CertpinClient:watching) also tries by itself. A connection of the program
   * (certpin_client_new_for_connection()) is not made anew.
   *
   * A restart of the service does not change the property. Calls in progress that may not be made
   * twice fail; the others, and the next call, start the service.
   *
   * The value is always that of now. Changes are notified in the main context that was the
   * thread-default one when the client was made; one notification may stand for several of them.
   * There is none after the client was disposed of.
   *
   * Since: 0.1
   */
  props[PROP_CONNECTED]
      = g_param_spec_boolean ("connected", NULL, NULL, FALSE,
                              G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
install_signals (void)
{
  /**
   * CertpinClient::pin-changed:
   * @client: the client
   * @host: the host pattern; empty if any pin may have changed
   * @change: what happened, and what became of the pin
   *
   * Emitted when a pin of the user or of the system has changed. If @host is empty and
   * #CertpinPinChange:change is `CERTPIN_CHANGE_MISSED`, the program may have missed changes,
   * because it was too slow or because the service or the bus restarted.
   *
   * The signal is emitted only while #CertpinClient:watching is %TRUE, in the main context that
   * was the thread-default one when the property was set.
   *
   * Since: 0.1
   */
  g_signal_new ("pin-changed", CERTPIN_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, G_TYPE_STRING, CERTPIN_TYPE_PIN_CHANGE);

  /**
   * CertpinClient::pin-failed:
   * @client: the client
   * @host: the host of the request
   * @failure: why, as certpin_client_last_failure() returns it
   *
   * Emitted when a request of one of the user's programs was refused, or when a report-only pin
   * did not match. The signal is emitted when and where #CertpinClient::pin-changed is.
   *
   * Since: 0.1
   */
  g_signal_new ("pin-failed", CERTPIN_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, G_TYPE_STRING, CERTPIN_TYPE_FAILURE);

  /**
   * CertpinClient::key-seen:
   * @client: the client
   * @host: the host pattern of the pin
   * @sighting: which key
   *
   * Emitted when a server has proved a key of a pin of the user or of the system for the first
   * time. If #CertpinSighting:position is not 0, the server has begun to use a backup key. The
   * signal is emitted when and where #CertpinClient::pin-changed is.
   *
   * Since: 0.1
   */
  g_signal_new ("key-seen", CERTPIN_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, G_TYPE_STRING, CERTPIN_TYPE_SIGHTING);
}

static void
certpin_client_class_init (CertpinClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = certpin_client_get_property;
  object_class->set_property = certpin_client_set_property;
  object_class->dispose = certpin_client_dispose;
  object_class->finalize = certpin_client_finalize;

  install_properties (object_class);
  install_signals ();
  /* GDBus recognises only registered error domains in replies. */
  certpin_error_quark ();
}

static void
certpin_client_init (CertpinClient *client)
{
  g_mutex_init (&client->lock);
  client->connected = certpin_connected_new (G_OBJECT (client));
}

/* Returns: (transfer full) */
CertpinLink *
certpin_client_get_link (CertpinClient *client)
{
  CertpinLink *link;

  g_mutex_lock (&client->lock);
  link = certpin_link_ref (client_peek_link (client));
  g_mutex_unlock (&client->lock);
  return link;
}

/**
 * certpin_client_new:
 *
 * Creates a client that calls the service on the system bus. The first call connects to the bus,
 * which starts the service if necessary.
 *
 * All these clients of a program share one connection, but not the one of g_bus_get(): when the bus
 * goes away, calls fail, the program goes on, and the next call connects again.
 * #CertpinClient:connected tells of it.
 *
 * Returns: (transfer full): a client
 *
 * Since: 0.1
 */
CertpinClient *
certpin_client_new (void)
{
  return g_object_new (CERTPIN_TYPE_CLIENT, NULL);
}

/**
 * certpin_client_new_for_connection:
 * @connection: a connection to the bus of the service
 *
 * Creates a client that uses a connection of the program. The library does not change the
 * connection. When it is closed, calls fail with `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): a client
 *
 * Since: 0.1
 */
CertpinClient *
certpin_client_new_for_connection (GDBusConnection *connection)
{
  CertpinClient *client;

  g_return_val_if_fail (G_IS_DBUS_CONNECTION (connection), NULL);

  /* The connection works only in the process that has GDBus's thread. */
  certpin_engine_claim ();
  client = certpin_client_new ();
  client->given = g_object_ref (connection);
  return client;
}

/* Returns: (transfer full): a client of the same connection, with signals of its own */
CertpinClient *
certpin_client_new_beside (CertpinClient *client)
{
  return client->given != NULL ? certpin_client_new_for_connection (client->given)
                               : certpin_client_new ();
}

/**
 * certpin_client_set_interactive:
 * @client: a client
 * @interactive: whether the service may ask the user for a password
 *
 * Sets #CertpinClient:interactive. It applies to the calls that are made from now on.
 *
 * Since: 0.1
 */
void
certpin_client_set_interactive (CertpinClient *client, gboolean interactive)
{
  int value = interactive != FALSE;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));

  if (g_atomic_int_exchange (&client->interactive, value) != value)
    g_object_notify_by_pspec (G_OBJECT (client), props[PROP_INTERACTIVE]);
}

/**
 * certpin_client_get_interactive:
 * @client: a client
 *
 * Gets #CertpinClient:interactive.
 *
 * Returns: whether the service may ask the user for a password
 *
 * Since: 0.1
 */
gboolean
certpin_client_get_interactive (CertpinClient *client)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);

  return g_atomic_int_get (&client->interactive);
}

/**
 * certpin_client_set_watching:
 * @client: a client
 * @watching: whether the client emits its signals
 *
 * Sets #CertpinClient:watching. The signals are emitted in the main context that is now the
 * thread-default one.
 *
 * The library subscribes before it sends the next call, so a program that first sets this and then
 * lists the pins misses no change. In a process that was forked from one that uses certpin, this
 * function does nothing.
 *
 * Since: 0.1
 */
void
certpin_client_set_watching (CertpinClient *client, gboolean watching)
{
  g_return_if_fail (CERTPIN_IS_CLIENT (client));

  if (certpin_engine_claim () && client_watch (client, watching != FALSE))
    g_object_notify_by_pspec (G_OBJECT (client), props[PROP_WATCHING]);
}

/**
 * certpin_client_get_watching:
 * @client: a client
 *
 * Gets #CertpinClient:watching.
 *
 * Returns: whether the client emits its signals
 *
 * Since: 0.1
 */
gboolean
certpin_client_get_watching (CertpinClient *client)
{
  gboolean watching;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);

  if (!certpin_engine_is_claimed ())
    return FALSE; /* in a forked process, the lock may stay locked */
  g_mutex_lock (&client->lock);
  watching = client->watcher != NULL;
  g_mutex_unlock (&client->lock);
  return watching;
}

/**
 * certpin_client_get_connected:
 * @client: a client
 *
 * Gets #CertpinClient:connected.
 *
 * Returns: whether the client's connection to the bus is there; %FALSE in a process that was forked
 *   from one that uses certpin
 *
 * Since: 0.1
 */
gboolean
certpin_client_get_connected (CertpinClient *client)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);

  return certpin_engine_is_claimed () && certpin_connected_get (client->connected);
}
