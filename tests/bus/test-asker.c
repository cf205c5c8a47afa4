/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which pins the options ‘scope’ and ‘app’ name, in all combinations and for all who may
 * ask: an app never those of another. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-asker.h"

#define UID   1000
#define OWN   "flatpak:org.example.Weather"
#define OTHER "snap:demo"
#define WRONG "flatpak:org.example"

static const char *const scopes[]
    = { NULL, "user", "system", "app", "transient", "files", "request", "" };
static const char *const apps[] = { NULL, OWN, OTHER, WRONG, ".." };

/* One of these combinations. */
typedef struct
{
  const char *scope, *app;
  gboolean is_app;         /* who asks: the app OWN, or its user */
  gboolean has_connection; /* with transient pins already */
  gboolean only_looks;
} Question;

/* -1: it is answered */
typedef struct
{
  int error;
  CpdLayer layer;
} Answer;

#define REFUSES(code) ((Answer){ .error = CERTPIN_ERROR_##code })
#define NAMES(which)  ((Answer){ .error = -1, .layer = CPD_LAYER_##which })

/* The rule, as the interface describes it. */

static gboolean
is_one_of (const char *text, const char *one, const char *other)
{
  return g_strcmp0 (text, one) == 0 || g_strcmp0 (text, other) == 0;
}

static Answer
expect_of_app (const Question *question)
{
  if (!is_one_of (question->app, NULL, OWN))
    return REFUSES (NOT_AUTHORIZED);
  if (is_one_of (question->scope, NULL, "app"))
    return NAMES (APP);
  return g_str_equal (question->scope, "transient") ? NAMES (TRANSIENT) : REFUSES (NOT_AUTHORIZED);
}

static Answer
expect_of_user (const Question *question)
{
  if (question->app != NULL)
    return is_one_of (question->scope, NULL, "app") && is_one_of (question->app, OWN, OTHER)
               ? NAMES (APP)
               : REFUSES (INVALID_ARGUMENT);
  if (is_one_of (question->scope, NULL, "user"))
    return NAMES (USER);
  if (g_str_equal (question->scope, "system"))
    return NAMES (SYSTEM);
  return g_str_equal (question->scope, "transient") ? NAMES (TRANSIENT)
                                                    : REFUSES (INVALID_ARGUMENT);
}

static Answer
expect (const Question *question)
{
  if (is_one_of (question->scope, "files", "request") || g_strcmp0 (question->scope, "") == 0)
    return REFUSES (INVALID_ARGUMENT);
  return question->is_app ? expect_of_app (question) : expect_of_user (question);
}

/* What is asked. */

typedef struct
{
  CpdStore *store;
  CpdOwner app, connection;
  CpdOwner owner; /* at first */
  CpdAsker asker;
} Fixture;

static CpdAsker *
set_up (Fixture *f, const Question *question)
{
  f->store = cpd_store_new (&(CpdStoreSettings){ NULL });
  f->connection = 0;
  g_assert_true (cpd_store_meet_app (f->store, UID, OWN, &f->app, NULL));
  f->owner = question->is_app ? f->app : UID;
  f->asker = (CpdAsker){ .store = f->store, .self = f->owner, .connection = &f->connection };
  f->asker.only_looks = question->only_looks;
  if (question->has_connection)
    {
      g_assert_true (cpd_store_open_connection (f->store, f->owner, &f->connection, NULL));
      f->owner = f->connection;
    }
  f->asker.owner = f->owner;
  return &f->asker;
}

static void
tear_down (Fixture *f)
{
  if (f->connection != 0)
    cpd_store_close_connection (f->store, f->connection);
  g_object_unref (f->store);
}

/* Whose the pins are. */
static CpdOwner
get_owner (Fixture *f, const Question *question, CpdLayer layer)
{
  CpdOwner owner = f->asker.self;

  if (layer == CPD_LAYER_TRANSIENT)
    owner = f->connection;
  else if (question->app != NULL)
    g_assert_true (cpd_apps_lookup (cpd_store_get_apps (f->store), UID, question->app, &owner));
  return owner;
}

/* To ask for the pins of an app makes it no better known. */
static void
check_app (Fixture *f, const char *app)
{
  CpdApps *known = cpd_store_get_apps (f->store);
  CpdOwner owner;

  g_assert_true (cpd_owner_is_app (f->asker.owner));
  g_assert_cmpuint (cpd_owner_get_uid (f->asker.owner), ==, UID);
  g_assert_cmpint (cpd_apps_lookup (known, UID, app, &owner), ==, g_str_equal (app, OWN));
  if (g_str_equal (app, OWN))
    g_assert_cmpuint (f->asker.owner, ==, owner);
  else
    g_assert_null (cpd_apps_get_name (known, f->asker.owner));
}

/* To look for pins of the connection gives it none. */
static void
check_connection (Fixture *f)
{
  CpdApps *known = cpd_store_get_apps (f->store);
  g_autoptr (GArray) connections = cpd_apps_list_connections (known, f->asker.self);

  g_assert_true (cpd_owner_is_connection (f->asker.owner));
  g_assert_true (cpd_apps_is_over (known, f->asker.owner));
  g_assert_cmpint (cpd_owner_is_app (f->asker.owner), ==, cpd_owner_is_app (f->asker.self));
  g_assert_cmpuint (connections->len, ==, 0);
}

/* What is kept is never the connection's, which may end while the change is made. */
static void
check_scope (const Question *question)
{
  Fixture f;
  CpdAsker *asker = set_up (&f, question);
  Answer expected = expect (question);
  g_autoptr (GError) error = NULL;
  CpdLayer layer = CPD_LAYER_REQUEST;
  gboolean taken = cpd_asker_take_scope (asker, question->scope, question->app, &layer, &error);

  g_assert_cmpint (taken, ==, expected.error == -1);
  if (taken)
    {
      g_assert_cmpint (layer, ==, expected.layer);
      if (question->only_looks && question->app != NULL && !question->is_app)
        check_app (&f, question->app);
      else if (question->only_looks && layer == CPD_LAYER_TRANSIENT && !question->has_connection)
        check_connection (&f);
      else
        g_assert_cmpuint (asker->owner, ==, get_owner (&f, question, layer));
      g_assert_cmpint (f.connection != 0, ==,
                       question->has_connection
                           || (layer == CPD_LAYER_TRANSIENT && !question->only_looks));
      g_assert_cmpint (cpd_layer_of_owner (asker->owner) == layer, ==, layer != CPD_LAYER_SYSTEM);
    }
  else
    {
      g_assert_error (error, CERTPIN_ERROR, expected.error);
      g_assert_cmpuint (asker->owner, ==, f.owner);
      g_assert_cmpint (f.connection != 0, ==, question->has_connection);
    }
  tear_down (&f);
}

/* To read takes no connection's number; and the system's pins, an app may read. */
static void
check_layers (const Question *question)
{
  static const char *const words[] = { "system", "system", "app", "user", "transient", "request" };
  Fixture f;
  CpdAsker *asker = set_up (&f, question);
  Answer expected = expect (question);
  g_autoptr (GError) error = NULL;
  const char *chosen = "nothing";
  gboolean taken;

  if (question->is_app && g_strcmp0 (question->scope, "system") == 0 && question->app == NULL)
    expected = NAMES (SYSTEM);
  taken = cpd_asker_take_layers (asker, question->scope, question->app, &chosen, &error);
  g_assert_cmpint (taken, ==, expected.error == -1);
  if (!taken)
    g_assert_error (error, CERTPIN_ERROR, expected.error);
  else if (question->scope == NULL && question->app == NULL)
    g_assert_null (chosen);
  else
    g_assert_cmpstr (chosen, ==, words[expected.layer]);
  if (taken && question->app != NULL && !question->is_app)
    check_app (&f, question->app);
  else
    g_assert_cmpuint (asker->owner, ==, f.owner);
  g_assert_cmpint (f.connection != 0, ==, question->has_connection);
  tear_down (&f);
}

static void
check_one (const Question *question, gboolean changes)
{
  g_test_message ("%s%s%s: scope %s, app %s", question->is_app ? "the app" : "the user",
                  question->has_connection ? " with transient pins" : "",
                  question->only_looks ? ", only looking" : "",
                  question->scope != NULL ? question->scope : "none",
                  question->app != NULL ? question->app : "none");
  if (changes)
    check_scope (question);
  else
    check_layers (question);
}

static void
test_all (gconstpointer changes)
{
  unsigned int rows = 0;

  for (unsigned int who = 0; who < 8; who++)
    for (size_t i = 0; i < G_N_ELEMENTS (scopes); i++)
      for (size_t j = 0; j < G_N_ELEMENTS (apps); j++, rows++)
        check_one (&(Question){ scopes[i], apps[j], who % 2 == 1, who % 4 >= 2, who >= 4 },
                   GPOINTER_TO_INT (changes));
  g_test_message ("%u combinations", rows);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/bus/asker/changes", GINT_TO_POINTER (TRUE), test_all);
  g_test_add_data_func ("/bus/asker/reads", GINT_TO_POINTER (FALSE), test_all);
  return g_test_run ();
}
