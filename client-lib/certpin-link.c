/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A connection to the bus, shared by all clients that use the same one. The library does not use
 * the connection of g_bus_get(), which ends the program when the bus goes away. It makes one of
 * its own for the first call, and a new one for the next call after that was closed. It does not
 * change a connection that the program passed. */

#include "config.h"

#include "certpin-link.h"

#include "certpin-engine.h"
#include "certpin-queue.h"
#include "certpin-subscription.h"

struct _CertpinLink
{
  unsigned int references; /* under `links_lock` */
  GDBusConnection *given;  /* (nullable): the program's own */

  /* Only the library's thread reads and writes these. */
  GDBusConnection *connection; /* (nullable) */
  gulong closed_handler;
  GCancellable *connecting; /* (nullable): ends the attempt that is under way */
  CertpinQueue *queue;
  CertpinSubscription *subscription;
  GPtrArray *observers; /* of CertpinConnected */
};

/* A connection must have only one link, which counts its calls and owns its subscription. */
static GMutex links_lock;
static GSList *links; /* of CertpinLink, borrowed */

static void link_pump (gpointer data);

static void
link_tell (CertpinLink *link, gboolean connected)
{
  for (unsigned int i = 0; i < link->observers->len; i++)
    certpin_connected_set (link->observers->pdata[i], connected);
}

/* GDBus ends the calls that were under way. */
static void
link_on_closed (GDBusConnection *connection, gboolean vanished, GError *reason, CertpinLink *link)
{
  g_signal_handler_disconnect (link->connection, link->closed_handler);
  link->closed_handler = 0;
  g_clear_object (&link->connection);
  link_tell (link, FALSE);
  certpin_subscription_on_disconnected (link->subscription);
  link_pump (link);
}

/* If the bus went away just now, the signal may have been emitted already. */
static void
link_begin (CertpinLink *link)
{
  link->closed_handler
      = g_signal_connect (link->connection, "closed", G_CALLBACK (link_on_closed), link);
  if (g_dbus_connection_is_closed (link->connection))
    {
      link_on_closed (link->connection, FALSE, NULL, link);
      return;
    }
  link_tell (link, TRUE);
  certpin_subscription_on_connected (link->subscription, link->connection);
}

static void
link_failed (CertpinLink *link, const GError *error)
{
  certpin_queue_fail (link->queue, error);
  certpin_subscription_on_disconnected (link->subscription);
}

static void
link_on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CertpinLink) link = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_object (&link->connecting);
  link->connection = g_dbus_connection_new_for_address_finish (result, &error);
  if (link->connection != NULL)
    link_begin (link);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    link_failed (link, error);
  else
    certpin_subscription_on_disconnected (link->subscription);
  link_pump (link);
}

/* Does nothing if there is a connection, or if one is being made. */
static void
link_connect (gpointer data)
{
  CertpinLink *link = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL;

  if (link->connection != NULL)
    certpin_subscription_on_connected (link->subscription, link->connection);
  if (link->connection != NULL || link->connecting != NULL)
    return;
  address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  if (address == NULL)
    {
      link_failed (link, error);
      return;
    }
  link->connecting = g_cancellable_new ();
  g_dbus_connection_new_for_address (address,
                                     G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                         | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                     /* observer= */ NULL, link->connecting, link_on_connected,
                                     certpin_link_ref (link));
}

/* Sends as many calls as may be sent now, connecting first if necessary. */
static void
link_pump (gpointer data)
{
  CertpinLink *link = data;

  if (!certpin_queue_is_waiting (link->queue) || link->connecting != NULL)
    return;
  if (link->given == NULL && link->connection != NULL
      && g_dbus_connection_is_closed (link->connection))
    link_on_closed (link->connection, FALSE, NULL, link);
  else if (link->connection == NULL)
    link_connect (link);
  else
    certpin_queue_send (link->queue, link->connection);
}

/* When the bus goes away, GDBus fails the calls before it emits the signal. Who has the error of
 * one must find that the client is not connected. */
static void
link_on_call_failed (gpointer data)
{
  CertpinLink *link = data;

  if (link->connection == NULL || !g_dbus_connection_is_closed (link->connection))
    return;
  if (link->given != NULL)
    link_tell (link, FALSE);
  else
    link_on_closed (link->connection, FALSE, NULL, link);
}

/* Ends an attempt to connect that takes too long, so that later calls can try again. */
static void
link_give_up (gpointer data)
{
  CertpinLink *link = data;

  if (link->connecting != NULL)
    g_cancellable_cancel (link->connecting);
}

static const CertpinQueueEvents queue_events = { link_pump, link_on_call_failed, link_give_up };

/* `given`: (nullable): NULL for the library's own connection to the system bus.
 * Returns: (transfer full) */
CertpinLink *
certpin_link_get (GDBusConnection *given)
{
  CertpinLink *link = NULL;

  g_mutex_lock (&links_lock);
  for (GSList *l = links; l != NULL && link == NULL; l = l->next)
    if (((CertpinLink *)l->data)->given == given)
      link = l->data;
  if (link == NULL)
    {
      link = g_new0 (CertpinLink, 1);
      link->given = given != NULL ? g_object_ref (given) : NULL;
      link->connection = given != NULL ? g_object_ref (given) : NULL;
      link->queue = certpin_queue_new (&queue_events, link);
      link->subscription = certpin_subscription_new (link_connect, link);
      link->observers = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_connected_unref);
      links = g_slist_prepend (links, link);
    }
  link->references++;
  g_mutex_unlock (&links_lock);
  return link;
}

/* May be called in any thread. */
CertpinLink *
certpin_link_ref (CertpinLink *link)
{
  g_mutex_lock (&links_lock);
  link->references++;
  g_mutex_unlock (&links_lock);
  return link;
}

/* Runs after the last reference was dropped, since only the library's thread may free these. */
static gboolean
link_end (gpointer data)
{
  CertpinLink *link = data;

  certpin_subscription_free (link->subscription);
  if (link->closed_handler != 0)
    g_signal_handler_disconnect (link->connection, link->closed_handler);
  if (link->given == NULL && link->connection != NULL)
    g_dbus_connection_close (link->connection, NULL, NULL, NULL);
  g_clear_object (&link->connection);
  g_clear_object (&link->given);
  certpin_queue_free (link->queue);
  g_ptr_array_unref (link->observers);
  g_free (link);
  return G_SOURCE_REMOVE;
}

/* May be called in any thread. */
void
certpin_link_unref (CertpinLink *link)
{
  gboolean last;

  if (!certpin_engine_is_claimed ())
    return; /* a forked process has only a copy */
  g_mutex_lock (&links_lock);
  last = --link->references == 0;
  if (last)
    links = g_slist_remove (links, link);
  g_mutex_unlock (&links_lock);
  if (last)
    certpin_engine_post (link_end, link, /* destroy= */ NULL);
}

/* Something to do in the library's thread. */
typedef struct
{
  CertpinLink *link;
  gpointer object;
} Order;

static void
order_free (gpointer data)
{
  Order *order = data;

  certpin_link_unref (order->link);
  g_free (order);
}

/* `object`: (transfer full) to `function` */
static void
link_post (CertpinLink *link, GSourceFunc function, gpointer object)
{
  Order *order = g_new0 (Order, 1);

  order->link = certpin_link_ref (link);
  order->object = object;
  certpin_engine_post (function, order, order_free);
}

static gboolean
link_on_call (gpointer data)
{
  Order *order = data;

  certpin_queue_add (order->link->queue, order->object, certpin_link_ref (order->link),
                     (GDestroyNotify)certpin_link_unref);
  link_pump (order->link);
  return G_SOURCE_REMOVE;
}

/* May be called in any thread; the calls of one thread are sent in their order. `task`: its task
 * data is a CertpinCall; it returns the reply, or an error, in its own context. */
void
certpin_link_call (CertpinLink *link, GTask *task)
{
  link_post (link, link_on_call, g_object_ref (task));
}

/* In the thread of the program's connection. That is never made anew. */
static void
on_given_closed (GDBusConnection *connection, gboolean vanished, GError *reason,
                 CertpinConnected *connected)
{
  certpin_connected_set (connected, FALSE);
}

static void
release_connected (gpointer data, GClosure *closure)
{
  certpin_connected_unref (data);
}

/* It may be closed at any moment, so the value is set before the handler can run. */
static void
observe_given (GDBusConnection *connection, CertpinConnected *connected)
{
  if (g_dbus_connection_is_closed (connection))
    return;
  certpin_connected_set (connected, TRUE);
  g_signal_connect_data (connection, "closed", G_CALLBACK (on_given_closed),
                         certpin_connected_ref (connected), release_connected, 0);
  if (g_dbus_connection_is_closed (connection))
    certpin_connected_set (connected, FALSE);
}

static gboolean
link_on_observe (gpointer data)
{
  Order *order = data;
  CertpinLink *link = order->link;

  g_ptr_array_add (link->observers, order->object);
  if (link->given != NULL)
    observe_given (link->given, order->object);
  else
    certpin_connected_set (order->object, link->connection != NULL);
  return G_SOURCE_REMOVE;
}

/* May be called in any thread. */
void
certpin_link_observe (CertpinLink *link, CertpinConnected *connected)
{
  link_post (link, link_on_observe, certpin_connected_ref (connected));
}

static gboolean
link_on_unobserve (gpointer data)
{
  Order *order = data;

  if (order->link->given != NULL)
    g_signal_handlers_disconnect_by_func (order->link->given, on_given_closed, order->object);
  g_ptr_array_remove (order->link->observers, order->object);
  certpin_connected_unref (order->object);
  return G_SOURCE_REMOVE;
}

/* May be called in any thread. */
void
certpin_link_unobserve (CertpinLink *link, CertpinConnected *connected)
{
  link_post (link, link_on_unobserve, certpin_connected_ref (connected));
}

static gboolean
link_on_watch (gpointer data)
{
  Order *order = data;

  certpin_subscription_add (order->link->subscription, order->object);
  certpin_watcher_unref (order->object);
  return G_SOURCE_REMOVE;
}

/* May be called in any thread. */
void
certpin_link_watch (CertpinLink *link, CertpinWatcher *watcher)
{
  link_post (link, link_on_watch, certpin_watcher_ref (watcher));
}

static gboolean
link_on_unwatch (gpointer data)
{
  Order *order = data;

  certpin_subscription_remove (order->link->subscription, order->object);
  certpin_watcher_unref (order->object);
  return G_SOURCE_REMOVE;
}

/* May be called in any thread. */
void
certpin_link_unwatch (CertpinLink *link, CertpinWatcher *watcher)
{
  link_post (link, link_on_unwatch, certpin_watcher_ref (watcher));
}
