/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what TLS is told of a chain, and how much of one is read. Whether it is right is for
 * core's tests. */

#include "config.h"

#include "channel-fixture.h"
#include "daemon/transport/cpd-tls-database.h"

static CpdTlsDatabase *
new_database (ChannelFixture *f)
{
  g_autoptr (CpdHost) target = test_host ("127.0.0.1:443");

  return cpd_tls_database_new (f->store, CHANNEL_UID, target);
}

/* Returns: (transfer full): `issuer`: (nullable) */
static GTlsCertificate *
new_certificate (TestIdentity *identity, GTlsCertificate *issuer)
{
  GBytes *der = test_identity_get_certificate (identity);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate;

  g_byte_array_append (bytes, g_bytes_get_data (der, NULL), (unsigned int)g_bytes_get_size (der));
  certificate = g_initable_new (g_tls_backend_get_certificate_type (g_tls_backend_get_default ()),
                                NULL, &error, "certificate", bytes, "issuer", issuer, NULL);
  g_assert_no_error (error);
  return certificate;
}

static gboolean
passes (CpdTlsDatabase *database, GTlsCertificate *chain, const char *purpose)
{
  g_autoptr (GError) error = NULL;
  GTlsCertificateFlags flags
      = g_tls_database_verify_chain (G_TLS_DATABASE (database), chain, purpose, NULL, NULL,
                                     G_TLS_DATABASE_VERIFY_NONE, NULL, &error);

  g_assert_no_error (error);
  return flags == G_TLS_CERTIFICATE_NO_FLAGS;
}

static void
test_servers_only (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdTlsDatabase) database = new_database (f);
  g_autoptr (CpdTlsDatabase) refusing = cpd_tls_database_new_refusing ();
  g_autoptr (GTlsCertificate) leaf = new_certificate (f->leaf, NULL);

  channel_pin (f, f->leaf);
  g_assert_true (passes (database, leaf, G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER));
  g_assert_false (passes (database, leaf, G_TLS_DATABASE_PURPOSE_AUTHENTICATE_CLIENT));
  g_assert_false (passes (database, leaf, ""));
  g_assert_false (passes (refusing, leaf, G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER));
  channel_pin (f, f->other);
  g_assert_false (passes (database, leaf, G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER));
}

/* One more than are judged is enough for them to be refused. */
static void
test_long_chain (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdTlsDatabase) database = new_database (f);
  g_autoptr (GTlsCertificate) chain = NULL;
  g_autoptr (CpdPeer) peer = NULL;

  for (unsigned int i = 0; i < 2 * CPD_TRUST_PRESENTED_MAX; i++)
    {
      g_autoptr (GTlsCertificate) issuer = g_steal_pointer (&chain);

      chain = new_certificate (f->root, issuer);
    }
  peer = cpd_tls_database_get_peer (database, chain);
  g_assert_cmpuint (cpd_peer_get_chain (peer)->len, ==, CPD_TRUST_PRESENTED_MAX + 1);
}

static unsigned int
count_peers (CpdTlsDatabase *database)
{
  g_autoptr (GPtrArray) peers = cpd_tls_database_list_peers (database);

  return peers->len;
}

static void
test_forgets (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdTlsDatabase) database = new_database (f);
  g_autoptr (GTlsCertificate) first = new_certificate (f->leaf, NULL);
  g_autoptr (GTlsCertificate) second = new_certificate (f->leaf, NULL);

  for (int i = 0; i < 2; i++)
    {
      cpd_peer_unref (cpd_tls_database_get_peer (database, first));
      cpd_peer_unref (cpd_tls_database_get_peer (database, second));
      g_assert_cmpuint (count_peers (database), ==, 2);
    }
  g_clear_object (&first);
  g_assert_cmpuint (count_peers (database), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  g_test_init (&argc, &argv, NULL);
  CHANNEL_TEST_ADD ("database/servers-only", test_servers_only);
  CHANNEL_TEST_ADD ("database/reads-no-more-than-is-judged", test_long_chain);
  CHANNEL_TEST_ADD ("database/forgets-what-has-ended", test_forgets);
  return g_test_run ();
}
