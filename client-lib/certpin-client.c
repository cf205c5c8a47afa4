/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way to the service, as an object. Its methods are in files by topic. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-call.h"
#include "certpin-error.h"

G_DEFINE_FINAL_TYPE (CertpinClient, certpin_client, G_TYPE_OBJECT)

static void
certpin_client_dispose (GObject *object)
{
  CertpinClient *client = CERTPIN_CLIENT (object);

  g_clear_object (&client->connection);
  G_OBJECT_CLASS (certpin_client_parent_class)->dispose (object);
}

static void
certpin_client_class_init (CertpinClientClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = certpin_client_dispose;
  /* Only a domain that is registered is recognised in a reply. */
  certpin_error_quark ();
}

static void
certpin_client_init (CertpinClient *client)
{
}

/**
 * certpin_client_new:
 *
 * Does nothing yet: the first call connects to the system bus, and the service is started by it if
 * need be.
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
 * Returns: (transfer full): a client
 *
 * Since: 0.1
 */
CertpinClient *
certpin_client_new_for_connection (GDBusConnection *connection)
{
  CertpinClient *client = certpin_client_new ();

  client->connection = g_object_ref (connection);
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
  client->interactive = interactive;
}
