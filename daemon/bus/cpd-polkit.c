/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks polkit, about the connection and never about a pid. What is asked with every request is kept
 * for each caller, if it was allowed, until polkit says that something changed or goes away. polkit
 * missing, failing or slow is a no. */

#include "config.h"

#include "daemon/bus/cpd-polkit.h"

#include "client-lib/certpin-error.h"
#include "dbus/certpin-names.h"

#include <glib/gi18n.h>
#include <polkit/polkit.h>

#define TIMEOUT_S             10
#define INTERACTIVE_TIMEOUT_S 300

struct _CpdPolkit
{
  GObject parent;

  CpdCallers *callers;
  PolkitAuthority *authority; /* NULL until it was first needed */
  guint64 epoch; /* counts what polkit said of changes: an answer of an older one is not kept */
  GHashTable *pending; /* "SENDER ACTION FLAG" → Check */
};

static void cpd_polkit_authority_init (CpdAuthorityInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CpdPolkit, cpd_polkit, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CPD_TYPE_AUTHORITY,
                                                      cpd_polkit_authority_init))

/* One question to polkit, and all who wait for its answer, in their order. */
typedef struct
{
  CpdPolkit *polkit;
  CpdCaller *caller;
  const char *action;
  gboolean interactive;
  char *key;
  char *host, *pinned_keys;
  guint64 epoch;
  GQueue *waiting; /* of GTask */
  GCancellable *cancellable;
  unsigned int timer;
} Check;

static void
check_free (Check *check)
{
  g_object_unref (check->polkit);
  cpd_caller_unref (check->caller);
  g_free (check->key);
  g_free (check->host);
  g_free (check->pinned_keys);
  g_queue_free_full (check->waiting, g_object_unref);
  g_object_unref (check->cancellable);
  g_clear_handle_id (&check->timer, g_source_remove);
  g_free (check);
}

static void
cpd_polkit_dispose (GObject *object)
{
  CpdPolkit *polkit = CPD_POLKIT (object);

  g_clear_object (&polkit->authority);
  g_clear_object (&polkit->callers);
  g_clear_pointer (&polkit->pending, g_hash_table_unref);
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
}

CpdPolkit *
cpd_polkit_new (CpdCallers *callers)
{
  CpdPolkit *polkit = g_object_new (CPD_TYPE_POLKIT, NULL);

  polkit->callers = g_object_ref (callers);
  return polkit;
}

/* Rules were edited, somebody logged in or out, or polkit itself came or went. */
static void
on_changed (CpdPolkit *polkit)
{
  polkit->epoch++;
  cpd_callers_forget_answers (polkit->callers);
}

/* These two are asked with every request: they are what is kept. */
static gboolean
is_kept (const char *action)
{
  return g_str_equal (action, CERTPIN_ACTION_OWN_PINS)
         || g_str_equal (action, CERTPIN_ACTION_SECURE_REQUEST);
}

/* `error`: NULL where it is allowed. */
static void
check_done (Check *check, const GError *error)
{
  GTask *task;

  if (is_kept (check->action))
    g_hash_table_remove (check->polkit->pending, check->key);
  if (error == NULL && is_kept (check->action) && check->epoch == check->polkit->epoch)
    g_hash_table_add (check->caller->allowed, (gpointer)check->action);
  while ((task = g_queue_pop_head (check->waiting)) != NULL)
    {
      if (error == NULL)
        g_task_return_boolean (task, TRUE);
      else
        g_task_return_error (task, g_error_copy (error));
      g_object_unref (task);
    }
  check_free (check);
}

G_GNUC_PRINTF (2, 3)
static void
check_refuse (Check *check, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list arguments;

  va_start (arguments, format);
  error = g_error_new_valist (CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED, format, arguments);
  va_end (arguments);
  check_done (check, error);
}

/* `error`: why polkit gave no answer */
static void
check_without_answer (Check *check, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    check_refuse (check,
                  "polkit did not say in time whether ‘%s’ is allowed; see systemctl status polkit",
                  check->action);
  else
    check_refuse (check,
                  "polkit did not say whether ‘%s’ is allowed: %s; see systemctl status polkit",
                  check->action, error->message);
}

static void
check_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Check *check = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthorizationResult) answer
      = polkit_authority_check_authorization_finish (POLKIT_AUTHORITY (source), result, &error);

  if (answer == NULL)
    check_without_answer (check, error);
  else if (polkit_authorization_result_get_is_authorized (answer))
    check_done (check, NULL);
  else if (polkit_authorization_result_get_is_challenge (answer))
    check_refuse (check, "‘%s’ needs an administrator's password%s", check->action,
                  check->interactive
                      ? ", but nobody could be asked for it; start a polkit agent, or run it "
                        "as root"
                      : "; allow interactive authorization, or run it as root");
  else
    check_refuse (
        check, "polkit does not allow ‘%s’ to uid %u; a rule in /etc/polkit-1/rules.d can allow it",
        check->action, check->caller->uid);
}

/* What the password dialog says; polkit fills the details in. */
static const char *
get_message (const Check *check)
{
  if (check->host == NULL)
    return N_ ("Authentication is required to read the certificate pins of all users anew");
  if (check->pinned_keys == NULL)
    return N_ ("Authentication is required to change the certificate pin of $(host) for all users");
  return N_ ("Authentication is required to pin $(host) for all users to the key $(key)");
}

/* A kept answer holds for every host, so a rule may not know of one. */
static PolkitDetails *
new_details (const Check *check)
{
  PolkitDetails *details = polkit_details_new ();

  if (!g_str_equal (check->action, CERTPIN_ACTION_SYSTEM_PINS))
    return details;
  if (check->host != NULL)
    polkit_details_insert (details, "host", check->host);
  if (check->pinned_keys != NULL)
    polkit_details_insert (details, "key", check->pinned_keys);
  polkit_details_insert (details, "polkit.message", get_message (check));
  polkit_details_insert (details, "polkit.gettext_domain", GETTEXT_DOMAIN);
  return details;
}

static void
check_ask (Check *check)
{
  g_autoptr (PolkitSubject) subject = polkit_system_bus_name_new (check->caller->sender);
  g_autoptr (PolkitDetails) details = new_details (check);
  PolkitCheckAuthorizationFlags flags
      = check->interactive ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                           : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE;

  polkit_authority_check_authorization (check->polkit->authority, subject, check->action, details,
                                        flags, check->cancellable, check_on_result, check);
}

static void
check_on_authority (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Check *check = user_data;
  CpdPolkit *polkit = check->polkit;
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthority) authority = polkit_authority_get_finish (result, &error);

  if (authority == NULL)
    {
      check_without_answer (check, error);
      return;
    }
  if (polkit->authority == NULL)
    {
      polkit->authority = g_object_ref (authority);
      g_signal_connect_object (authority, "changed", G_CALLBACK (on_changed), polkit,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (authority, "notify::owner", G_CALLBACK (on_changed), polkit,
                               G_CONNECT_SWAPPED);
    }
  check_ask (check);
}

static gboolean
check_on_timeout (gpointer user_data)
{
  Check *check = user_data;

  check->timer = 0;
  g_cancellable_cancel (check->cancellable);
  return G_SOURCE_REMOVE;
}

static void
check_start (CpdPolkit *polkit, const CpdAuthorityQuestion *question, const char *key, GTask *task)
{
  Check *check = g_new0 (Check, 1);

  check->polkit = g_object_ref (polkit);
  check->caller = cpd_caller_ref (question->caller);
  check->action = question->action;
  check->interactive = question->interactive;
  check->key = g_strdup (key);
  check->host = g_strdup (question->host);
  check->pinned_keys = g_strdup (question->keys);
  check->epoch = polkit->epoch;
  check->waiting = g_queue_new ();
  check->cancellable = g_cancellable_new ();
  check->timer = g_timeout_add_seconds (question->interactive ? INTERACTIVE_TIMEOUT_S : TIMEOUT_S,
                                        check_on_timeout, check);
  g_queue_push_tail (check->waiting, task);
  if (is_kept (check->action))
    g_hash_table_insert (polkit->pending, check->key, check);
  if (polkit->authority != NULL)
    check_ask (check);
  else
    polkit_authority_get_async (check->cancellable, check_on_authority, check);
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
