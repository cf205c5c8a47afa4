/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a response that comes by a descriptor. The service closes its end in order only if
 * the body is whole. Otherwise the kernel reports ECONNRESET, once, even if the service was killed;
 * then the service is asked for the reason, which every read returns from then on. So a body that
 * was cut never ends like a whole one. */

#include "config.h"

#include "certpin-body.h"

#include "certpin-call.h"
#include "certpin-engine.h"
#include "certpin-error.h"

#include "dbus/certpin-names.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

/* The stream has ended when the service is asked, so it answers at once. */
#define REASON_TIMEOUT_MS 10000

/* What body_try() returns besides a number of bytes. */
#define NOTHING_YET (-1)
#define WAS_CUT     (-2)

struct _CertpinBody
{
  GInputStream parent;

  int descriptor; /* -1: closed */
  GDBusConnection *connection;
  char *path;        /* of the Request object */
  CertpinLink *link; /* keeps the connection, whose end would end the stream, too */
  gboolean ended;
  GError *failure; /* why the body was cut, once that is known */
};

G_DEFINE_FINAL_TYPE (CertpinBody, certpin_body, G_TYPE_INPUT_STREAM)

/* A forked process must not take bytes that are this one's: for it, the body was cut.
 * Returns: how many bytes were read, 0 at the end; NOTHING_YET; WAS_CUT, now or before */
static gssize
body_try (CertpinBody *body, void *buffer, gsize count)
{
  gssize length;

  if (body->ended || body->failure != NULL || !certpin_engine_is_claimed ())
    return body->ended ? 0 : WAS_CUT;
  do
    length = recv (body->descriptor, buffer, count, MSG_DONTWAIT);
  while (length < 0 && errno == EINTR);
  body->ended = length == 0;
  if (length < 0)
    return errno == EAGAIN ? NOTHING_YET : WAS_CUT;
  return length;
}

static GError *
new_unavailable (void)
{
  return g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE,
                              "the certpin service, or the connection to it, ended before the "
                              "response was complete");
}

/* `reason`: (transfer full) (nullable): how Request.Finish failed; NULL: it did not.
 * Returns: (transfer full) */
static GError *
translate_reason (GError *reason)
{
  g_autoptr (GError) error = reason != NULL ? certpin_call_translate_error (reason) : NULL;

  if (error == NULL)
    return g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                                "the response was cut, and the service does not know why");
  /* Another process of the service does not know the request, or a new connection is not its
   * caller's. */
  if (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE)
      || g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT)
      || g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED))
    return new_unavailable ();
  return g_steal_pointer (&error);
}

static gboolean
body_wait (CertpinBody *body, GCancellable *cancellable, GError **error)
{
  GPollFD polled[] = { { body->descriptor, G_IO_IN, 0 }, { -1, G_IO_IN, 0 } };
  gboolean cancels = g_cancellable_make_pollfd (cancellable, &polled[1]);

  g_poll (polled, cancels ? 2 : 1, -1);
  if (cancels)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Returns: whether the reason is known; a forked process cannot ask for it */
static gboolean
body_knows_reason (CertpinBody *body)
{
  return body->failure != NULL || !certpin_engine_check (&body->failure);
}

/* The service tells the reason once, so a cancelled question is the last.
 * `reason`: (transfer full) (nullable): how Request.Finish failed; NULL: it did not.
 * Returns: (transfer full): the error of the read that asked */
static GError *
body_take_reason (CertpinBody *body, GError *reason)
{
  if (!g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      body->failure = translate_reason (reason);
      return g_error_copy (body->failure);
    }
  body->failure = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                                       "the response was cut, and the read that asked the service "
                                       "why was cancelled");
  return reason;
}

/* Returns: (transfer full) */
static GError *
body_ask (CertpinBody *body, GCancellable *cancellable)
{
  g_autoptr (GVariant) reply = NULL;
  GError *reason = NULL;

  if (body_knows_reason (body))
    return g_error_copy (body->failure);
  reply = g_dbus_connection_call_sync (
      body->connection, CERTPIN_BUS_NAME, body->path, CERTPIN_REQUEST_IFACE, "Finish", NULL, NULL,
      G_DBUS_CALL_FLAGS_NO_AUTO_START, REASON_TIMEOUT_MS, cancellable, &reason);
  return body_take_reason (body, reason);
}

static gssize
certpin_body_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
                   GError **error)
{
  CertpinBody *body = CERTPIN_BODY (stream);
  gssize length;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  while ((length = body_try (body, buffer, count)) == NOTHING_YET)
    if (!body_wait (body, cancellable, error))
      return -1;
  if (length >= 0)
    return length;
  g_propagate_error (error, body_ask (body, cancellable));
  return -1;
}

/* An asynchronous read. */
typedef struct
{
  void *buffer;
  gsize count;
} Reading;

static void
reading_on_reason (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  CertpinBody *body = g_task_get_source_object (task);
  GError *reason = NULL;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &reason);

  g_task_return_error (task, body_take_reason (body, reason));
}

static void
reading_ask (GTask *task)
{
  CertpinBody *body = g_task_get_source_object (task);

  if (body_knows_reason (body))
    g_task_return_error (task, g_error_copy (body->failure));
  else
    g_dbus_connection_call (body->connection, CERTPIN_BUS_NAME, body->path, CERTPIN_REQUEST_IFACE,
                            "Finish", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START,
                            REASON_TIMEOUT_MS, g_task_get_cancellable (task), reading_on_reason,
                            g_object_ref (task));
}

static gboolean reading_on_ready (int descriptor, GIOCondition condition, gpointer user_data);

static gboolean
reading_on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  return G_SOURCE_CONTINUE; /* its parent is called, too */
}

static void
reading_wait (GTask *task)
{
  CertpinBody *body = g_task_get_source_object (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GSource) source = g_unix_fd_source_new (body->descriptor, G_IO_IN);

  if (cancellable != NULL)
    {
      g_autoptr (GSource) child = g_cancellable_source_new (cancellable);

      g_source_set_callback (child, G_SOURCE_FUNC (reading_on_cancelled), NULL, NULL);
      g_source_add_child_source (source, child);
    }
  g_task_attach_source (task, source, G_SOURCE_FUNC (reading_on_ready));
}

static void
reading_go_on (GTask *task)
{
  CertpinBody *body = g_task_get_source_object (task);
  Reading *reading = g_task_get_task_data (task);
  gssize length;

  if (g_task_return_error_if_cancelled (task))
    return;
  length = body_try (body, reading->buffer, reading->count);
  if (length == NOTHING_YET)
    reading_wait (task);
  else if (length == WAS_CUT)
    reading_ask (task);
  else
    g_task_return_int (task, length);
}

static gboolean
reading_on_ready (int descriptor, GIOCondition condition, gpointer user_data)
{
  reading_go_on (user_data);
  return G_SOURCE_REMOVE;
}

static void
certpin_body_read_async (GInputStream *stream, void *buffer, gsize count, int io_priority,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);
  Reading *reading = g_new0 (Reading, 1);

  reading->buffer = buffer;
  reading->count = count;
  g_task_set_source_tag (task, certpin_body_read_async);
  g_task_set_priority (task, io_priority);
  /* Bytes that were taken from the socket must not be lost. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, reading, g_free);
  reading_go_on (task);
}

static gssize
certpin_body_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

/* A process that was forked from this one may have a copy of the descriptor, so that closing ours
 * would not be enough for the service to notice. It must not end ours. */
static gboolean
certpin_body_close (GInputStream *stream, GCancellable *cancellable, GError **error)
{
  CertpinBody *body = CERTPIN_BODY (stream);

  if (body->descriptor >= 0)
    {
      if (certpin_engine_is_claimed ())
        shutdown (body->descriptor, SHUT_RDWR);
      close (body->descriptor);
      body->descriptor = -1;
    }
  return TRUE;
}

static void
certpin_body_finalize (GObject *object)
{
  CertpinBody *body = CERTPIN_BODY (object);

  g_clear_object (&body->connection);
  g_free (body->path);
  g_clear_error (&body->failure);
  g_clear_pointer (&body->link, certpin_link_unref);
  G_OBJECT_CLASS (certpin_body_parent_class)->finalize (object);
}

static void
certpin_body_class_init (CertpinBodyClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = certpin_body_finalize;
  stream_class->read_fn = certpin_body_read;
  stream_class->read_async = certpin_body_read_async;
  stream_class->read_finish = certpin_body_read_finish;
  stream_class->close_fn = certpin_body_close;
}

static void
certpin_body_init (CertpinBody *body)
{
  body->descriptor = -1;
}

/* `descriptor`: (transfer full). `path`: of the Request object. `link`: (transfer full).
 * Returns: (transfer full) */
GInputStream *
certpin_body_new (int descriptor, GDBusConnection *connection, const char *path, CertpinLink *link)
{
  CertpinBody *body = g_object_new (CERTPIN_TYPE_BODY, NULL);

  body->descriptor = descriptor;
  body->connection = g_object_ref (connection);
  body->path = g_strdup (path);
  body->link = link;
  return G_INPUT_STREAM (body);
}
