/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The first of the two places where a server is judged: GIO asks the database in every full
 * handshake, before a byte of HTTP. (`accept-certificate` would not do: it is not emitted for a
 * chain that the authorities accept.) What was judged is kept for as long as the certificate object
 * of that connection lives, so that the second place, before each request, can judge it again. */

#include "config.h"

#include "daemon/transport/cpd-tls-database.h"

struct _CpdTlsDatabase
{
  GTlsDatabase parent;

  CpdStore *store; /* NULL: everything is refused */
  guint32 uid;
  CpdHost *target;
  GPtrArray *entries; /* of Entry: one for each connection that is there */
};

G_DEFINE_FINAL_TYPE (CpdTlsDatabase, cpd_tls_database, G_TYPE_TLS_DATABASE)

/* What is known of one connection. GIO may let go of its certificate object on another thread. */
typedef struct
{
  GWeakRef certificate;
  CpdPeer *peer;
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_weak_ref_clear (&entry->certificate);
  cpd_peer_unref (entry->peer);
  g_free (entry);
}

static void
cpd_tls_database_finalize (GObject *object)
{
  CpdTlsDatabase *database = CPD_TLS_DATABASE (object);

  g_ptr_array_unref (database->entries);
  g_clear_object (&database->store);
  cpd_host_unref (database->target);
  G_OBJECT_CLASS (cpd_tls_database_parent_class)->finalize (object);
}

/* The certificates in GIO's order. It links them by name alone: nothing is proved by that, and two
 * that name each other as issuers make a circle. More than are judged need not be read. */
static GPtrArray *
list_ders (GTlsCertificate *chain)
{
  GPtrArray *ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_direct_hash, g_direct_equal);

  for (GTlsCertificate *one = chain;
       one != NULL && ders->len <= CPD_TRUST_PRESENTED_MAX && g_hash_table_add (seen, one);
       one = g_tls_certificate_get_issuer (one))
    {
      GByteArray *der = NULL;

      g_object_get (one, "certificate", &der, NULL);
      if (der == NULL)
        break;
      g_ptr_array_add (ders, g_byte_array_free_to_bytes (der));
    }
  return ders;
}

/* Forgets connections that are gone.
 * Returns: (transfer none) (nullable): what is on record of one; NULL asks about none */
static CpdPeer *
look_up (CpdTlsDatabase *database, GTlsCertificate *certificate)
{
  CpdPeer *found = NULL;

  for (unsigned int i = 0; i < database->entries->len;)
    {
      Entry *entry = database->entries->pdata[i];
      g_autoptr (GTlsCertificate) alive = g_weak_ref_get (&entry->certificate);

      if (alive == NULL)
        {
          g_ptr_array_remove_index_fast (database->entries, i);
          continue;
        }
      if (alive == certificate)
        found = entry->peer;
      i++;
    }
  return found;
}

/* Returns: (transfer full): what is known of the server behind a certificate object; where nothing
 * is on record, everything about it is validated anew */
CpdPeer *
cpd_tls_database_get_peer (CpdTlsDatabase *database, GTlsCertificate *certificate)
{
  CpdPeer *peer = look_up (database, certificate);
  g_autoptr (GPtrArray) ders = NULL;
  Entry *entry;

  if (peer != NULL)
    return cpd_peer_ref (peer);

  ders = list_ders (certificate);
  entry = g_new0 (Entry, 1);
  g_weak_ref_init (&entry->certificate, certificate);
  entry->peer = cpd_peer_new (database->target, ders);
  g_ptr_array_add (database->entries, entry);
  return cpd_peer_ref (entry->peer);
}

/* Returns: (transfer full): of CpdPeer: of all connections that are still there */
GPtrArray *
cpd_tls_database_list_peers (CpdTlsDatabase *database)
{
  GPtrArray *peers = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_peer_unref);

  look_up (database, NULL);
  for (unsigned int i = 0; i < database->entries->len; i++)
    g_ptr_array_add (peers, cpd_peer_ref (((Entry *)database->entries->pdata[i])->peer));
  return peers;
}

/* Never sets `error`: GIO asserts that a verification which fails that way also returns flags. */
static GTlsCertificateFlags
cpd_tls_database_verify_chain (GTlsDatabase *base, GTlsCertificate *chain, const char *purpose,
                               GSocketConnectable *identity, GTlsInteraction *interaction,
                               GTlsDatabaseVerifyFlags flags, GCancellable *cancellable,
                               GError **error)
{
  CpdTlsDatabase *database = CPD_TLS_DATABASE (base);
  g_autoptr (CpdPeer) peer = NULL;
  g_autoptr (CpdVerdict) verdict = NULL;

  if (database->store == NULL)
    return G_TLS_CERTIFICATE_GENERIC_ERROR;
  peer = cpd_tls_database_get_peer (database, chain);
  verdict = cpd_judge_peer (database->store, database->uid, peer, NULL);

  if (g_strcmp0 (purpose, G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER) != 0 || !verdict->passed)
    return G_TLS_CERTIFICATE_GENERIC_ERROR;
  return G_TLS_CERTIFICATE_NO_FLAGS;
}

static void
cpd_tls_database_class_init (CpdTlsDatabaseClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_tls_database_finalize;
  G_TLS_DATABASE_CLASS (klass)->verify_chain = cpd_tls_database_verify_chain;
}

static void
cpd_tls_database_init (CpdTlsDatabase *database)
{
  database->entries = g_ptr_array_new_with_free_func (entry_free);
}

/* `target`: the only host that it speaks for, whatever name TLS asks about. */
CpdTlsDatabase *
cpd_tls_database_new (CpdStore *store, guint32 uid, CpdHost *target)
{
  CpdTlsDatabase *database = g_object_new (CPD_TYPE_TLS_DATABASE, NULL);

  database->store = g_object_ref (store);
  database->uid = uid;
  database->target = cpd_host_ref (target);
  return database;
}

/* For connections that were given no database of their own: none passes. As the process's default
 * it also keeps GIO from reading the system's trusted certificates for each connection, which takes
 * 20 ms and 8 MB. */
CpdTlsDatabase *
cpd_tls_database_new_refusing (void)
{
  return g_object_new (CPD_TYPE_TLS_DATABASE, NULL);
}
