/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one verdict costs, over all chains that others made, those meant to exhaust a verifier
 * included. A first verdict is from bytes to answer, as VerifyChain has it: the chain and the
 * anchors are read, paths are searched, a pin is looked for. A second one, on the same connection,
 * is what each further request costs. It prints figures and asserts none.
 *
 * usage: bench-verdict VECTORS */

#include "config.h"

#include "daemon/core/verdict/cpd-verdict.h"
#include "tests/bench/count-heap.h"
#include "tests/lib/chain-case.h"

/* The best of so many is taken: what else the machine does is not the verdict's. */
#define ROUNDS 5

typedef enum
{
  FIRST_US,
  SECOND_US,
  FIRST_BYTES,
  N_FIGURES,
} Figure;

typedef struct
{
  char *id;
  double figures[N_FIGURES];
} Cost;

static void
cost_free (gpointer data)
{
  Cost *cost = data;

  g_free (cost->id);
  g_free (cost);
}

/* Pins a key that is on no path, so that all of every path is looked through. */
static CpdPolicy *
make_policy (void)
{
  const guint8 digest[CERTPIN_KEY_BYTES] = { 0 };
  g_autoptr (CertpinKey) key = certpin_key_new_from_digest (digest);
  g_autoptr (CpdHost) host = cpd_host_new_target ("h.example", 0, NULL);
  CpdPin *pin = cpd_pin_new (host, CPD_LAYER_USER);
  CpdPolicy *policy = cpd_policy_new (host, 0);

  pin->match = CPD_MATCH_PATH;
  cpd_pin_add_key (pin, key);
  cpd_policy_take_pin (policy, pin);
  return policy;
}

/* Measures one round, and keeps what is better than before. */
static void
measure (const ChainCase *chain_case, Cost *cost)
{
  g_autoptr (CpdHost) host
      = chain_case->name != NULL ? cpd_host_new_target (chain_case->name, 0, NULL) : NULL;
  g_autoptr (CpdPolicy) policy = make_policy ();
  g_autoptr (CpdPeer) peer = NULL;
  g_autoptr (CpdAnchors) anchors = NULL;
  g_autoptr (CpdVerdict) first = NULL, second = NULL;
  double measured[N_FIGURES];
  size_t held = count_heap_start ();
  gint64 start = g_get_monotonic_time (), middle;

  anchors = cpd_anchors_new (chain_case->trusted, NULL);
  peer = cpd_peer_new_offline (host, chain_case->chain, chain_case->purpose);
  first = cpd_verdict_of_peer (policy, peer, anchors, chain_case->now);
  middle = g_get_monotonic_time ();
  measured[FIRST_BYTES] = (double)count_heap_peak (held);
  second = cpd_verdict_of_peer (policy, peer, anchors, chain_case->now);
  measured[SECOND_US] = (double)(g_get_monotonic_time () - middle);
  measured[FIRST_US] = (double)(middle - start);
  for (int i = 0; i < N_FIGURES; i++)
    cost->figures[i] = MIN (cost->figures[i], measured[i]);
}

/* `user_data`: GPtrArray of Cost */
static void
run_case (const ChainCase *chain_case, gpointer user_data)
{
  Cost *cost = g_new0 (Cost, 1);

  cost->id = g_strdup (chain_case->id);
  for (int i = 0; i < N_FIGURES; i++)
    cost->figures[i] = G_MAXDOUBLE;
  for (int i = 0; i < ROUNDS; i++)
    measure (chain_case, cost);
  g_ptr_array_add (user_data, cost);
}

/* `user_data`: the figure that counts */
static int
compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  Figure figure = (Figure)GPOINTER_TO_INT (user_data);
  double left = (*(const Cost *const *)a)->figures[figure];
  double right = (*(const Cost *const *)b)->figures[figure];

  return left < right ? -1 : left > right;
}

static double
percentile (GPtrArray *costs, Figure figure, unsigned int percent)
{
  const Cost *cost = costs->pdata[(costs->len - 1) * percent / 100];

  return cost->figures[figure];
}

/* `scale`: how many of the figure's unit make one of what is printed */
static void
print_figure (GPtrArray *costs, Figure figure, const char *title, double scale)
{
  const Cost *worst;

  g_ptr_array_sort_with_data (costs, compare, GINT_TO_POINTER (figure));
  worst = costs->pdata[costs->len - 1];
  g_print ("%-22s %10.3f %10.3f %10.3f   %s\n", title, percentile (costs, figure, 50) / scale,
           percentile (costs, figure, 99) / scale, worst->figures[figure] / scale, worst->id);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) costs = g_ptr_array_new_with_free_func (cost_free);
  g_autoptr (GError) error = NULL;

  if (argc != 2)
    return 2;
  for (int i = 0; i < CHAIN_SETS; i++)
    if (!chain_set_foreach (argv[1], chain_sets[i].file, run_case, costs, &error))
      {
        g_printerr ("%s\n", error->message);
        return 1;
      }
  if (costs->len == 0)
    {
      g_printerr ("there are no cases in ‘%s’\n", argv[1]);
      return 1;
    }
  g_print ("%-22s %10s %10s %10s   (%u chains, best of %d)\n", "", "p50", "p99", "worst",
           costs->len, ROUNDS);
  print_figure (costs, FIRST_US, "first verdict, ms", 1000);
  print_figure (costs, SECOND_US, "second, recorded, ms", 1000);
  print_figure (costs, FIRST_BYTES, "peak heap of one, KiB", 1024);
  return 0;
}
