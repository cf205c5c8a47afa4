/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what keeps every turn of the main loop short, whatever a server presents: all chains that
 * others made, one after the other, and the dearest of them from many servers at once. What takes
 * long runs on threads only, and only a few at a time; and a turn judges only so many servers, and
 * writes only so much about each. `bench-turns` prints how long the turns are.
 *
 * usage: test-chain-turns VECTORS */

#include "config.h"

#include "chain-fixture.h"

#include "daemon/core/verdict/cpd-verdict.h"
#include "daemon/transport/cpd-tls.h"

/* As many as there are threads (cpd-workers). */
#define THREADS 4

/* So many jobs can be done when a turn begins, and a server that passed one is judged a second time
 * at most. The bystander's is judged once for each request, of which a turn ends one and begins the
 * next. */
#define VERDICTS_PER_TURN (2 * THREADS + 2)

/* What of a certificate is put into words or hashed for one verdict: at most every certificate on
 * every path once, each path's anchor, and the server's own. */
#define PATHS             8
#define CERTIFICATES      13
#define LOOKS_PER_VERDICT (PATHS * (CERTIFICATES + 1) + 4)

/* What is counted from one moment on. */
static gint watching; /* atomic */
static GThread *main_thread;
static gint under_way, at_most;      /* atomic: jobs at a time */
static gint validations;             /* atomic */
static const char *dear;             /* what takes long and ran on the main thread; NULL: nothing */
static unsigned int verdicts, looks; /* of this turn */
static unsigned int most_verdicts, most_looks; /* of any */

static gboolean
is_on_main (void)
{
  return g_atomic_int_get (&watching) && g_thread_self () == main_thread;
}

static void
note_dear (const char *function)
{
  if (is_on_main ())
    dear = function;
}

static void
note_look (void)
{
  if (is_on_main ())
    looks++;
}

static void
begin_job (void)
{
  gint now = g_atomic_int_add (&under_way, 1) + 1;
  gint before;

  do
    before = g_atomic_int_get (&at_most);
  while (now > before && !g_atomic_int_compare_and_exchange (&at_most, before, now));
}

static void
end_job (void)
{
  g_atomic_int_add (&under_way, -1);
}

static void
note_turn (void)
{
  most_verdicts = MAX (most_verdicts, verdicts);
  most_looks = MAX (most_looks, looks);
  verdicts = looks = 0;
}

static int
poll_and_note (GPollFD *fds, unsigned int n, int timeout)
{
  note_turn ();
  return g_poll (fds, n, timeout);
}

/* The linker puts these in the place of the real ones, where those are called from another file. */

#define WRAP(type, function, parameters)                                                           \
  type __real_##function parameters;                                                               \
  type __wrap_##function parameters;                                                               \
  type __wrap_##function parameters

WRAP (CpdValidation *, cpd_peer_ask, (CpdPeer * peer, CpdAnchors *anchors, gint64 now))
{
  CpdValidation *validation;

  begin_job ();
  g_atomic_int_inc (&validations);
  validation = __real_cpd_peer_ask (peer, anchors, now);
  end_job ();
  return validation;
}

WRAP (gboolean, cpd_tls_handshake, (CpdTls * tls, GIOCondition *waits_for, GError **error))
{
  gboolean complete;

  note_dear ("cpd_tls_handshake");
  begin_job ();
  complete = __real_cpd_tls_handshake (tls, waits_for, error);
  end_job ();
  return complete;
}

WRAP (CpdValidation *, cpd_trust_validate,
      (CpdAnchors * anchors, GPtrArray *chain, const CpdTrustQuestion *question))
{
  note_dear ("cpd_trust_validate");
  return __real_cpd_trust_validate (anchors, chain, question);
}

WRAP (CpdCertificate *, cpd_certificate_new, (GBytes * der, GError **error))
{
  note_dear ("cpd_certificate_new");
  return __real_cpd_certificate_new (der, error);
}

WRAP (CpdVerdict *, cpd_verdict_of_peer,
      (CpdPolicy * policy, CpdPeer *peer, CpdAnchors *system, gint64 now))
{
  if (is_on_main ())
    verdicts++;
  return __real_cpd_verdict_of_peer (policy, peer, system, now);
}

WRAP (char *, cpd_certificate_dup_subject, (CpdCertificate * certificate))
{
  note_look ();
  return __real_cpd_certificate_dup_subject (certificate);
}

WRAP (char *, cpd_certificate_dup_issuer, (CpdCertificate * certificate))
{
  note_look ();
  return __real_cpd_certificate_dup_issuer (certificate);
}

WRAP (CertpinKey *, cpd_certificate_dup_fingerprint, (CpdCertificate * certificate))
{
  note_look ();
  return __real_cpd_certificate_dup_fingerprint (certificate);
}

WRAP (gboolean, cpd_certificate_names, (CpdCertificate * certificate, const char *host))
{
  note_look ();
  return __real_cpd_certificate_names (certificate, host);
}

static void
begin_to_watch (void)
{
  g_atomic_int_set (&at_most, 0);
  g_atomic_int_set (&validations, 0);
  most_verdicts = most_looks = verdicts = looks = 0;
  dear = NULL;
  g_atomic_int_set (&watching, TRUE);
}

static void
stop_watching (void)
{
  note_turn ();
  g_atomic_int_set (&watching, FALSE);
}

static void
assert_turns_were_short (void)
{
  g_assert_cmpstr (dear, ==, NULL);
  g_assert_cmpint (g_atomic_int_get (&at_most), <=, THREADS);
  g_assert_cmpuint (most_verdicts, <=, VERDICTS_PER_TURN);
  g_assert_cmpuint (most_looks, <=, most_verdicts * LOOKS_PER_VERDICT);
}

/* How far the servers got. */
typedef struct
{
  unsigned int judged, valid;
} Tally;

static void
run_and_assert (ChainFixture *f, const PresentedChain *chain, Tally *tally)
{
  g_autoptr (CpdVerdict) verdict = NULL;

  chain_fixture_present (f, chain, 1);
  begin_to_watch ();
  verdict = chain_fixture_run_one (f, chain);
  stop_watching ();
  assert_turns_were_short ();
  if (verdict->peer == NULL)
    return;
  g_assert_cmpint (g_atomic_int_get (&validations), >, 0);
  tally->judged++;
  tally->valid += verdict->error == CERTPIN_ERROR_PIN_MISMATCH;
}

/* With a few, GnuTLS shakes no hands. */
static void
test_one_after_the_other (ChainFixture *f, gconstpointer vectors)
{
  Tally tally = { 0 };

  for (unsigned int i = 0; i < f->chains->len; i++)
    run_and_assert (f, f->chains->pdata[i], &tally);
  g_test_message ("of %u chains, %u were judged, and %u were valid", f->chains->len, tally.judged,
                  tally.valid);
  g_assert_cmpuint (tally.judged, >, 800 / CHAIN_ONE_OF);
  g_assert_cmpuint (tally.valid, >, 100 / CHAIN_ONE_OF);
}

static void
test_at_once (ChainFixture *f, gconstpointer vectors)
{
  int validated = 0;

  for (int i = 0; i < DEAR_CHAINS; i++)
    {
      const PresentedChain *chain = chain_fixture_find (f, dear_chains[i]);
      g_autoptr (GPtrArray) fetches = NULL;

      chain_fixture_present (f, chain, CHAIN_USERS);
      begin_to_watch ();
      fetches = chain_fixture_start_many (f, chain);
      do
        chain_fixture_stand_by (f);
      while (chain_fixture_go_on (fetches));
      stop_watching ();
      assert_turns_were_short ();
      g_assert_cmpint (g_atomic_int_get (&at_most), >, 1);
      validated += g_atomic_int_get (&validations);
      g_test_message ("%s: at most %d jobs at a time; %u verdicts and %u looks in a turn",
                      chain->id, g_atomic_int_get (&at_most), most_verdicts, most_looks);
    }
  g_assert_cmpint (validated, >,
                   0); /* all, unless the machine is so slow that requests end first */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  main_thread = g_thread_self ();
  g_main_context_set_poll_func (NULL, poll_and_note);
  g_test_add ("/transport/turns/one-after-the-other", ChainFixture, argv[1], chain_fixture_set_up,
              test_one_after_the_other, chain_fixture_tear_down);
  g_test_add ("/transport/turns/at-once", ChainFixture, argv[1], chain_fixture_set_up, test_at_once,
              chain_fixture_tear_down);
  return g_test_run ();
}
