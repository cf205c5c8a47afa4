/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks polkit, about the connection and never about a pid. For the actions of every request, a yes
 * is cached for each caller until polkit signals a change or goes away. If polkit is missing, fails
 * or is slow, the answer is no.
 *
 * Each question is first asked without a dialog, and again with one only if it needs a password, so
 * neither kind waits for the other. Each kind has its own limits. A question keeps its place until
 * polkit has replied, even if it was abandoned. */

#include "config.h"

#include "daemon/bus/cpd-polkit.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-unanswered.h"
#include "dbus/certpin-names.h"

#include <glib/gi18n.h>
#include <polkit/polkit.h>

#define TIMEOUT_S        10
#define DIALOG_TIMEOUT_S 300

/* The bus allows 128 calls without a reply: these, and one more for each that is cancelled. */
#define QUESTIONS_PER_UID 4
#define QUESTIONS_MAX     32
#define WAITING_PER_UID   256
#define DIALOGS_PER_UID   4
#define DIALOGS_MAX       16

struct _CpdPolkit
{
  GObject parent;

  CpdCallers *callers;
  PolkitAuthority *authority; /* NULL until it was first needed */
  GQueue unasked;             /* of Check: those that wait for it */
  gboolean connecting;        /* it is on its way */
  guint64 epoch;       /* counts polkit's change signals: an answer from before one is not cached */
  GHashTable *pending; /* "SENDER ACTION FLAG" → Check */
  CpdQueue *questions; /* without a dialog */
  CpdQueue *dialogs;   /* none waits for a place: a dialog may stay open for minutes */
  CpdUnanswered *unanswered;
};

static void cpd_polkit_authority_init (CpdAuthorityInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CpdPolkit, cpd_polkit, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CPD_TYPE_AUTHORITY,
                                                      cpd_polkit_authority_init))

/* One question, and all tasks that wait for its answer, in order. */
typedef struct
{
  CpdPolkit *polkit;
  CpdCaller *caller;
  const char *action;
  gboolean interactive;
  char *key;
  char *host, *pinned_keys;
  guint32 pause_s;  /* 0: no pin is to be paused */
  gboolean imports; /* pins of a text are to be set */
  GQueue *waiting;  /* of GTask */
  unsigned int timer;
  GSource *gone;
  GError *failure;     /* why it was given up */
  CpdPlace *place;     /* NULL: polkit was asked */
  gboolean dialog;     /* one is open */
  GCancellable *asked; /* cancels the current question to polkit; NULL: none */
  guint64 epoch;       /* when it was asked */
} Check;

/* A timeout, or the end of the caller, no longer ends it. */
static void
check_stop_watching (Check *check)
{
  g_clear_handle_id (&check->timer, g_source_remove);
  if (check->gone != NULL)
    g_source_destroy (check->gone);
  g_clear_pointer (&check->gone, g_source_unref);
}

static void
check_free (Check *check)
{
  check_stop_watching (check);
  g_queue_remove (&check->polkit->unasked, check);
  g_clear_pointer (&check->place, cpd_place_leave);
  g_object_unref (check->polkit);
  cpd_caller_unref (check->caller);
  g_free (check->key);
  g_free (check->host);
  g_free (check->pinned_keys);
  g_queue_free_full (check->waiting, g_object_unref);
  g_clear_error (&check->failure);
  g_free (check);
}

static void
cpd_polkit_dispose (GObject *object)
{
  CpdPolkit *polkit = CPD_POLKIT (object);

  g_clear_object (&polkit->authority);
  g_clear_object (&polkit->callers);
  g_clear_pointer (&polkit->pending, g_hash_table_unref);
  g_clear_pointer (&polkit->unanswered, cpd_unanswered_free);
  g_clear_pointer (&polkit->questions, cpd_queue_free);
  g_clear_pointer (&polkit->dialogs, cpd_queue_free);
  G_OBJECT_CLASS (cpd_polkit_parent_class)->dispose (object);
}

static void
cpd_polkit_class_init (CpdPolkitClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_polkit_dispose;
}

static void
cpd_polkit_init (CpdPolkit *polkit)
{
  polkit->pending = g_hash_table_new (g_str_hash, g_str_equal);
  polkit->questions
      = cpd_queue_new_without_bodies (QUESTIONS_PER_UID, WAITING_PER_UID, QUESTIONS_MAX);
  polkit->dialogs = cpd_queue_new_without_bodies (DIALOGS_PER_UID, 0, DIALOGS_MAX);
}

/* `connection`: the one of this process to the system bus, which polkit's library uses as well */
CpdPolkit *
cpd_polkit_new (GDBusConnection *connection, CpdCallers *callers)
{
  CpdPolkit *polkit = g_object_new (CPD_TYPE_POLKIT, NULL);

  polkit->callers = g_object_ref (callers);
  polkit->unanswered = cpd_unanswered_new (connection);
  return polkit;
}

/* Rules were edited, a user logged in or out, or polkit itself started or ended. */
static void
on_changed (CpdPolkit *polkit)
{
  polkit->epoch++;
  cpd_callers_forget_answers (polkit->callers);
}

/* These are asked with every request, so they are cached. */
static gboolean
is_kept (const char *action)
{
  return g_str_equal (action, CERTPIN_ACTION_OWN_PINS)
         || g_str_equal (action, CERTPIN_ACTION_SECURE_REQUEST)
         || g_str_equal (action, CERTPIN_ACTION_APP_PINS)
         || g_str_equal (action, CERTPIN_ACTION_APP_REQUEST);
}

/* Tells all who wait for it. */
static void
check_done (Check *check)
{
  gboolean allowed = check->failure == NULL;
  GTask *task;

  if (is_kept (check->action))
    g_hash_table_remove (check->polkit->pending, check->key);
  if (allowed && is_kept (check->action) && check->epoch == check->polkit->epoch)
    g_hash_table_add (check->caller->allowed, (gpointer)check->action);
  while ((task = g_queue_pop_head (check->waiting)) != NULL)
    {
      if (allowed)
        g_task_return_boolean (task, TRUE);
      else
        g_task_return_error (task, g_error_copy (check->failure));
      g_object_unref (task);
    }
  check_free (check);
}

/* At any time. Cancels the question to polkit; the check is done when that has ended. */
G_GNUC_PRINTF (3, 4)
static void
check_fail (Check *check, CertpinError code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  check->failure = g_error_new_valist (CERTPIN_ERROR, (int)code, format, arguments);
  va_end (arguments);
  check_stop_watching (check);
  if (check->asked != NULL)
    g_cancellable_cancel (check->asked);
  else
    check_done (check);
}

/* `error`: why polkit gave no answer */
static void
check_without_answer (Check *check, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  check_fail (check, CERTPIN_ERROR_NOT_AUTHORIZED,
              "polkit did not say whether ‘%s’ is allowed: %s; see systemctl status polkit",
              check->action, error->message);
}

static gboolean
check_on_timeout (gpointer user_data)
{
  Check *check = user_data;

  check->timer = 0;
  if (check->dialog)
    check_fail (check, CERTPIN_ERROR_NOT_AUTHORIZED,
                "nobody entered the password for ‘%s’ within %d minutes; try again", check->action,
                DIALOG_TIMEOUT_S / 60);
  else
    check_fail (check, CERTPIN_ERROR_NOT_AUTHORIZED,
                "polkit did not say in time whether ‘%s’ is allowed; see systemctl status polkit",
                check->action);
  return G_SOURCE_REMOVE;
}

static gboolean
check_on_gone (GCancellable *gone, gpointer user_data)
{
  check_fail (user_data, CERTPIN_ERROR_CANCELLED, "the program has left the bus");
  return G_SOURCE_REMOVE;
}

/* What the password dialog says; polkit fills the details in. */
static const char *
get_message (const Check *check)
{
  if (check->imports)
    return N_ ("Authentication is required to set certificate pins of all users from a file");
  if (check->host == NULL)
    return N_ ("Authentication is required to reload the certificate pins of all users");
  if (check->pause_s != 0)
    return N_ ("Authentication is required to let other keys of $(host) pass for all users, for "
               "$(minutes) min");
  if (g_str_equal (check->action, CERTPIN_ACTION_PAUSE))
    return N_ ("Authentication is required to end the pause of the certificate pin of $(host) for "
               "all users");
  if (check->pinned_keys == NULL)
    return N_ ("Authentication is required to change the certificate pin of $(host) for all users");
  return N_ ("Authentication is required to pin $(host) for all users to the key $(key)");
}

/* A cached answer is for every host, so rules do not get the host. */
static PolkitDetails *
new_details (const Check *check)
{
  PolkitDetails *details = polkit_details_new ();

  if (check->caller->app != NULL)
    polkit_details_insert (details, "app", check->caller->app);
  if (!g_str_equal (check->action, CERTPIN_ACTION_SYSTEM_PINS)
      && !g_str_equal (check->action, CERTPIN_ACTION_PAUSE))
    return details;
  if (check->host != NULL)
    polkit_details_insert (details, "host", check->host);
  if (check->pinned_keys != NULL)
    polkit_details_insert (details, "key", check->pinned_keys);
  if (check->pause_s != 0)
    {
      g_autofree char *minutes = g_strdup_printf ("%u", (check->pause_s + 59) / 60);

      polkit_details_insert (details, "minutes", minutes);
    }
  polkit_details_insert (details, "polkit.message", get_message (check));
  polkit_details_insert (details, "polkit.gettext_domain", GETTEXT_DOMAIN);
  return details;
}

static void check_on_answer (GObject *source, GAsyncResult *result, gpointer user_data);

static void
check_ask (Check *check)
{
  CpdPolkit *polkit = check->polkit;
  g_autoptr (PolkitSubject) subject = polkit_system_bus_name_new (check->caller->sender);
  g_autoptr (PolkitDetails) details = new_details (check);
  PolkitCheckAuthorizationFlags flags
      = check->dialog ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                      : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE;

  check->epoch = polkit->epoch;
  check->asked = g_cancellable_new ();
  polkit_authority_check_authorization (polkit->authority, subject, check->action, details, flags,
                                        check->asked, check_on_answer, check);
  cpd_unanswered_hold (polkit->unanswered, g_steal_pointer (&check->place));
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdPolkit) polkit = user_data;
  g_autoptr (GError) error = NULL;
  Check *check;

  polkit->connecting = FALSE;
  polkit->authority = polkit_authority_get_finish (result, &error);
  if (polkit->authority != NULL)
    {
      g_signal_connect_object (polkit->authority, "changed", G_CALLBACK (on_changed), polkit,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (polkit->authority, "notify::owner", G_CALLBACK (on_changed), polkit,
                               G_CONNECT_SWAPPED);
    }
  while ((check = g_queue_pop_head (&polkit->unasked)) != NULL)
    if (error == NULL)
      check_ask (check);
    else
      check_without_answer (check, error);
}

/* It has its place. polkit's library connects in a thread, and holds a lock on which all other
 * calls would wait, so there are none meanwhile. */
static void
check_on_turn (gpointer user_data)
{
  Check *check = user_data;
  CpdPolkit *polkit = check->polkit;

  if (polkit->authority != NULL)
    {
      check_ask (check);
      return;
    }
  g_queue_push_tail (&polkit->unasked, check);
  if (!polkit->connecting)
    polkit_authority_get_async (NULL, on_connected, g_object_ref (polkit));
  polkit->connecting = TRUE;
}

/* `places`: those in which it needs one. Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
static gboolean
check_enter (Check *check, CpdQueue *places, unsigned int timeout_s)
{
  g_clear_handle_id (&check->timer, g_source_remove);
  check->timer = g_timeout_add_seconds (timeout_s, check_on_timeout, check);
  check->place = cpd_place_new (places, check->caller->owner, check_on_turn, check);
  return cpd_place_enter (check->place, NULL);
}

static void
check_open_dialog (Check *check)
{
  check->dialog = TRUE;
  if (check_enter (check, check->polkit->dialogs, DIALOG_TIMEOUT_S))
    return;
  if (cpd_place_count_running (check->place) >= DIALOGS_PER_UID)
    check_fail (check, CERTPIN_ERROR_LIMIT_EXCEEDED,
                "you already have %d password dialogs open; answer or close one first",
                DIALOGS_PER_UID);
  else
    check_fail (check, CERTPIN_ERROR_LIMIT_EXCEEDED,
                "all users together already have %d password dialogs open; try again later, or run "
                "it as root",
                DIALOGS_MAX);
}

/* Only a password would do. */
static void
check_on_challenge (Check *check)
{
  if (check->interactive && !check->dialog)
    check_open_dialog (check);
  else
    check_fail (check, CERTPIN_ERROR_NOT_AUTHORIZED, "‘%s’ needs an administrator's password%s",
                check->action,
                check->interactive ? ", but nobody could be asked for it; start a polkit agent, or "
                                     "run it as root"
                                   : "; allow interactive authorization, or run it as root");
}

static void
check_on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Check *check = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthorizationResult) answer
      = polkit_authority_check_authorization_finish (POLKIT_AUTHORITY (source), result, &error);

  g_clear_object (&check->asked);
  if (check->failure != NULL)
    check_done (check);
  else if (answer == NULL)
    check_without_answer (check, error);
  else if (polkit_authorization_result_get_is_authorized (answer))
    check_done (check);
  else if (polkit_authorization_result_get_is_challenge (answer))
    check_on_challenge (check);
  else
    check_fail (check, CERTPIN_ERROR_NOT_AUTHORIZED,
                "polkit does not authorize uid %u for ‘%s’; a rule in /etc/polkit-1/rules.d can",
                check->caller->uid, check->action);
}

static Check *
check_new (CpdPolkit *polkit, const CpdAuthorityQuestion *question, const char *key)
{
  Check *check = g_new0 (Check, 1);

  check->polkit = g_object_ref (polkit);
  check->caller = cpd_caller_ref (question->caller);
  check->action = question->action;
  check->interactive = question->interactive;
  check->key = g_strdup (key);
  check->host = g_strdup (question->host);
  check->pinned_keys = g_strdup (question->keys);
  check->pause_s = question->pause_s;
  check->imports = question->imports;
  check->waiting = g_queue_new ();
  check->gone = g_cancellable_source_new (check->caller->gone);
  g_source_set_callback (check->gone, G_SOURCE_FUNC (check_on_gone), check, NULL);
  g_source_attach (check->gone, NULL);
  if (is_kept (check->action))
    g_hash_table_insert (polkit->pending, check->key, check);
  return check;
}

/* `task`: (transfer full): the first that waits for it */
static void
check_start (CpdPolkit *polkit, const CpdAuthorityQuestion *question, const char *key, GTask *task)
{
  Check *check = check_new (polkit, question, key);

  g_queue_push_tail (check->waiting, task);
  if (!check_enter (check, polkit->questions, TIMEOUT_S))
    check_fail (check, CERTPIN_ERROR_LIMIT_EXCEEDED,
                "%d of your calls already wait for polkit; let some finish first", WAITING_PER_UID);
}

static gboolean
cpd_polkit_allows_now (CpdAuthority *authority, const CpdAuthorityQuestion *question)
{
  return g_hash_table_contains (question->caller->allowed, question->action);
}

static void
cpd_polkit_check_async (CpdAuthority *authority, const CpdAuthorityQuestion *question,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  CpdPolkit *polkit = CPD_POLKIT (authority);
  GTask *task = g_task_new (authority, NULL, callback, user_data);
  g_autofree char *key = g_strdup_printf ("%s %s %d", question->caller->sender, question->action,
                                          question->interactive);
  Check *same = is_kept (question->action) ? g_hash_table_lookup (polkit->pending, key) : NULL;

  g_task_set_source_tag (task, cpd_polkit_check_async);
  if (cpd_polkit_allows_now (authority, question))
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
  else if (same != NULL)
    g_queue_push_tail (same->waiting, task);
  else
    check_start (polkit, question, key, task);
}

static gboolean
cpd_polkit_check_finish (CpdAuthority *authority, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
cpd_polkit_authority_init (CpdAuthorityInterface *iface)
{
  iface->allows_now = cpd_polkit_allows_now;
  iface->check_async = cpd_polkit_check_async;
  iface->check_finish = cpd_polkit_check_finish;
}
