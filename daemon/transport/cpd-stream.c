/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A body of any size is moved by a thread of its own: on the main loop, each of its pieces would
 * delay everybody. The thread never waits for anything but poll (), where an eventfd wakes it. So
 * whoever stops it has only a moment to wait for, and knows then that nothing moves any more. It
 * decides nothing: it stops by itself when the flow waits for its owner. */

#include "config.h"

#include "daemon/transport/cpd-stream.h"

#include "client-lib/certpin-error.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How much lower its priority is than that of the other threads: a body takes long in any case, and
 * a small request of another user should not wait for it. With 19, whoever stops it would wait
 * several times as long while other programs are busy. */
#define NICENESS 10

struct _CpdStream
{
  CpdHttpFlow *flow; /* the owner's */
  gint64 idle_us;
  CpdStreamFunc paused;
  gpointer user_data;

  GThread *thread;     /* NULL: it does not run */
  int wake;            /* an eventfd */
  gboolean stop;       /* atomic */
  gboolean has_paused; /* atomic: the thread, by itself; the owner has not been told */
  GSource *source;     /* on the owner's main context: it has stopped by itself */
};

/* GLib may dispatch a source that was due in this iteration and no longer is: by then, another
 * thread may run. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  CpdStream *stream = user_data;

  g_source_set_ready_time (source, -1);
  if (!g_atomic_int_get (&stream->has_paused))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&stream->thread, g_thread_join);
  g_atomic_int_set (&stream->has_paused, FALSE);
  stream->paused (stream->user_data); /* which may be the end of it */
  return G_SOURCE_CONTINUE;
}

static GSource *
new_source (CpdStream *stream)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_static_name (source, "a stream");
  /* Only its data counts: `dispatch` needs no callback. */
  g_source_set_callback (source, G_SOURCE_FUNC (dispatch), stream, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* `idle_s`: how long nothing may move. `paused`: called when the thread has ended because the flow
 * waits for its owner, and not because it was stopped.
 * Returns: (transfer full): it does not run yet */
CpdStream *
cpd_stream_new (CpdHttpFlow *flow, unsigned int idle_s, CpdStreamFunc paused, gpointer user_data,
                GError **error)
{
  CpdStream *stream;
  int wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (wake < 0)
    {
      g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (errno),
                   "cannot make an event: %s", g_strerror (errno));
      return NULL;
    }
  stream = g_new0 (CpdStream, 1);
  stream->flow = flow;
  stream->idle_us = (gint64)idle_s * G_TIME_SPAN_SECOND;
  stream->paused = paused;
  stream->user_data = user_data;
  stream->wake = wake;
  stream->source = new_source (stream);
  return stream;
}

/* `stream`: (nullable) */
void
cpd_stream_free (CpdStream *stream)
{
  if (stream == NULL)
    return;
  cpd_stream_stop (stream);
  g_source_destroy (stream->source);
  g_source_unref (stream->source);
  g_close (stream->wake, NULL);
  g_free (stream);
}

static int
milliseconds_left (CpdStream *stream)
{
  gint64 left_us
      = cpd_http_flow_get_moved_us (stream->flow) + stream->idle_us - g_get_monotonic_time ();

  return (int)(MAX (left_us, 0) / 1000) + (left_us > 0);
}

/* Until something can move, or it is woken. FALSE: nothing has moved for too long. */
static gboolean
wait_for_more (CpdStream *stream)
{
  struct pollfd polls[CPD_HTTP_FLOW_POLLS + 1];
  unsigned int count = cpd_http_flow_get_polls (stream->flow, polls);
  int timeout_ms = milliseconds_left (stream);

  if (cpd_http_flow_has_pending (stream->flow))
    return TRUE;
  polls[count++] = (struct pollfd){ .fd = stream->wake, .events = POLLIN };
  return timeout_ms > 0 && (poll (polls, count, timeout_ms) != 0 || milliseconds_left (stream) > 0);
}

/* On Linux, that is only this thread. A sandbox may refuse it. */
static void
give_way (void)
{
  errno = 0;
  if (nice (NICENESS) == -1 && errno != 0)
    g_debug ("the priority of a stream stays as it is: %s", g_strerror (errno));
}

static gpointer
run (gpointer user_data)
{
  CpdStream *stream = user_data;
  CpdHttpFlow *flow = stream->flow;

  give_way ();
  while (!g_atomic_int_get (&stream->stop) && !cpd_http_flow_waits_for_owner (flow))
    if (!cpd_http_flow_move (flow) && !wait_for_more (stream))
      {
        cpd_http_flow_fail (
            flow, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT,
                               "has a stream of which no byte moved for %" G_GINT64_FORMAT " s",
                               stream->idle_us / G_TIME_SPAN_SECOND));
        cpd_http_flow_cut (flow);
      }
  if (!cpd_http_flow_waits_for_owner (flow))
    return NULL;
  g_atomic_int_set (&stream->has_paused, TRUE);
  g_source_set_ready_time (stream->source, 0);
  return NULL;
}

/* Lets it run, unless it does. */
gboolean
cpd_stream_start (CpdStream *stream, GError **error)
{
  if (stream->thread != NULL)
    return TRUE;
  g_atomic_int_set (&stream->stop, FALSE);
  stream->thread = g_thread_try_new ("certpin-stream", run, stream, error);
  return stream->thread != NULL;
}

/* When this returns, nothing moves any more. */
void
cpd_stream_stop (CpdStream *stream)
{
  const guint64 one = 1;
  guint64 count;

  if (stream->thread != NULL)
    {
      g_atomic_int_set (&stream->stop, TRUE);
      if (write (stream->wake, &one, sizeof one) != sizeof one)
        g_debug ("a stream was woken already");
      g_clear_pointer (&stream->thread, g_thread_join);
      if (read (stream->wake, &count, sizeof count) != sizeof count)
        g_debug ("a stream was not woken");
    }
  g_atomic_int_set (&stream->has_paused, FALSE);
  g_source_set_ready_time (stream->source, -1);
}
