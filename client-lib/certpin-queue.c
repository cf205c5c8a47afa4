/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of one link, from their arrival in the library's thread until the service has
 * answered. At most 64 are under way; the others wait in order. Each has a deadline and can be
 * cancelled, waiting or under way. A call that was given up keeps its place until the service
 * answers, because the bus counts it, too. Everything here runs in the library's thread. */

#include "config.h"

#include "certpin-queue.h"

#include "certpin-call.h"
#include "certpin-cancellation.h"
#include "certpin-engine.h"
#include "certpin-error.h"

#include "dbus/certpin-names.h"

/* The bus rejects a call while too much waits for the service, which somebody else may have sent.
 * It is sent again after this time, which doubles each time. So is a safe call whose service has
 * ended, once. */
#define AGAIN_MS     20
#define AGAIN_MAX_MS 320
#define TRIES_MAX    6

/* The bus allows 128 unanswered calls on a connection, and the program may need some itself. */
#define UNDER_WAY_MAX 64

struct _CertpinQueue
{
  const CertpinQueueEvents *events;
  gpointer link;  /* borrowed: it owns this */
  GQueue waiting; /* of Errand */
  unsigned int under_way;
  guint64 sent;         /* how many were */
  gboolean transient;   /* the connection may have pins that go with the service */
  gint64 resumes_us;    /* monotonic: nothing is sent before; 0: now */
  GSequence *deadlines; /* of Errand, the earliest first */
  GSource *alarm;       /* at the first of them, or when sending resumes */
};

/* One call. It is a box, because a cancellation may hold it longer than the queue. */
typedef struct
{
  CertpinQueue *queue;
  gpointer keeper; /* of the queue */
  GDestroyNotify release;
  GTask *task;  /* NULL: the program has its answer, although the service may still owe one */
  GList *place; /* in the queue; NULL: the call was sent */
  GSequenceIter *deadline;
  CertpinCancellation *cancellation;
  GDBusConnection *connection; /* over which it was sent */
  guint64 number;              /* which one of those that were sent it was */
  unsigned int tries;          /* how often it was sent */
  gboolean repeated;           /* because the service ended */
} Errand;

static void
errand_clear (gpointer data)
{
  Errand *errand = data;

  g_clear_object (&errand->connection);
  errand->release (errand->keeper);
}

static void
errand_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, errand_clear);
}

static int
compare_deadlines (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const CertpinCall *first = g_task_get_task_data (((const Errand *)a)->task);
  const CertpinCall *second = g_task_get_task_data (((const Errand *)b)->task);

  return (first->deadline_us > second->deadline_us) - (first->deadline_us < second->deadline_us);
}

static void
queue_set_alarm (CertpinQueue *queue)
{
  GSequenceIter *first = g_sequence_get_begin_iter (queue->deadlines);
  gint64 ready_us = -1;

  if (!g_sequence_iter_is_end (first))
    {
      Errand *errand = g_sequence_get (first);
      const CertpinCall *call = g_task_get_task_data (errand->task);

      ready_us = call->deadline_us;
    }
  if (queue->resumes_us != 0)
    ready_us = ready_us < 0 ? queue->resumes_us : MIN (ready_us, queue->resumes_us);
  g_source_set_ready_time (queue->alarm, ready_us);
}

/* The answer to a task, on its way into the task's context. */
typedef struct
{
  GTask *task;
  GVariant *reply;
  GError *error;
} Answer;

static gboolean
answer_give (gpointer data)
{
  Answer *answer = data;

  if (answer->error != NULL)
    g_task_return_error (answer->task, g_steal_pointer (&answer->error));
  else
    g_task_return_pointer (answer->task, g_steal_pointer (&answer->reply),
                           (GDestroyNotify)g_variant_unref);
  return G_SOURCE_REMOVE;
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  g_clear_error (&answer->error);
  g_clear_pointer (&answer->reply, g_variant_unref);
  g_object_unref (answer->task);
  g_free (answer);
}

/* The reference to the task goes along, because the objects of the program that the task holds
 * must not be freed in the library's thread. `reply`, `error`: (transfer full) (nullable): one
 * of them */
static void
errand_answer (Errand *errand, GVariant *reply, GError *error)
{
  Answer *answer = g_new0 (Answer, 1);

  g_clear_pointer (&errand->cancellation, certpin_cancellation_free);
  g_sequence_remove (errand->deadline);
  errand->deadline = NULL;
  queue_set_alarm (errand->queue);
  answer->task = g_steal_pointer (&errand->task);
  answer->reply = reply;
  answer->error = error;
  certpin_context_post (g_task_get_context (answer->task), answer_give, answer, answer_free);
}

/* `reply`: (transfer full). `received`: (nullable) */
static void
errand_answer_with (Errand *errand, GVariant *reply, GUnixFDList *received)
{
  CertpinCall *call = g_task_get_task_data (errand->task);

  g_set_object (&call->connection, errand->connection);
  g_set_object (&call->received, received);
  errand_answer (errand, reply, NULL);
}

/* D-Bus cannot cancel a call, so this asks the service to end it. It does not wait in the queue. */
static void
errand_cancel_in_service (Errand *errand)
{
  const CertpinCall *call = g_task_get_task_data (errand->task);
  const char *self = g_dbus_connection_get_unique_name (errand->connection);
  g_autofree char *sender = self != NULL ? g_strdelimit (g_strdup (self + 1), ".", '_') : NULL;
  g_autofree char *path = NULL;

  if (call->token == NULL || sender == NULL)
    return;
  path = g_strdup_printf (CERTPIN_REQUEST_PATH "/%s/%s", sender, call->token);
  g_dbus_connection_call (errand->connection, CERTPIN_BUS_NAME, path, CERTPIN_REQUEST_IFACE,
                          "Cancel", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL,
                          /* callback= */ NULL, NULL);
}

/* Answers the task before the service does. `error`: (transfer full) */
static void
errand_abandon (Errand *errand, GError *error)
{
  gboolean waited = errand->place != NULL;

  if (waited)
    g_queue_delete_link (&errand->queue->waiting, g_steal_pointer (&errand->place));
  else
    errand_cancel_in_service (errand);
  errand_answer (errand, NULL, error);
  if (waited)
    errand_unref (errand);
}

static gboolean
errand_on_cancelled (gpointer data)
{
  Errand *errand = data;

  if (errand->task != NULL)
    errand_abandon (errand, certpin_cancellation_new_error ());
  return G_SOURCE_REMOVE;
}

static void
queue_end_overdue (CertpinQueue *queue)
{
  GSequenceIter *first = g_sequence_get_begin_iter (queue->deadlines);

  while (!g_sequence_iter_is_end (first))
    {
      Errand *errand = g_sequence_get (first);
      const CertpinCall *call = g_task_get_task_data (errand->task);

      if (call->deadline_us > g_get_monotonic_time ())
        break;
      if (errand->place != NULL)
        queue->events->on_overdue (queue->link);
      errand_abandon (errand, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT,
                                           "the certpin service did not answer within %d s",
                                           call->timeout_ms / 1000));
      first = g_sequence_get_begin_iter (queue->deadlines);
    }
}

static gboolean
queue_on_alarm (gpointer data)
{
  CertpinQueue *queue = data;
  gboolean resumes = queue->resumes_us != 0 && queue->resumes_us <= g_get_monotonic_time ();

  queue_end_overdue (queue);
  if (resumes)
    queue->resumes_us = 0;
  queue_set_alarm (queue);
  if (resumes)
    queue->events->on_ready (queue->link);
  return G_SOURCE_CONTINUE;
}

/* A change that was rejected must not come after what was sent after it. */
static gboolean
errand_can_try_again (const Errand *errand, const GError *error)
{
  const CertpinCall *call = g_task_get_task_data (errand->task);

  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED)
         && errand->tries < TRIES_MAX
         && (!call->method->changes || errand->number == errand->queue->sent);
}

/* The service ended, and nobody knows how far it came. What was read from a descriptor is gone, and
 * a Request object has ended with its service. Without the transient pins that bind it, a call must
 * not be made.
 * Returns: whether the call may be made once more */
static gboolean
errand_repeat (Errand *errand, const GError *error)
{
  const CertpinCall *call = g_task_get_task_data (errand->task);

  if (!g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) || errand->repeated
      || !call->is_safe || call->sent != NULL || call->path != NULL || errand->queue->transient)
    return FALSE;
  errand->repeated = TRUE;
  return TRUE;
}

/* Puts it back before all that were sent later, and all that were not sent. */
static void
errand_wait_again (Errand *errand)
{
  CertpinQueue *queue = errand->queue;
  GList *next = queue->waiting.head;

  while (next != NULL && ((Errand *)next->data)->number != 0
         && ((Errand *)next->data)->number < errand->number)
    next = next->next;
  g_clear_object (&errand->connection);
  g_queue_insert_before (&queue->waiting, next, errand);
  errand->place = next != NULL ? next->prev : queue->waiting.tail;
}

static void
errand_try_again (Errand *errand)
{
  CertpinQueue *queue = errand->queue;
  int ms = MIN (AGAIN_MS << (errand->tries - 1), AGAIN_MAX_MS);

  errand_wait_again (errand);
  queue->resumes_us = g_get_monotonic_time () + ms * (gint64)1000;
  queue_set_alarm (queue);
}

static void
errand_on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Errand *errand = user_data;
  CertpinQueue *queue = errand->queue;
  g_autoptr (GUnixFDList) received = NULL;
  GError *error = NULL;
  GVariant *reply = g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source),
                                                                     &received, result, &error);

  queue->under_way--;
  if (reply == NULL)
    queue->events->on_failed (queue->link);
  if (errand->task != NULL && reply == NULL
      && (errand_can_try_again (errand, error) || errand_repeat (errand, error)))
    {
      g_error_free (error);
      errand_try_again (errand);
      return;
    }
  if (errand->task == NULL)
    {
      g_clear_pointer (&reply, g_variant_unref);
      g_clear_error (&error);
    }
  else if (reply != NULL)
    errand_answer_with (errand, reply, received);
  else
    errand_answer (errand, NULL, certpin_call_translate_error (error));
  queue->events->on_ready (queue->link);
  errand_unref (errand);
}

/* GDBus needs no timeout: the deadline ends the waiting, and the bus reports if the service
 * ends. */
static void
errand_send (Errand *errand, GDBusConnection *connection)
{
  const CertpinCall *call = g_task_get_task_data (errand->task);
  const CertpinMethod *method = call->method;

  g_queue_delete_link (&errand->queue->waiting, g_steal_pointer (&errand->place));
  errand->queue->under_way++;
  errand->queue->transient |= certpin_call_is_transient (call);
  errand->number = ++errand->queue->sent;
  errand->tries++;
  errand->connection = g_object_ref (connection);
  g_dbus_connection_call_with_unix_fd_list (
      connection, CERTPIN_BUS_NAME, call->path != NULL ? call->path : CERTPIN_OBJECT_PATH,
      method->interface, method->name, call->arguments, G_VARIANT_TYPE (method->reply),
      call->interactive ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION
                        : G_DBUS_CALL_FLAGS_NONE,
      /* timeout_msec= */ G_MAXINT, call->sent, NULL, errand_on_reply, errand);
}

/* A GSource that only has a ready time. */
static gboolean
alarm_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs alarm_funcs = { NULL, NULL, alarm_dispatch, NULL, NULL, NULL };

/* May be called in any thread. `events`: outlives the queue */
CertpinQueue *
certpin_queue_new (const CertpinQueueEvents *events, gpointer link)
{
  CertpinQueue *queue = g_new0 (CertpinQueue, 1);

  queue->events = events;
  queue->link = link;
  queue->deadlines = g_sequence_new (NULL);
  queue->alarm = g_source_new (&alarm_funcs, sizeof (GSource));
  g_source_set_callback (queue->alarm, queue_on_alarm, queue, NULL);
  g_source_attach (queue->alarm, certpin_engine_get_context ());
  return queue;
}

/* `queue`: (transfer full). Each call has a keeper, so none is left. */
void
certpin_queue_free (CertpinQueue *queue)
{
  g_source_destroy (queue->alarm);
  g_source_unref (queue->alarm);
  g_sequence_free (queue->deadlines);
  g_free (queue);
}

/* `task`: (transfer full). `keeper`: keeps the queue alive; `release` is called with it once the
 * service owes the call no answer */
void
certpin_queue_add (CertpinQueue *queue, GTask *task, gpointer keeper, GDestroyNotify release)
{
  Errand *errand = g_atomic_rc_box_new0 (Errand);

  errand->queue = queue;
  errand->keeper = keeper;
  errand->release = release;
  errand->task = task;
  errand->deadline = g_sequence_insert_sorted (queue->deadlines, errand, compare_deadlines, NULL);
  g_queue_push_tail (&queue->waiting, errand);
  errand->place = queue->waiting.tail;
  queue_set_alarm (queue);
  errand->cancellation
      = certpin_cancellation_watch (g_task_get_cancellable (task), certpin_engine_get_context (),
                                    errand_on_cancelled, errand, errand_unref);
  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    errand_on_cancelled (errand);
}

/* Returns: whether there are calls that were not sent */
gboolean
certpin_queue_is_waiting (CertpinQueue *queue)
{
  return !g_queue_is_empty (&queue->waiting);
}

/* Sends waiting calls, as many as may be under way. */
void
certpin_queue_send (CertpinQueue *queue, GDBusConnection *connection)
{
  while (queue->resumes_us == 0 && queue->under_way < UNDER_WAY_MAX
         && certpin_queue_is_waiting (queue))
    {
      Errand *errand = g_queue_peek_head (&queue->waiting);

      /* The notification has not arrived yet, but the service must not see the call. */
      if (g_cancellable_is_cancelled (g_task_get_cancellable (errand->task)))
        errand_on_cancelled (errand);
      else
        errand_send (errand, connection);
    }
}

/* Ends all waiting calls with CERTPIN_ERROR_SERVICE_UNAVAILABLE. `reason`: why there is no
 * connection */
void
certpin_queue_fail (CertpinQueue *queue, const GError *reason)
{
  while (certpin_queue_is_waiting (queue))
    {
      Errand *errand = g_queue_peek_head (&queue->waiting);

      errand_abandon (errand, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE,
                                           "the bus cannot be reached: %s", reason->message));
    }
}
