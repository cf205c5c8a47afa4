/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long the turns of the main loop are while servers present all chains that others made, one
 * after the other, and while many present the dearest of them at once; and what a bystander then
 * loses, who asks another server again and again. A turn is measured in processor time of the main
 * thread, which the machine's other work can make longer, never shorter: the best of some tries is
 * taken. The bystander's requests are measured by the clock. Figures, and no verdict on them.
 *
 * usage: bench-turns VECTORS */

#include "config.h"

#include "daemon/core/base/cpd-clock.h"
#include "tests/transport/chain-fixture.h"

/* In the design: no turn is longer. */
#define BAR_MS 5.0

#define TRIES 3
#define QUIET 2000

/* The longest turn since it was set to 0. */
static gint64 began_us, longest_us;

static void
note_turn (void)
{
  longest_us = MAX (longest_us, cpd_clock_work_us () - began_us);
}

static int
poll_and_measure (GPollFD *fds, unsigned int n, int timeout)
{
  int result;

  note_turn ();
  result = g_poll (fds, n, timeout);
  began_us = cpd_clock_work_us ();
  return result;
}

static void
begin_to_measure (void)
{
  longest_us = 0;
  began_us = cpd_clock_work_us ();
}

static gint64
try_one (ChainFixture *f, const PresentedChain *chain)
{
  g_autoptr (CpdVerdict) verdict = NULL;

  begin_to_measure ();
  verdict = chain_fixture_run_one (f, chain);
  note_turn ();
  return longest_us;
}

static void
run_one_after_the_other (ChainFixture *f)
{
  gint64 longest_of_all_us = 0;
  const char *whose = NULL;

  for (unsigned int i = 0; i < f->chains->len; i++)
    {
      const PresentedChain *chain = f->chains->pdata[i];
      gint64 best_us;

      chain_fixture_present (f, chain, 1);
      best_us = try_one (f, chain);
      for (int tries = 1; tries < TRIES && best_us > longest_of_all_us; tries++)
        best_us = MIN (best_us, try_one (f, chain));
      if (best_us > longest_of_all_us)
        {
          longest_of_all_us = best_us;
          whose = chain->id;
        }
    }
  g_print ("%u chains, one after the other: longest turn %.2f ms (%s); the bar is %.0f ms\n",
           f->chains->len, (double)longest_of_all_us / 1000, whose, BAR_MS);
}

/* `took_us`: of gint64 */
static void
stand_by (ChainFixture *f, GArray *took_us)
{
  gint64 start_us = g_get_monotonic_time (), took;

  chain_fixture_stand_by (f);
  took = g_get_monotonic_time () - start_us;
  g_array_append_val (took_us, took);
}

static int
compare_us (gconstpointer a, gconstpointer b)
{
  const gint64 *left = a, *right = b;

  return *left < *right ? -1 : *left > *right;
}

static double
get_ms (GArray *took_us, unsigned int percent)
{
  return (double)g_array_index (took_us, gint64, (took_us->len - 1) * percent / 100) / 1000;
}

static void
print_bystander (GArray *took_us)
{
  g_array_sort (took_us, compare_us);
  g_print ("    a bystander, %u requests: p50 %.2f, p99 %.2f, longest %.2f ms\n", took_us->len,
           get_ms (took_us, 50), get_ms (took_us, 99), get_ms (took_us, 100));
}

/* Returns: the longest turn, in µs; to ask so often is no turn of the loop */
static gint64
try_at_once (ChainFixture *f, const PresentedChain *chain, GArray *took_us)
{
  g_autoptr (GPtrArray) fetches = chain_fixture_start_many (f, chain);

  begin_to_measure ();
  do
    stand_by (f, took_us);
  while (chain_fixture_go_on (fetches));
  return longest_us;
}

static void
run_at_once (ChainFixture *f, const PresentedChain *chain)
{
  g_autoptr (GArray) took_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 best_us = G_MAXINT64;

  chain_fixture_present (f, chain, CHAIN_USERS);
  for (int tries = 0; tries < TRIES; tries++)
    best_us = MIN (best_us, try_at_once (f, chain, took_us));
  g_print ("%s, %d at once: longest turn %.2f ms\n", chain->id, CHAIN_AT_ONCE,
           (double)best_us / 1000);
  print_bystander (took_us);
}

static void
run_quiet (ChainFixture *f)
{
  g_autoptr (GArray) took_us = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (int i = 0; i < QUIET; i++)
    stand_by (f, took_us);
  g_print ("nobody else\n");
  print_bystander (took_us);
}

int
main (int argc, char **argv)
{
  ChainFixture fixture = { 0 };

  g_assert_cmpint (argc, ==, 2);
  g_main_context_set_poll_func (NULL, poll_and_measure);
  chain_fixture_set_up (&fixture, argv[1]);
  run_one_after_the_other (&fixture);
  run_quiet (&fixture);
  for (int i = 0; i < DEAR_CHAINS; i++)
    run_at_once (&fixture, chain_fixture_find (&fixture, dear_chains[i]));
  chain_fixture_tear_down (&fixture, argv[1]);
  return 0;
}
