/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way to the service, as an object. Its methods are in files by topic. */

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
  GMutex lock;
  CertpinLink *link; /* under `lock`; NULL until the first call */
};

G_DEFINE_FINAL_TYPE (CertpinClient, certpin_client, G_TYPE_OBJECT)

static void
certpin_client_finalize (GObject *object)
{
  CertpinClient *client = CERTPIN_CLIENT (object);

  g_clear_pointer (&client->link, certpin_link_unref);
  if (certpin_engine_is_claimed ())
    g_clear_object (&client->given); /* in a forked process it is another one's */
  g_mutex_clear (&client->lock);
  G_OBJECT_CLASS (certpin_client_parent_class)->finalize (object);
}

static void
certpin_client_class_init (CertpinClientClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = certpin_client_finalize;
  /* Only a domain that is registered is recognised in a reply. */
  certpin_error_quark ();
}

static void
certpin_client_init (CertpinClient *client)
{
  g_mutex_init (&client->lock);
}

gboolean
certpin_client_is_interactive (CertpinClient *client)
{
  return g_atomic_int_get (&client->interactive);
}

/* Returns: (transfer full) */
CertpinLink *
certpin_client_get_link (CertpinClient *client)
{
  CertpinLink *link;

  g_mutex_lock (&client->lock);
  if (client->link == NULL)
    client->link = certpin_link_get (client->given);
  link = certpin_link_ref (client->link);
  g_mutex_unlock (&client->lock);
  return link;
}

/**
 * certpin_client_new:
 *
 * Does nothing yet: the first call connects to the system bus, and the service is started by it if
 * need be. All clients of a program share one connection, which is not that of g_bus_get(): a bus
 * that goes away ends calls, never the program, and the next call connects again.
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
 * @connection: a connection to a bus on which the service is
 *
 * Nothing about the connection is changed. When it is closed, calls fail with
 * `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
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

  /* GDBus's threads are of this process, so that ours have to be. */
  certpin_engine_claim ();
  client = certpin_client_new ();
  client->given = g_object_ref (connection);
  return client;
}

/**
 * certpin_client_set_interactive:
 * @client: a client
 * @interactive: whether somebody may be asked for a password
 *
 * By default nobody is asked, and what would need it is refused.
 *
 * Since: 0.1
 */
void
certpin_client_set_interactive (CertpinClient *client, gboolean interactive)
{
  g_return_if_fail (CERTPIN_IS_CLIENT (client));

  g_atomic_int_set (&client->interactive, interactive != FALSE);
}
