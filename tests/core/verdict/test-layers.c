/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves for all combinations of pins in all layers, and for all who may ask, what is refused, and
 * what is said of it: the store, its policies and the verdict, beside a rule that is written down
 * here a second time. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file.h"
#include "tests/core/pins/store-fixture.h"
#include "tests/core/verdict/verdict-fixture.h"

#include <glib/gstdio.h>

#include <string.h>

#define HOST "h.example"

/* What a layer has for the host. */
typedef enum
{
  ABSENT,
  MATCHES,
  DIFFERS,
  REPORTS, /* a mismatch */
  IS_EXPIRED,
  IS_BLOCKED,
  N_STATES
} State;

/* Another layer is one more here, and a loop. */
#define N_LAYERS CPD_LAYER_REQUEST

typedef enum
{
  PROGRAM,
  APP,
  OTHER_APP, /* of the same user, without pins */
  N_KINDS
} Kind;

/* Who asks: without pins of the connection, or with. */
typedef struct
{
  Kind kind;
  gboolean has_connection;
  CpdOwner owner;
} Asker;

typedef struct
{
  StoreFixture store;
  CpdPeer *peer;
  Asker askers[2 * N_KINDS];
  State states[N_LAYERS];
  unsigned int rows, passed, hidden;
} Table;

/* The rule. */

/* Whether a layer's pin counts for whoever asks. */
static gboolean
binds (const Asker *asker, int layer)
{
  if (layer == CPD_LAYER_APP)
    return asker->kind == APP;
  return layer != CPD_LAYER_TRANSIENT || asker->has_connection;
}

/* What refuses: -1: nothing */
typedef struct
{
  int layer; /* -1: none has a pin that permits anything */
  int error;
} Outcome;

static gboolean
permits (const Asker *asker, const State states[N_LAYERS])
{
  for (int layer = 0; layer < N_LAYERS; layer++)
    if (binds (asker, layer) && states[layer] != ABSENT
        && (layer != CPD_LAYER_USER || asker->kind == PROGRAM))
      return TRUE;
  return FALSE;
}

static Outcome
expect (const Asker *asker, const State states[N_LAYERS])
{
  static const int errors[N_STATES] = {
    -1, -1, CERTPIN_ERROR_PIN_MISMATCH, -1, CERTPIN_ERROR_PIN_EXPIRED, CERTPIN_ERROR_BLOCKED
  };
  Outcome outcome = { -1, -1 };

  if (!permits (asker, states))
    return (Outcome){ -1, CERTPIN_ERROR_NOT_PINNED };
  for (int layer = N_LAYERS - 1; layer >= 0; layer--)
    if (binds (asker, layer) && states[layer] == DIFFERS)
      outcome = (Outcome){ layer, errors[DIFFERS] };
  for (int layer = N_LAYERS - 1; layer >= 0; layer--) /* what needs no server comes first */
    if (binds (asker, layer) && (states[layer] == IS_EXPIRED || states[layer] == IS_BLOCKED))
      outcome = (Outcome){ layer, errors[states[layer]] };
  return outcome;
}

/* What is said. */

static void
assert_no_more_than (const CpdVerdict *shown)
{
  g_assert_cmpint (shown->error, ==, CERTPIN_ERROR_BLOCKED);
  g_assert_cmpstr (shown->reason, ==, "user-settings");
  g_assert_cmpint (shown->layer, ==, CPD_LAYER_APP);
  g_assert_null (shown->pin);
  g_assert_null (shown->peer);
  g_assert_null (shown->ocsp);
  g_assert_null (shown->matched_key);
  g_assert_null (shown->path_keys);
  g_assert_null (shown->report);
  g_assert_cmpstr (shown->message, ==, "host ‘h.example’ is refused by the user's settings");
  g_assert_null (strstr (shown->likely_cause, "sha256"));
  g_assert_null (strstr (shown->advice, "sha256"));
}

static void
assert_refused_by (const CpdVerdict *verdict, const Outcome *expected)
{
  g_assert_false (verdict->passed);
  g_assert_cmpint (verdict->error, ==, expected->error);
  g_assert_null (verdict->matched_key);
  g_assert_cmpint (verdict->pin != NULL, ==, expected->layer >= 0);
  if (expected->layer >= 0)
    g_assert_cmpint (verdict->layer, ==, expected->layer);
}

static void
assert_refused (Table *t, const Asker *asker, const CpdVerdict *verdict, const Outcome *expected)
{
  if (expected->layer != CPD_LAYER_USER || asker->kind == PROGRAM)
    {
      assert_refused_by (verdict, expected);
      g_assert_null (verdict->hidden);
      return;
    }
  t->hidden++;
  assert_no_more_than (verdict);
  g_assert_nonnull (verdict->hidden);
  assert_refused_by (verdict->hidden, expected);
  g_assert_cmpint (((CpdVerdict *)verdict->hidden)->reported, ==, FALSE);
}

/* Which layer's mismatch is reported first, of those that the asker sees or does not see.
 * Returns: -1: none */
static int
find_report (const Table *t, const Asker *asker, gboolean hidden)
{
  for (int layer = 0; layer < N_LAYERS; layer++)
    if (binds (asker, layer) && t->states[layer] == REPORTS
        && (layer == CPD_LAYER_USER && asker->kind != PROGRAM) == hidden)
      return layer;
  return -1;
}

static void
assert_report (const CpdVerdict *report, int layer)
{
  g_assert_cmpint (report != NULL, ==, layer >= 0);
  if (report == NULL)
    return;
  g_assert_true (report->reported);
  g_assert_cmpint (report->layer, ==, layer);
  g_assert_cmpint (report->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
}

static void
assert_passed (Table *t, const Asker *asker, const CpdVerdict *verdict)
{
  int match = -1;

  t->passed++;
  g_assert_true (verdict->passed);
  for (int layer = 0; layer < N_LAYERS; layer++)
    if (binds (asker, layer) && t->states[layer] == MATCHES
        && (layer != CPD_LAYER_USER || asker->kind == PROGRAM))
      match = layer;
  g_assert_cmpint (verdict->matched_key != NULL, ==, match >= 0);
  if (match >= 0)
    g_assert_cmpint (verdict->layer, ==, match);
  assert_report (verdict->report, find_report (t, asker, /* hidden= */ FALSE));
  assert_report (verdict->hidden, find_report (t, asker, /* hidden= */ TRUE));
}

static void
say (const Table *t, const Asker *asker, const CpdVerdict *verdict)
{
  g_test_message ("asker %d%s: files %d, system %d, app %d, user %d, transient %d: %s", asker->kind,
                  asker->has_connection ? " with a connection" : "", t->states[CPD_LAYER_FILES],
                  t->states[CPD_LAYER_SYSTEM], t->states[CPD_LAYER_APP], t->states[CPD_LAYER_USER],
                  t->states[CPD_LAYER_TRANSIENT], verdict->passed ? "passes" : verdict->message);
}

/* Before there is a server, all that needs none is refused already, and nothing else. */
static void
judge_row (Table *t, const Asker *asker)
{
  g_autoptr (CpdPolicy) policy
      = cpd_store_get_policy (t->store.store, asker->owner, verdict_world.target);
  g_autoptr (CpdVerdict) before = cpd_verdict_of_policy (policy, TEST_PKI_NOW);
  g_autoptr (CpdVerdict) verdict
      = cpd_verdict_of_peer (policy, t->peer, verdict_world.system, TEST_PKI_NOW);
  Outcome expected = expect (asker, t->states);
  gboolean needs_server = expected.error == -1 || expected.error == CERTPIN_ERROR_PIN_MISMATCH;

  if (verdict->passed != (expected.error == -1) || before->passed != needs_server)
    say (t, asker, verdict);
  t->rows++;
  g_assert_cmpint (verdict->passed, ==, expected.error == -1);
  g_assert_cmpint (before->passed, ==, needs_server);
  if (!needs_server)
    assert_refused (t, asker, before, &expected);
  if (verdict->passed)
    assert_passed (t, asker, verdict);
  else
    assert_refused (t, asker, verdict, &expected);
}

/* What is pinned. */

/* Returns: (transfer full) (nullable) */
static CpdPin *
make_pin (CpdLayer layer, State state)
{
  g_autoptr (CpdHost) host = test_host (HOST);
  g_autoptr (CertpinKey) key = NULL;
  CpdPin *pin;

  if (state == ABSENT)
    return NULL;
  if (state == IS_BLOCKED)
    return cpd_pin_new_blocked (host, layer, "why");
  pin = cpd_pin_new (host, layer);
  key = state == DIFFERS || state == REPORTS ? test_key (7) : verdict_key_of (verdict_world.leaf);
  cpd_pin_add_key (pin, key);
  pin->mode = state == REPORTS ? CPD_MODE_REPORT : CPD_MODE_ENFORCE;
  pin->expires = state == IS_EXPIRED ? TEST_PKI_NOW : 0;
  return pin;
}

static void
set_layer (Table *t, CpdLayer layer, CpdOwner owner, State state)
{
  g_autoptr (CpdPin) pin = make_pin (layer, state);
  g_autoptr (GError) error = NULL;

  if (pin != NULL)
    store_set_pin (&t->store, owner, pin, &error);
  else if (!store_remove_pin_of (&t->store, owner, layer, HOST, &error)
           && g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    g_clear_error (&error);
  g_assert_no_error (error);
  t->states[layer] = state;
}

static void
set_files (Table *t, State state)
{
  g_autoptr (CpdPin) pin = make_pin (CPD_LAYER_FILES, state);
  g_autoptr (GBytes) file = pin != NULL ? cpd_pin_file_export (pin) : NULL;
  g_autofree char *text = file != NULL
                              ? g_strndup (g_bytes_get_data (file, NULL), g_bytes_get_size (file))
                              : g_strdup ("[Pin File]\nVersion=1\n");
  g_autofree char *path = g_build_filename (t->store.admin, "h.pin", NULL), *written = NULL;
  g_autoptr (GError) error = NULL;

  g_unlink (path); /* else the end of a longer text would stay */
  written = test_folder_write (t->store.admin, "h.pin", text);
  store_reload (&t->store, &error);
  g_assert_no_error (error);
  t->states[CPD_LAYER_FILES] = state;
}

static void
judge_all (Table *t)
{
  for (size_t i = 0; i < G_N_ELEMENTS (t->askers); i++)
    if (t->askers[i].has_connection || t->states[CPD_LAYER_TRANSIENT] == ABSENT)
      judge_row (t, &t->askers[i]);
}

static void
set_transient (Table *t, State state)
{
  for (size_t i = 0; i < G_N_ELEMENTS (t->askers); i++)
    if (t->askers[i].has_connection)
      set_layer (t, CPD_LAYER_TRANSIENT, t->askers[i].owner, state);
}

/* The layers from this one on, in each of their states. */
static void
each_state (Table *t, int layer)
{
  for (State state = ABSENT; layer < N_LAYERS && state < N_STATES; state++)
    {
      if (layer == CPD_LAYER_FILES)
        set_files (t, state);
      else if (layer == CPD_LAYER_TRANSIENT)
        set_transient (t, state);
      else
        set_layer (t, (CpdLayer)layer, t->askers[layer == CPD_LAYER_APP ? APP : PROGRAM].owner,
                   state);
      each_state (t, layer + 1);
    }
  if (layer == N_LAYERS)
    judge_all (t);
}

static void
meet_askers (Table *t)
{
  const CpdOwner owners[N_KINDS] = { STORE_UID, store_meet (&t->store, STORE_UID, "snap:demo"),
                                     store_meet (&t->store, STORE_UID, "flatpak:org.example.App") };

  for (int kind = 0; kind < N_KINDS; kind++)
    {
      CpdOwner connection;
      g_autoptr (GError) error = NULL;

      cpd_store_open_connection (t->store.store, owners[kind], &connection, &error);
      g_assert_no_error (error);
      t->askers[kind] = (Asker){ (Kind)kind, FALSE, owners[kind] };
      t->askers[N_KINDS + kind] = (Asker){ (Kind)kind, TRUE, connection };
    }
}

static void
test_all (void)
{
  Table t = { .store.forgets = TRUE };

  store_fixture_set_up (&t.store, NULL);
  verdict_world_make ();
  t.peer = verdict_make_peer (GOOD);
  meet_askers (&t);
  each_state (&t, 0);
  g_test_message ("%u rows: %u passed, %u refused by a pin that the app does not see", t.rows,
                  t.passed, t.hidden);
  g_assert_cmpuint (t.rows, ==, 3 * 6 * 6 * 6 * 6 + 3 * 6 * 6 * 6 * 6 * 6);
  g_assert_cmpuint (t.passed, >, 0);
  g_assert_cmpuint (t.hidden, >, 0);
  cpd_peer_unref (t.peer);
  verdict_world_unmake ();
  store_fixture_tear_down (&t.store, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/layers/all", test_all);
  return g_test_run ();
}
