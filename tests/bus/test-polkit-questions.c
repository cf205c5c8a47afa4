/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is asked of polkit, how much of it at a time, and when a place is given back. The
 * polkit here answers when it is told to; tests/polkit asks the real one. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-polkit.h"
#include "dbus/certpin-names.h"
#include "tests/lib/fake-polkit.h"
#include "tests/lib/test-bus.h"
#include "tests/lib/test-loop.h"

#define ALICE 1000u
#define BOB   1001u

typedef struct
{
  TestBus bus;
  FakePolkit *polkit;
  CpdCallers *callers;
  CpdAuthority *authority;
  GPtrArray *asked; /* of Asked */
} Fixture;

/* One that the authority was asked. */
typedef struct
{
  CpdCaller *caller;
  GAsyncResult *result; /* NULL: it has no answer */
  GError *error;        /* of an answer that was looked at */
} Asked;

static void
asked_free (gpointer data)
{
  Asked *asked = data;

  cpd_caller_unref (asked->caller);
  g_clear_object (&asked->result);
  g_clear_error (&asked->error);
  g_free (asked);
}

/* The connection that polkit's library takes. */
static GDBusConnection *
connect_to_system_bus (TestBus *bus)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection;

  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address (bus->dbus), TRUE);
  connection = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

/* polkit was never needed yet. */
static void
set_up_new (Fixture *f, gconstpointer user_data)
{
  f->bus.dbus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->bus.dbus);
  f->bus.service = connect_to_system_bus (&f->bus);
  f->asked = g_ptr_array_new_with_free_func (asked_free);
  f->bus.store = cpd_store_new (&(CpdStoreSettings){ NULL });
  f->callers = cpd_callers_new (f->bus.service, f->bus.store);
  f->authority = CPD_AUTHORITY (cpd_polkit_new (f->bus.service, f->callers));
  f->polkit = fake_polkit_new (test_bus_connect (&f->bus));
}

static unsigned int
count_results (Fixture *f)
{
  unsigned int count = 0;

  for (unsigned int i = 0; i < f->asked->len; i++)
    count += ((Asked *)f->asked->pdata[i])->result != NULL;
  return count;
}

/* Until nothing moves any more: what was sent has reached polkit, and its answers are back. */
static void
settle (Fixture *f)
{
  unsigned int idle = 0;

  while (idle < 3)
    {
      unsigned int before = f->polkit->questions->len + count_results (f);

      test_bus_round_trip (f->bus.service);
      test_bus_round_trip (f->polkit->connection);
      test_loop_settle ();
      idle = before == f->polkit->questions->len + count_results (f) ? idle + 1 : 0;
    }
}

/* polkit goes, so nobody waits any more. */
static void
tear_down (Fixture *f, gconstpointer user_data)
{
  fake_polkit_free (f->polkit);
  while (count_results (f) < f->asked->len)
    test_loop_step ();
  g_ptr_array_unref (f->asked);
  test_loop_settle ();
  test_loop_release (f->authority);
  test_loop_release (f->callers);
  g_clear_object (&f->bus.store);
  test_bus_disconnect (f->bus.service);
  test_loop_settle ();
  g_test_dbus_down (f->bus.dbus);
  g_object_unref (f->bus.dbus);
}

/* A program of that uid's, with a connection of its own. */
static CpdCaller *
new_caller (guint32 uid)
{
  static unsigned int count = 0;
  g_autofree char *sender = g_strdup_printf (":9.%u", ++count);

  return cpd_caller_new (sender, uid);
}

/* `caller`: (transfer full) */
static Asked *
ask (Fixture *f, CpdCaller *caller, const char *action, gboolean interactive)
{
  const CpdAuthorityQuestion question
      = { .caller = caller, .action = action, .interactive = interactive };
  Asked *asked = g_new0 (Asked, 1);

  asked->caller = caller;
  g_ptr_array_add (f->asked, asked);
  cpd_authority_check_async (f->authority, &question, test_loop_on_result, &asked->result);
  return asked;
}

/* Something was asked before, and polkit's library is connected. */
static void
set_up (Fixture *f, gconstpointer user_data)
{
  Asked *first;

  set_up_new (f, user_data);
  first = ask (f, new_caller (0), CERTPIN_ACTION_SYSTEM_PINS, FALSE);
  while (first->result == NULL)
    test_loop_step ();
  g_ptr_array_set_size (f->asked, 0);
  g_ptr_array_set_size (f->polkit->questions, 0);
}

static Asked *
ask_for_dialog (Fixture *f, guint32 uid)
{
  return ask (f, new_caller (uid), CERTPIN_ACTION_SYSTEM_PINS, TRUE);
}

static Asked *
ask_plainly (Fixture *f, guint32 uid)
{
  return ask (f, new_caller (uid), CERTPIN_ACTION_SYSTEM_PINS, FALSE);
}

static void
leave (Asked *asked)
{
  g_cancellable_cancel (asked->caller->gone);
}

/* Whether it has that answer, FALSE also where it has none. */
static gboolean
has_failed (Fixture *f, Asked *asked, CertpinError code)
{
  if (asked->result == NULL)
    return FALSE;
  if (asked->error == NULL && g_task_had_error (G_TASK (asked->result)))
    g_assert_false (cpd_authority_check_finish (f->authority, asked->result, &asked->error));
  return g_error_matches (asked->error, CERTPIN_ERROR, (int)code);
}

static void
assert_failed (Fixture *f, Asked *asked, CertpinError code)
{
  g_assert_nonnull (asked->result);
  g_assert_true (has_failed (f, asked, code));
}

static void
assert_allowed (Fixture *f, Asked *asked)
{
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (asked->result);
  g_assert_true (cpd_authority_check_finish (f->authority, asked->result, &error));
  g_assert_no_error (error);
}

/* `limit`, `remedy`: words of the message */
static void
assert_limited (Fixture *f, Asked *asked, const char *limit, const char *remedy)
{
  assert_failed (f, asked, CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (asked->error->message, limit));
  g_assert_nonnull (strstr (asked->error->message, remedy));
}

static unsigned int
count_failed (Fixture *f, CertpinError code)
{
  unsigned int count = 0;

  for (unsigned int i = 0; i < f->asked->len; i++)
    count += has_failed (f, f->asked->pdata[i], code);
  return count;
}

/* What was asked of polkit for that program and has no answer; NULL: nothing. */
static FakeQuestion *
find_open (Fixture *f, const Asked *asked)
{
  return fake_polkit_find_open (f->polkit, asked->caller->sender);
}

static void
assert_open (Fixture *f, unsigned int dialogs, unsigned int others)
{
  g_assert_cmpuint (fake_polkit_count_open (f->polkit, TRUE), ==, dialogs);
  g_assert_cmpuint (fake_polkit_count_open (f->polkit, FALSE), ==, others);
}

/* Dialogs */

static void
test_dialogs_per_uid (Fixture *f, gconstpointer user_data)
{
  Asked *with, *without;

  for (unsigned int i = 0; i < 100; i++)
    ask_for_dialog (f, ALICE);
  settle (f);
  assert_open (f, 4, 0);
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_LIMIT_EXCEEDED), ==, 96);
  assert_limited (f, f->asked->pdata[4], "already have 4", "close one");
  with = ask_for_dialog (f, BOB);
  without = ask_plainly (f, BOB);
  fake_polkit_allow (f->polkit, without->caller->sender);
  settle (f);
  assert_allowed (f, without);
  fake_question_answer (find_open (f, with), TRUE, FALSE);
  settle (f);
  assert_allowed (f, with);
}

/* Who needs no password is not in the way of dialogs, nor dialogs in theirs. */
static void
test_dialogs_in_all (Fixture *f, gconstpointer user_data)
{
  Asked *root, *next;

  for (guint32 uid = 1; uid <= 5; uid++)
    for (unsigned int i = 0; i < 4; i++)
      ask_for_dialog (f, uid);
  settle (f);
  assert_open (f, 16, 0);
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_LIMIT_EXCEEDED), ==, 4);
  assert_limited (f, f->asked->pdata[16], "together already have 16", "try again later");
  root = ask_for_dialog (f, 0);
  fake_polkit_allow (f->polkit, root->caller->sender);
  settle (f);
  assert_allowed (f, root);
  fake_question_answer (find_open (f, f->asked->pdata[0]), FALSE, FALSE);
  settle (f);
  assert_failed (f, f->asked->pdata[0], CERTPIN_ERROR_NOT_AUTHORIZED);
  next = ask_for_dialog (f, 6);
  settle (f);
  g_assert_true (find_open (f, next)->interactive);
}

static void
test_no_agent (Fixture *f, gconstpointer user_data)
{
  Asked *asked = ask_for_dialog (f, ALICE);

  settle (f);
  fake_question_answer (find_open (f, asked), FALSE, TRUE);
  settle (f);
  assert_failed (f, asked, CERTPIN_ERROR_NOT_AUTHORIZED);
  g_assert_cmpuint (f->polkit->questions->len, ==, 2);
}

static void
test_leave_closes_dialogs (Fixture *f, gconstpointer user_data)
{
  CpdCaller *caller = new_caller (ALICE);

  for (unsigned int i = 0; i < 4; i++)
    ask (f, cpd_caller_ref (caller), CERTPIN_ACTION_SYSTEM_PINS, TRUE);
  settle (f);
  assert_open (f, 4, 0);
  leave (f->asked->pdata[0]);
  test_loop_settle ();
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_CANCELLED), ==, 4);
  settle (f);
  assert_open (f, 0, 0);
  for (unsigned int i = 0; i < 4; i++)
    ask_for_dialog (f, ALICE);
  settle (f);
  assert_open (f, 4, 0);
  cpd_caller_unref (caller);
}

/* A call that polkit has yet to answer is one that the bus still counts. */
static void
test_place_is_held (Fixture *f, gconstpointer user_data)
{
  f->polkit->is_hanging = TRUE;
  for (unsigned int i = 0; i < 4; i++)
    ask_for_dialog (f, ALICE);
  settle (f);
  for (unsigned int i = 0; i < 4; i++)
    leave (f->asked->pdata[i]);
  settle (f);
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_CANCELLED), ==, 4);
  g_assert_true (((FakeQuestion *)f->polkit->questions->pdata[7])->cancelled);
  ask_for_dialog (f, ALICE);
  settle (f);
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_LIMIT_EXCEEDED), ==, 1);
  fake_question_cancel (f->polkit->questions->pdata[7]);
  settle (f);
  ask_for_dialog (f, ALICE);
  settle (f);
  assert_open (f, 4, 0);
}

/* Questions */

static void
test_questions_per_uid (Fixture *f, gconstpointer user_data)
{
  Asked *alices[10], *bobs;

  f->polkit->answers = FALSE;
  for (unsigned int i = 0; i < G_N_ELEMENTS (alices); i++)
    alices[i] = ask_plainly (f, ALICE);
  bobs = ask_plainly (f, BOB);
  settle (f);
  assert_open (f, 0, 5);
  fake_question_answer (find_open (f, bobs), TRUE, FALSE);
  settle (f);
  assert_allowed (f, bobs);
  for (unsigned int i = 0; i < G_N_ELEMENTS (alices); i++)
    {
      fake_question_answer (find_open (f, alices[i]), TRUE, FALSE);
      settle (f);
      assert_allowed (f, alices[i]);
    }
}

/* One that nobody waits for any more is still one that the bus counts. */
static void
test_question_place_is_held (Fixture *f, gconstpointer user_data)
{
  Asked *next;

  f->polkit->answers = FALSE;
  f->polkit->is_hanging = TRUE;
  for (unsigned int i = 0; i < 4; i++)
    ask_plainly (f, ALICE);
  settle (f);
  for (unsigned int i = 0; i < 4; i++)
    leave (f->asked->pdata[i]);
  settle (f);
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_CANCELLED), ==, 4);
  next = ask_plainly (f, ALICE);
  settle (f);
  g_assert_null (find_open (f, next));
  fake_question_cancel (f->polkit->questions->pdata[0]);
  settle (f);
  g_assert_nonnull (find_open (f, next));
}

/* The uids that wait are served by turns. */
static void
test_questions_in_all (Fixture *f, gconstpointer user_data)
{
  Asked *waiting[3];

  f->polkit->answers = FALSE;
  for (guint32 uid = 1; uid <= 8; uid++)
    for (unsigned int i = 0; i < 4; i++)
      ask_plainly (f, uid);
  waiting[0] = ask_plainly (f, ALICE);
  waiting[1] = ask_plainly (f, ALICE);
  waiting[2] = ask_plainly (f, BOB);
  settle (f);
  assert_open (f, 0, 32);
  fake_question_answer (find_open (f, f->asked->pdata[0]), TRUE, FALSE);
  settle (f);
  g_assert_nonnull (find_open (f, waiting[0]));
  fake_question_answer (find_open (f, waiting[0]), TRUE, FALSE);
  settle (f);
  g_assert_null (find_open (f, waiting[1]));
  g_assert_nonnull (find_open (f, waiting[2]));
  fake_question_answer (find_open (f, waiting[2]), TRUE, FALSE);
  settle (f);
  g_assert_nonnull (find_open (f, waiting[1]));
}

static void
test_questions_waiting (Fixture *f, gconstpointer user_data)
{
  Asked *last, *bobs;

  f->polkit->answers = FALSE;
  for (unsigned int i = 0; i < 4 + 256; i++)
    ask_plainly (f, ALICE);
  settle (f);
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_LIMIT_EXCEEDED), ==, 0);
  last = ask_plainly (f, ALICE);
  bobs = ask_plainly (f, BOB);
  settle (f);
  assert_failed (f, last, CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (find_open (f, bobs));
  for (unsigned int i = 0; i < 4 + 256; i++)
    leave (f->asked->pdata[i]);
  settle (f);
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_CANCELLED), ==, 4 + 256);
  g_assert_cmpuint (f->polkit->questions->len, ==, 5);
}

/* While polkit's library connects: one leaves, and the others are asked in their order. */
static void
test_first_questions (Fixture *f, gconstpointer user_data)
{
  Asked *left, *last;

  for (unsigned int i = 0; i < 5; i++)
    ask_plainly (f, ALICE);
  left = f->asked->pdata[1];
  last = f->asked->pdata[4];
  leave (left);
  test_loop_settle ();
  assert_failed (f, left, CERTPIN_ERROR_CANCELLED);
  while (last->result == NULL)
    test_loop_step ();
  g_assert_cmpuint (count_failed (f, CERTPIN_ERROR_NOT_AUTHORIZED), ==, 4);
  g_assert_cmpuint (f->polkit->questions->len, ==, 4);
}

/* polkit goes while it is asked. */
static void
test_polkit_goes (Fixture *f, gconstpointer user_data)
{
  Asked *asked = ask_for_dialog (f, ALICE);

  settle (f);
  g_assert_nonnull (find_open (f, asked));
  fake_polkit_free (f->polkit);
  while (asked->result == NULL)
    test_loop_step ();
  assert_failed (f, asked, CERTPIN_ERROR_NOT_AUTHORIZED);
  f->polkit = fake_polkit_new (test_bus_connect (&f->bus));
  for (unsigned int i = 0; i < 4; i++)
    ask_for_dialog (f, ALICE);
  settle (f);
  assert_open (f, 4, 0);
}

/* Answers that are kept */

static void
test_same_question (Fixture *f, gconstpointer user_data)
{
  CpdCaller *caller = new_caller (ALICE);

  f->polkit->answers = FALSE;
  for (unsigned int i = 0; i < 10; i++)
    ask (f, cpd_caller_ref (caller), CERTPIN_ACTION_OWN_PINS, FALSE);
  settle (f);
  g_assert_cmpuint (f->polkit->questions->len, ==, 1);
  fake_question_answer (f->polkit->questions->pdata[0], TRUE, FALSE);
  settle (f);
  for (unsigned int i = 0; i < 10; i++)
    assert_allowed (f, f->asked->pdata[i]);
  cpd_caller_unref (caller);
}

/* `user_data`: whether polkit says meanwhile that something changed */
static void
test_kept (Fixture *f, gconstpointer user_data)
{
  gboolean changed = GPOINTER_TO_INT (user_data);
  Asked *asked;
  CpdAuthorityQuestion question = { .action = CERTPIN_ACTION_OWN_PINS };

  f->polkit->answers = FALSE;
  asked = ask (f, new_caller (ALICE), question.action, FALSE);
  question.caller = asked->caller;
  settle (f);
  if (changed)
    fake_polkit_emit_changed (f->polkit);
  fake_question_answer (f->polkit->questions->pdata[0], TRUE, FALSE);
  settle (f);
  assert_allowed (f, asked);
  g_assert_cmpint (cpd_authority_allows_now (f->authority, &question), ==, !changed);
}

#define ADD(path, data, function)                                                                  \
  g_test_add ("/bus/polkit/" path, Fixture, data, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  test_bus_init (&argc, &argv);
  ADD ("dialogs-per-uid", NULL, test_dialogs_per_uid);
  ADD ("dialogs-in-all", NULL, test_dialogs_in_all);
  ADD ("no-agent", NULL, test_no_agent);
  ADD ("leaving-closes-dialogs", NULL, test_leave_closes_dialogs);
  ADD ("place-is-held-until-polkit-answers", NULL, test_place_is_held);
  ADD ("place-of-a-question-is-held", NULL, test_question_place_is_held);
  ADD ("questions-per-uid", NULL, test_questions_per_uid);
  ADD ("questions-in-all-by-turns", NULL, test_questions_in_all);
  ADD ("questions-waiting", NULL, test_questions_waiting);
  ADD ("polkit-goes", NULL, test_polkit_goes);
  g_test_add ("/bus/polkit/first-questions", Fixture, NULL, set_up_new, test_first_questions,
              tear_down);
  ADD ("same-question-is-asked-once", NULL, test_same_question);
  ADD ("kept", GINT_TO_POINTER (FALSE), test_kept);
  ADD ("not-kept-after-a-change", GINT_TO_POINTER (TRUE), test_kept);
  return g_test_run ();
}
