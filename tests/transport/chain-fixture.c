/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Presents the chains of the vectors, at their own time. Each is refused: a key is pinned that is
 * on no path, so that all of every path is looked through. */

#include "config.h"

#include "chain-fixture.h"

#include "tests/lib/chain-case.h"
#include "tests/lib/test-loop.h"
#include "tests/lib/test-resolver.h"

#define USUAL_NAME "h.example"
#define BYSTANDER  4242

const char *const dear_chains[DEAR_CHAINS] = {
  "boringssl::many-names::toomany-dirnames-permitted",
  "boringssl::many-names::ok-all-types",
  "bettertls::pathbuilding::tc66",
  "pathological::nc-dos-1",
  "pathological::nc-dos-3",
};

/* The time of the chain that is presented; 0: now. Threads read it. */
static gint pretended_s;

/* The linker puts this in the place of GLib's. */
gint64 __real_g_get_real_time (void);
gint64 __wrap_g_get_real_time (void);

gint64
__wrap_g_get_real_time (void)
{
  gint64 seconds = (guint32)g_atomic_int_get (&pretended_s);

  return seconds != 0 ? seconds * G_USEC_PER_SEC : __real_g_get_real_time ();
}

static void
chain_free (gpointer data)
{
  PresentedChain *chain = data;

  g_free (chain->id);
  cpd_host_unref (chain->host);
  g_ptr_array_unref (chain->ders);
  g_ptr_array_unref (chain->trusted);
  g_free (chain);
}

/* An address of the vectors is nobody's here: names are, by the test's resolver. */
static CpdHost *
make_host (ChainFixture *f, const char *name)
{
  guint16 port = chain_server_get_port (f->server);
  CpdHost *host = NULL;

  if (name != NULL && !g_hostname_is_ip_address (name))
    host = cpd_host_new_target (name, port, NULL);
  return host != NULL ? host : cpd_host_new_target (USUAL_NAME, port, NULL);
}

static gboolean
is_dear (const char *id)
{
  for (int i = 0; i < DEAR_CHAINS; i++)
    if (g_str_equal (dear_chains[i], id))
      return TRUE;
  return FALSE;
}

static gboolean
is_taken (ChainFixture *f, const char *id)
{
  return f->seen++ % CHAIN_ONE_OF == 0 || is_dear (id);
}

/* Leaves out those that cannot be presented, or cannot be trusted. */
static void
take_case (const ChainCase *chain_case, gpointer user_data)
{
  ChainFixture *f = user_data;
  g_autoptr (CpdAnchors) anchors = cpd_anchors_new (chain_case->trusted, NULL);
  PresentedChain *chain;

  if (!is_taken (f, chain_case->id) || anchors == NULL
      || !chain_server_present (f->server, chain_case->chain, NULL))
    return;
  chain = g_new0 (PresentedChain, 1);
  chain->id = g_strdup (chain_case->id);
  chain->host = make_host (f, chain_case->name);
  chain->ders = g_ptr_array_ref (chain_case->chain);
  chain->trusted = g_ptr_array_ref (chain_case->trusted);
  chain->now = MAX (chain_case->now, CPD_RELEASE_UNIX_S);
  g_ptr_array_add (f->chains, chain);
}

static void
set_up_bystander (ChainFixture *f)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->channel.leaf);
  g_autoptr (GPtrArray) ders = test_ders (f->channel.leaf, NULL);

  f->good = chain_server_new ();
  g_assert_true (chain_server_present (f->good, ders, test_identity_get_privkey (f->channel.leaf)));
  channel_set_pin (&f->channel, BYSTANDER, pin);
}

/* `vectors`: the folder. */
void
chain_fixture_set_up (ChainFixture *f, gconstpointer vectors)
{
  g_autoptr (GError) error = NULL;

  channel_set_up (&f->channel, NULL);
  f->usual = g_resolver_get_default ();
  g_resolver_set_default (G_RESOLVER (test_resolver_new ()));
  f->server = chain_server_new ();
  f->chains = g_ptr_array_new_with_free_func (chain_free);
  for (int i = 0; i < CHAIN_SETS; i++)
    g_assert_true (chain_set_foreach (vectors, chain_sets[i].file, take_case, f, &error));
  set_up_bystander (f);
}

void
chain_fixture_tear_down (ChainFixture *f, gconstpointer vectors)
{
  g_autoptr (GResolver) of_test = g_resolver_get_default ();

  channel_renew_fetcher (&f->channel); /* which closes the connections that it keeps */
  test_loop_settle ();
  g_atomic_int_set (&pretended_s, 0);
  g_resolver_set_default (f->usual);
  g_object_unref (f->usual);
  g_object_unref (of_test);
  g_ptr_array_unref (f->chains);
  channel_tear_down (&f->channel, NULL);
  chain_server_free (f->server);
  chain_server_free (f->good);
}

const PresentedChain *
chain_fixture_find (ChainFixture *f, const char *id)
{
  for (unsigned int i = 0; i < f->chains->len; i++)
    if (g_str_equal (((PresentedChain *)f->chains->pdata[i])->id, id))
      return f->chains->pdata[i];
  g_assert_not_reached ();
}

static void
pin_chain (ChainFixture *f, const PresentedChain *chain, CpdOwner owner)
{
  g_autoptr (CpdPin) pin = cpd_pin_new (chain->host, CPD_LAYER_USER);
  g_autoptr (CertpinKey) key = test_key (7);

  pin->match = CPD_MATCH_PATH;
  pin->anchors = cpd_anchors_new (chain->trusted, NULL);
  cpd_pin_add_key (pin, key);
  channel_set_pin (&f->channel, owner, pin);
}

/* From now on. `users`: so many of them trust its anchors. */
void
chain_fixture_present (ChainFixture *f, const PresentedChain *chain, guint32 users)
{
  g_atomic_int_set (&pretended_s, (gint)(guint32)chain->now);
  g_assert_true (chain_server_present (f->server, chain->ders, NULL));
  for (guint32 uid = 0; uid < users; uid++)
    pin_chain (f, chain, uid);
}

static Fetch *
ask (ChainFixture *f, const PresentedChain *chain, CpdOwner owner)
{
  g_autofree char *url = g_strdup_printf ("https://%s/", cpd_host_get_text (chain->host));

  return START (&f->channel, .url = url, .owner = owner);
}

/* One user meets the server.
 * Returns: (transfer full): the verdict; without a peer where it did not get that far */
CpdVerdict *
chain_fixture_run_one (ChainFixture *f, const PresentedChain *chain)
{
  g_autoptr (Fetch) fetch = ask (f, chain, CHANNEL_UID);

  channel_wait (fetch);
  g_assert_nonnull (fetch->error);
  return cpd_verdict_ref (fetch->verdict);
}

/* All users meet it.
 * Returns: (transfer full): of Fetch */
GPtrArray *
chain_fixture_start_many (ChainFixture *f, const PresentedChain *chain)
{
  GPtrArray *fetches = g_ptr_array_new_with_free_func ((GDestroyNotify)fetch_free);

  for (guint32 i = 0; i < CHAIN_AT_ONCE; i++)
    g_ptr_array_add (fetches, ask (f, chain, i % CHAIN_USERS));
  return fetches;
}

static gboolean
is_any_under_way (GPtrArray *fetches)
{
  for (unsigned int i = 0; i < fetches->len; i++)
    if (((Fetch *)fetches->pdata[i])->result == NULL)
      return TRUE;
  return FALSE;
}

/* Returns: whether any is under way; if not, all have been refused */
gboolean
chain_fixture_go_on (GPtrArray *fetches)
{
  if (is_any_under_way (fetches))
    return TRUE;
  for (unsigned int i = 0; i < fetches->len; i++)
    {
      channel_wait (fetches->pdata[i]);
      g_assert_nonnull (((Fetch *)fetches->pdata[i])->error);
    }
  return FALSE;
}

/* One request of the bystander, on a connection that is kept. */
void
chain_fixture_stand_by (ChainFixture *f)
{
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/", chain_server_get_port (f->good));
  g_autoptr (Fetch) fetch = START (&f->channel, .url = url, .owner = BYSTANDER);

  channel_assert_answered (fetch, 200);
}
