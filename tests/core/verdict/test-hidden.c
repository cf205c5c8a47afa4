/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that an app learns nothing from a pin of its user: whatever that pin is, the app is told
 * what it would be told without it, or that the user's settings refuse the host; and where it only
 * looks, not even that. */

#include "config.h"

#include "tests/core/verdict/verdict-fixture.h"

#define NEAR .near_anchors = TRUE /* a path without the root */
#define FAR  .other_anchors = TRUE

/* Of the user. */
static const Layer of_user[] = {
  { LEAF },       { LEAF, NEAR },      { LEAF, FAR },           { ROOT, PATH },
  { OTHER },      { OTHER, REPORT },   { OTHER, NEAR, REPORT }, { OTHER, PAUSED },
  { LEAF, PAST }, { .blocked = TRUE },
};

/* Of the app, and of its connection. */
static const Layer of_app[] = {
  { 0 },     { LEAF },        { LEAF, NEAR }, { LEAF, FAR },     { MIDDLE, PATH, NEAR },
  { OTHER }, { OTHER, NEAR }, { OTHER, FAR }, { OTHER, REPORT }, { OTHER, NEAR, REPORT },
};

static const Layer of_request[] = {
  { 0 },
  { LEAF, PATH },
  { ROOT, PATH },
  { OTHER, PATH },
};

#define N_SERVERS (STAPLES + 1)

typedef struct
{
  unsigned int rows, refused, differ;
} Table;

/* What is asked for, but for the user's pin. */
typedef struct
{
  CpdPeer *peer;
  const Layer *app, *transient, *request;
} Row;

/* Without a pin of the user. */
typedef struct
{
  CpdVerdict *of_app, *of_user;
} Plain;

static CpdPolicy *
make_policy (const Row *row, const Layer *user, gboolean is_of_app)
{
  const Layer layers[CPD_N_LAYERS] = { [CPD_LAYER_APP] = *row->app,
                                       [CPD_LAYER_USER] = *user,
                                       [CPD_LAYER_TRANSIENT] = *row->transient,
                                       [CPD_LAYER_REQUEST] = *row->request };
  CpdPolicy *policy = verdict_make_policy (layers);

  policy->is_of_app = is_of_app;
  return policy;
}

static CpdVerdict *
judge (const Row *row, const Layer *user, gboolean is_of_app)
{
  g_autoptr (CpdPolicy) policy = make_policy (row, user, is_of_app);

  return cpd_verdict_of_peer (policy, row->peer, verdict_world.system, TEST_PKI_NOW);
}

/* As VerifyChain and FetchChain do for an app. */
static CpdVerdict *
look (const Row *row, const Layer *user)
{
  g_autoptr (CpdPolicy) policy = make_policy (row, user, /* is_of_app= */ TRUE);
  g_autoptr (CpdPolicy) shown = cpd_policy_without_hidden (policy);

  return cpd_verdict_of_peer (shown, row->peer, verdict_world.system, TEST_PKI_NOW);
}

static gboolean
are_equal_keys (GPtrArray *one, GPtrArray *other)
{
  if (one == NULL || other == NULL)
    return one == other;
  if (one->len != other->len)
    return FALSE;
  for (unsigned int i = 0; i < one->len; i++)
    if (!certpin_key_equal (one->pdata[i], other->pdata[i]))
      return FALSE;
  return TRUE;
}

/* In all that a caller is told. */
static gboolean
are_equal (const CpdVerdict *one, const CpdVerdict *other)
{
  if (one == NULL || other == NULL)
    return one == other;
  return one->passed == other->passed && one->error == other->error && one->layer == other->layer
         && (one->pin != NULL) == (other->pin != NULL) && one->peer == other->peer
         && g_strcmp0 (one->reason, other->reason) == 0
         && g_strcmp0 (one->message, other->message) == 0
         && g_strcmp0 (one->likely_cause, other->likely_cause) == 0
         && g_strcmp0 (one->advice, other->advice) == 0 && g_strcmp0 (one->ocsp, other->ocsp) == 0
         && (one->matched_key != NULL) == (other->matched_key != NULL)
         && one->matched_position == other->matched_position
         && are_equal_keys (one->path_keys, other->path_keys)
         && one->paused_until == other->paused_until && are_equal (one->report, other->report);
}

static void
say (const char *who, const CpdVerdict *verdict)
{
  g_test_message ("%s: %s: %s; %s; OCSP %s, %u keys on the path, %s", who, verdict->reason,
                  verdict->message, verdict->likely_cause, verdict->ocsp,
                  verdict->path_keys != NULL ? verdict->path_keys->len : 0,
                  verdict->report != NULL ? "with a report" : "without a report");
}

/* The user's own programs are told of such a pin: here it makes a difference. */
static gboolean
differs_for_user (const Row *row, const Layer *user, const Plain *plain)
{
  g_autoptr (CpdVerdict) with = judge (row, user, /* is_of_app= */ FALSE);

  return !are_equal (with, plain->of_user);
}

static void
compare (Table *t, const Row *row, const Layer *user, const Plain *plain)
{
  g_autoptr (CpdVerdict) with = judge (row, user, /* is_of_app= */ TRUE);
  g_autoptr (CpdVerdict) look_with = look (row, user);

  g_assert_true (are_equal (look_with, plain->of_app));
  g_assert_null (look_with->hidden);
  t->rows++;
  t->differ += differs_for_user (row, user, plain);
  if (g_strcmp0 (with->reason, "user-settings") == 0)
    {
      t->refused++;
      return;
    }
  if (!are_equal (with, plain->of_app))
    {
      say ("with", with);
      say ("without", plain->of_app);
    }
  g_assert_true (are_equal (with, plain->of_app));
}

static void
compare_all (Table *t, const Row *row)
{
  const Layer none = { 0 };
  Plain plain = { judge (row, &none, /* is_of_app= */ TRUE),
                  judge (row, &none, /* is_of_app= */ FALSE) };

  for (size_t i = 0; i < G_N_ELEMENTS (of_user); i++)
    compare (t, row, &of_user[i], &plain);
  cpd_verdict_unref (plain.of_app);
  cpd_verdict_unref (plain.of_user);
}

static void
each_pin (Table *t, CpdPeer *peer)
{
  for (size_t i = 0; i < G_N_ELEMENTS (of_app); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (of_app); j++)
      for (size_t k = 0; k < G_N_ELEMENTS (of_request); k++)
        compare_all (t, &(Row){ peer, &of_app[i], &of_app[j], &of_request[k] });
}

static void
test_all (void)
{
  Table t = { .rows = 0 };

  verdict_world_make ();
  for (int server = 0; server < N_SERVERS; server++)
    {
      CpdPeer *peer = verdict_make_peer ((Server)server);

      each_pin (&t, peer);
      cpd_peer_unref (peer);
    }
  verdict_world_unmake ();
  g_test_message ("%u rows: in %u, the user's settings refuse the app; in %u, the pin makes a "
                  "difference to the user's own programs",
                  t.rows, t.refused, t.differ);
  g_assert_cmpuint (t.rows, ==,
                    N_SERVERS * G_N_ELEMENTS (of_app) * G_N_ELEMENTS (of_app)
                        * G_N_ELEMENTS (of_request) * G_N_ELEMENTS (of_user));
  g_assert_cmpuint (t.refused, >, 0);
  g_assert_cmpuint (t.differ, >, t.refused);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/hidden/all", test_all);
  return g_test_run ();
}
