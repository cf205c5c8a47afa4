/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that in one layer the most specific pin wins alone, and that a blocked layer blocks every
 * host. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-table.h"
#include "tests/lib/test-core.h"

static void
add (CpdPinTable *table, const char *host, guint8 fill)
{
  g_autoptr (CpdPin) pin = test_pin (host, CPD_LAYER_USER, fill);

  cpd_pin_table_set (table, pin);
}

/* Which pattern's pin wins; NULL: none. */
static void
assert_wins (CpdPinTable *table, const char *target, const char *expected)
{
  g_autoptr (CpdHost) host = test_host (target);
  g_autoptr (CpdPin) pin = cpd_pin_table_find (table, host);

  g_assert_cmpstr (pin != NULL ? cpd_host_get_text (pin->host) : NULL, ==, expected);
}

static void
test_empty (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);

  assert_wins (table, "h.example", NULL);
  g_assert_cmpuint (cpd_pin_table_get_count (table), ==, 0);
}

/* Whatever comes twice, and in whatever order; a generation is that of all that were read. */
static void
test_filling (void)
{
  static const char *const hosts[] = { "c.example", "a.example", "b.example", "a.example" };
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_FILES);
  g_autoptr (GPtrArray) pins = NULL;

  cpd_pin_table_begin_filling (table);
  for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++)
    add (table, hosts[i], (guint8)(i + 1));
  cpd_pin_table_end_filling (table);
  cpd_pin_table_stamp (table, 7);
  add (table, "aa.example", 9);
  pins = cpd_pin_table_list (table);
  g_assert_cmpuint (pins->len, ==, 4);
  for (unsigned int i = 0; i < pins->len; i++)
    {
      static const char *const expected[] = { "a.example", "aa.example", "b.example", "c.example" };
      const CpdPin *pin = pins->pdata[i];

      g_assert_cmpstr (cpd_host_get_text (pin->host), ==, expected[i]);
      g_assert_cmpuint (pin->generation, ==, 7);
    }
}

static void
test_replaces (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CertpinKey) first = test_key (1);
  g_autoptr (CertpinKey) second = test_key (2);
  g_autoptr (CpdPin) pin = NULL;

  add (table, "h.example", 1);
  add (table, "h.example", 2);
  pin = cpd_pin_table_find (table, host);
  g_assert_cmpuint (cpd_pin_table_get_count (table), ==, 1);
  g_assert_true (cpd_pin_has_key (pin, second));
  g_assert_false (cpd_pin_has_key (pin, first));
}

static void
test_removes (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);
  g_autoptr (CpdHost) host = test_host ("h.example");

  add (table, "h.example", 1);
  g_assert_true (cpd_pin_table_remove (table, host));
  g_assert_false (cpd_pin_table_remove (table, host));
  assert_wins (table, "h.example", NULL);
}

static void
test_exact_wins (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);

  add (table, "**.h.example", 1);
  add (table, "*.h.example", 2);
  add (table, "a.h.example", 3);
  assert_wins (table, "a.h.example", "a.h.example");
  assert_wins (table, "b.h.example", "*.h.example");
  assert_wins (table, "a.b.h.example", "**.h.example");
  assert_wins (table, "h.example", "**.h.example");
}

static void
test_longest_end_wins (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);

  add (table, "**.h.example", 1);
  add (table, "**.b.h.example", 2);
  assert_wins (table, "a.b.h.example", "**.b.h.example");
  assert_wins (table, "b.h.example", "**.b.h.example");
  assert_wins (table, "c.h.example", "**.h.example");
}

static void
test_port_wins_at_the_same_name (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);

  add (table, "h.example", 1);
  add (table, "h.example:443", 2);
  assert_wins (table, "h.example:443", "h.example:443");
  assert_wins (table, "h.example:8443", "h.example");
}

static void
test_name_wins_over_port (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);

  add (table, "*.h.example:443", 1);
  add (table, "a.h.example", 2);
  assert_wins (table, "a.h.example:443", "a.h.example");
}

static void
test_without_port_ignores_pins_with_one (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);

  add (table, "h.example:443", 1);
  assert_wins (table, "h.example", NULL);
}

static void
test_gets_a_pattern_literally (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);
  g_autoptr (CpdHost) pattern = test_host ("*.h.example");
  g_autoptr (CpdHost) host = test_host ("a.h.example");
  g_autoptr (CpdPin) found = NULL;

  add (table, "*.h.example", 1);
  found = cpd_pin_table_get (table, pattern);
  g_assert_nonnull (found);
  g_assert_null (cpd_pin_table_get (table, host));
}

static void
test_block_all (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_FILES);
  g_autoptr (CpdHost) host = test_host ("other.example:443");
  g_autoptr (CpdPin) pin = NULL;

  add (table, "h.example", 1);
  cpd_pin_table_block_all (table, "first");
  cpd_pin_table_block_all (table, "second");
  pin = cpd_pin_table_find (table, host);
  g_assert_cmpint (pin->state, ==, CPD_STATE_BLOCKED);
  g_assert_cmpint (pin->layer, ==, CPD_LAYER_FILES);
  g_assert_cmpstr (pin->reason, ==, "first");
  g_assert_cmpstr (cpd_pin_table_get_block (table), ==, "first");
}

static void
assert_lists (GPtrArray *pins, const char *const *expected, unsigned int n)
{
  g_assert_cmpuint (pins->len, ==, n);
  for (unsigned int i = 0; i < n; i++)
    g_assert_cmpstr (cpd_host_get_text (((CpdPin *)pins->pdata[i])->host), ==, expected[i]);
}

static void
test_lists_in_order (void)
{
  static const char *const hosts[] = { "c.example", "*.h.example", "a.example" };
  static const char *const expected[] = { "*.h.example", "a.example", "c.example" };
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);
  g_autoptr (GPtrArray) pins = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++)
    add (table, hosts[i], 1);
  pins = cpd_pin_table_list (table);
  assert_lists (pins, expected, G_N_ELEMENTS (expected));
}

/* After what is there, what is between two, what is before all and behind all. */
static void
test_lists_after (void)
{
  static const char *const hosts[] = { "a.example", "c.example", "e.example", "g.example" };
  const struct
  {
    const char *after;
    unsigned int max, first, n;
  } cases[] = {
    { NULL, 2, 0, 2 },        { "", 9, 0, 4 },          { "a.example", 2, 1, 2 },
    { "b.example", 2, 1, 2 }, { "e.example", 2, 3, 1 }, { "g.example", 2, 0, 0 },
    { "z", 9, 0, 0 },         { NULL, 0, 0, 0 },        { "c.exampl", 1, 1, 1 },
  };
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);

  for (size_t i = G_N_ELEMENTS (hosts); i-- > 0;)
    add (table, hosts[i], 1);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) pins = cpd_pin_table_list_after (table, cases[i].after, cases[i].max);

      assert_lists (pins, hosts + cases[i].first, cases[i].n);
    }
}

#define N_NUMBERED 500

/* In slices, while the table changes before, in and behind them: whatever stays is listed once. */
static void
test_slices_of_a_changing_table (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);
  g_autofree char *after = NULL;
  unsigned int seen = 0;

  for (int i = 0; i < N_NUMBERED; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%03d.example", (i * 7) % N_NUMBERED);
      add (table, host, 1);
    }
  for (int slice = 0; slice < N_NUMBERED / 20; slice++)
    {
      g_autofree char *before = g_strdup_printf ("a%d.example", slice);
      g_autofree char *again = g_strdup_printf ("h%03d.example", slice * 20);
      g_autoptr (CpdHost) goes = test_host (before);
      g_autoptr (GPtrArray) pins = cpd_pin_table_list_after (table, after, 20);

      g_assert_cmpuint (pins->len, ==, 20);
      for (unsigned int i = 0; i < pins->len; i++, seen++)
        {
          g_autofree char *expected = g_strdup_printf ("h%03u.example", seen);
          g_assert_cmpstr (cpd_host_get_text (((CpdPin *)pins->pdata[i])->host), ==, expected);
        }
      g_free (after);
      after = g_strdup (cpd_host_get_text (((CpdPin *)pins->pdata[19])->host));
      add (table, before, 1); /* behind what was listed */
      add (table, again, 2);  /* a new pin in the old one's place */
      if (slice % 2 == 0)
        g_assert_true (cpd_pin_table_remove (table, goes));
    }
  g_assert_cmpuint (seen, ==, N_NUMBERED);
  g_assert_cmpuint (cpd_pin_table_get_count (table), ==, N_NUMBERED + N_NUMBERED / 20 / 2);
}

/* Which patterns say something of a host, in the order in which they win. */
static void
test_lists_what_matches (void)
{
  static const char *const hosts[]
      = { "**.example.net", "other.example.net", "*.h.example.net", "a.h.example.net:443" };
  static const char *const expected[]
      = { "a.h.example.net:443", "*.h.example.net", "**.example.net" };
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);
  g_autoptr (CpdHost) target = test_host ("a.h.example.net:443");
  g_autoptr (GPtrArray) pins = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++)
    add (table, hosts[i], 1);
  pins = cpd_pin_table_list_matching (table, target);
  g_assert_cmpuint (pins->len, ==, G_N_ELEMENTS (expected));
  for (unsigned int i = 0; i < pins->len; i++)
    g_assert_cmpstr (cpd_host_get_text (((CpdPin *)pins->pdata[i])->host), ==, expected[i]);
}

static void
test_block_of_all_wins (void)
{
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_FILES);
  g_autoptr (CpdHost) target = test_host ("h.example:443");
  g_autoptr (GPtrArray) pins = NULL;

  add (table, "h.example", 1);
  cpd_pin_table_block_all (table, "broken");
  pins = cpd_pin_table_list_matching (table, target);
  g_assert_cmpuint (pins->len, ==, 2);
  g_assert_cmpint (((CpdPin *)pins->pdata[0])->state, ==, CPD_STATE_BLOCKED);
  g_assert_cmpint (((CpdPin *)pins->pdata[1])->state, ==, CPD_STATE_ACTIVE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/pin-table/empty-says-nothing", test_empty);
  g_test_add_func ("/core/pin-table/filling", test_filling);
  g_test_add_func ("/core/pin-table/replaces", test_replaces);
  g_test_add_func ("/core/pin-table/removes", test_removes);
  g_test_add_func ("/core/pin-table/exact-then-one-label-then-any-depth", test_exact_wins);
  g_test_add_func ("/core/pin-table/longest-end-wins", test_longest_end_wins);
  g_test_add_func ("/core/pin-table/port-wins-at-the-same-name", test_port_wins_at_the_same_name);
  g_test_add_func ("/core/pin-table/name-wins-over-port", test_name_wins_over_port);
  g_test_add_func ("/core/pin-table/without-port-ignores-pins-with-one",
                   test_without_port_ignores_pins_with_one);
  g_test_add_func ("/core/pin-table/gets-a-pattern-literally", test_gets_a_pattern_literally);
  g_test_add_func ("/core/pin-table/blocked-as-a-whole", test_block_all);
  g_test_add_func ("/core/pin-table/lists-in-order", test_lists_in_order);
  g_test_add_func ("/core/pin-table/lists-after", test_lists_after);
  g_test_add_func ("/core/pin-table/slices-of-a-changing-table", test_slices_of_a_changing_table);
  g_test_add_func ("/core/pin-table/lists-what-matches", test_lists_what_matches);
  g_test_add_func ("/core/pin-table/block-of-all-wins", test_block_of_all_wins);
  return g_test_run ();
}
