/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A connection to the bus, shared by all clients that use the same one. The library's own is not
 * that of g_bus_get(), which would end the program together with the bus: it is made when it is
 * first needed, and anew when it was closed. A connection that the program gave is left as it is.
 */

#include "config.h"

#include "certpin-link.h"

#include "certpin-engine.h"
#include "certpin-queue.h"

struct _CertpinLink
{
  unsigned int references; /* under `links_lock` */
  GDBusConnection *given;  /* (nullable): the program's own */

  /* Only the library's thread reads and writes these. */
  GDBusConnection *connection; /* (nullable) */
  gulong closed_handler;
  GCancellable *connecting; /* (nullable): ends the attempt that is under way */
  CertpinQueue *queue;
};

/* Two links on one connection would each think that all of it is theirs. */
static GMutex links_lock;
static GSList *links; /* of CertpinLink, borrowed */

/* `given`: (nullable): NULL for a connection of the library's own to the system bus.
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
      link->queue = certpin_queue_new (link);
      links = g_slist_prepend (links, link);
    }
  link->references++;
  g_mutex_unlock (&links_lock);
  return link;
}

CertpinLink *
certpin_link_ref (CertpinLink *link)
{
  g_mutex_lock (&links_lock);
  link->references++;
  g_mutex_unlock (&links_lock);
  return link;
}

/* Until now nobody held it but the library's thread, which does no more with it. */
static gboolean
link_end (gpointer data)
{
  CertpinLink *link = data;

  if (link->closed_handler != 0)
    g_signal_handler_disconnect (link->connection, link->closed_handler);
  if (link->given == NULL && link->connection != NULL)
    g_dbus_connection_close (link->connection, NULL, NULL, NULL);
  g_clear_object (&link->connection);
  g_clear_object (&link->given);
  certpin_queue_free (link->queue);
  g_free (link);
  return G_SOURCE_REMOVE;
}

/* In any thread. */
void
certpin_link_unref (CertpinLink *link)
{
  gboolean last;

  if (!certpin_engine_is_claimed ())
    return; /* in a forked process it is another one's */
  g_mutex_lock (&links_lock);
  last = --link->references == 0;
  if (last)
    links = g_slist_remove (links, link);
  g_mutex_unlock (&links_lock);
  if (last)
    certpin_engine_post (link_end, link, /* destroy= */ NULL);
}

/* Those whose calls were under way learn it from GDBus. */
static void
link_on_closed (GDBusConnection *connection, gboolean vanished, GError *reason, CertpinLink *link)
{
  g_signal_handler_disconnect (link->connection, link->closed_handler);
  link->closed_handler = 0;
  g_clear_object (&link->connection);
  certpin_link_pump (link);
}

static void
link_on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CertpinLink) link = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_object (&link->connecting);
  link->connection = g_dbus_connection_new_for_address_finish (result, &error);
  if (link->connection != NULL)
    link->closed_handler
        = g_signal_connect (link->connection, "closed", G_CALLBACK (link_on_closed), link);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    certpin_queue_fail (link->queue, error);
  certpin_link_pump (link);
}

static void
link_connect (CertpinLink *link)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, &error);

  if (address == NULL)
    {
      certpin_queue_fail (link->queue, error);
      return;
    }
  link->connecting = g_cancellable_new ();
  g_dbus_connection_new_for_address (address,
                                     G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                         | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                     /* observer= */ NULL, link->connecting, link_on_connected,
                                     certpin_link_ref (link));
}

/* Sends what may be sent now. */
void
certpin_link_pump (CertpinLink *link)
{
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

/* A bus that lets connections hang must not keep later calls from trying again. */
void
certpin_link_give_up (CertpinLink *link)
{
  if (link->connecting != NULL)
    g_cancellable_cancel (link->connecting);
}

typedef struct
{
  CertpinLink *link;
  GTask *task;
} NewCall;

static gboolean
link_on_new_call (gpointer data)
{
  NewCall *new_call = data;

  certpin_queue_add (new_call->link->queue, g_steal_pointer (&new_call->task));
  certpin_link_pump (new_call->link);
  return G_SOURCE_REMOVE;
}

static void
new_call_free (gpointer data)
{
  NewCall *new_call = data;

  certpin_link_unref (new_call->link);
  g_free (new_call);
}

/* In any thread; calls from one thread are sent in their order. `task`: its task data is a
 * CertpinCall; it returns the reply, or an error of certpin, in its own context. */
void
certpin_link_call (CertpinLink *link, GTask *task)
{
  NewCall *new_call = g_new0 (NewCall, 1);

  new_call->link = certpin_link_ref (link);
  new_call->task = g_object_ref (task);
  certpin_engine_post (link_on_new_call, new_call, new_call_free);
}
