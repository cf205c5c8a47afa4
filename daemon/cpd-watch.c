/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reports changes at some paths: of a file or folder there, and of every component on the way to
 * it. It uses inotify and never polls, unlike GFileMonitor, which looks for a missing file every
 * few seconds. */

#include "config.h"

#include "daemon/cpd-watch.h"

#include <gio/gio.h>
#include <glib-unix.h>

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Of a folder on the way: its entries. */
#define WAY_EVENTS                                                                                 \
  (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
/* Of the last component: also its contents. */
#define END_EVENTS (WAY_EVENTS | IN_MODIFY | IN_CLOSE_WRITE)

/* In one turn of the main loop, no more is read. */
#define READS_MAX 16

/* As many links as the kernel follows (path_resolution(7)). */
#define LINKS_MAX 40

/* Which events of one inotify watch count. */
typedef struct
{
  int descriptor;
  char *name; /* of the entry that they concern; NULL: any */
} Interest;

/* What is watched between two renewals. */
typedef struct
{
  GPtrArray *interests; /* of Interest */
  int fd;               /* -1: nothing is watched */
} View;

struct _CpdWatch
{
  GObject parent;

  GPtrArray *paths;    /* of char *; threads read them from the first renewal on */
  View *view;          /* NULL: nothing is watched */
  unsigned int source; /* of its events; 0: none */
};

G_DEFINE_FINAL_TYPE (CpdWatch, cpd_watch, G_TYPE_OBJECT)

static unsigned int changed_signal;

static void
interest_free (gpointer data)
{
  Interest *interest = data;

  g_free (interest->name);
  g_free (interest);
}

static View *
view_new (void)
{
  View *view = g_new0 (View, 1);

  view->fd = -1;
  view->interests = g_ptr_array_new_with_free_func (interest_free);
  return view;
}

static void
view_free (gpointer data)
{
  View *view = data;

  if (view->fd >= 0)
    close (view->fd);
  g_ptr_array_unref (view->interests);
  g_free (view);
}

static void
cpd_watch_finalize (GObject *object)
{
  CpdWatch *watch = CPD_WATCH (object);

  g_clear_handle_id (&watch->source, g_source_remove);
  g_clear_pointer (&watch->view, view_free);
  g_ptr_array_unref (watch->paths);
  G_OBJECT_CLASS (cpd_watch_parent_class)->finalize (object);
}

static void
cpd_watch_class_init (CpdWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_watch_finalize;
  changed_signal = g_signal_new ("changed", CPD_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
cpd_watch_init (CpdWatch *watch)
{
  watch->paths = g_ptr_array_new_with_free_func (g_free);
}

CpdWatch *
cpd_watch_new (void)
{
  return g_object_new (CPD_TYPE_WATCH, NULL);
}

/* Before the first renewal. */
void
cpd_watch_add (CpdWatch *watch, const char *path)
{
  g_ptr_array_add (watch->paths, g_canonicalize_filename (path, NULL));
}

/* Events of the watch itself have no name: for example, that it is gone. */
static gboolean
counts (CpdWatch *watch, const struct inotify_event *event)
{
  if (event->len == 0)
    return TRUE;
  for (unsigned int i = 0; i < watch->view->interests->len; i++)
    {
      const Interest *interest = watch->view->interests->pdata[i];

      if (interest->descriptor == event->wd
          && (interest->name == NULL || g_str_equal (interest->name, event->name)))
        return TRUE;
    }
  return FALSE;
}

/* Whoever makes files all the time does not keep the main loop here. */
static gboolean
on_events (int fd, GIOCondition condition, gpointer user_data)
{
  CpdWatch *watch = user_data;
  _Alignas(struct inotify_event) char buffer[4096];
  gboolean changed = FALSE;
  gssize got;

  for (int i = 0; i < READS_MAX && (got = read (fd, buffer, sizeof buffer)) > 0; i++)
    for (const char *at = buffer; at < buffer + got;)
      {
        const struct inotify_event *event = (const struct inotify_event *)(gconstpointer)at;

        changed = changed || counts (watch, event);
        at += sizeof *event + event->len;
      }
  if (changed)
    g_signal_emit (watch, changed_signal, 0);
  return G_SOURCE_CONTINUE;
}

/* Returns: whether something exists that can be watched */
static gboolean
add_interest (View *view, const char *path, const char *name, guint32 events)
{
  Interest *interest;
  int descriptor = inotify_add_watch (view->fd, path, events | IN_MASK_ADD);

  if (descriptor < 0)
    return FALSE;
  interest = g_new (Interest, 1);
  interest->descriptor = descriptor;
  interest->name = g_strdup (name);
  g_ptr_array_add (view->interests, interest);
  return TRUE;
}

/* Returns: (transfer full) (nullable): where the path continues if `way` is a link; `rest`: the
 * components after it */
static char *
follow_link (const char *way, char **rest)
{
  g_autofree char *target = g_file_read_link (way, NULL);
  g_autofree char *folder = g_path_get_dirname (way);
  g_autofree char *path = target != NULL ? g_canonicalize_filename (target, folder) : NULL;
  g_autofree char *behind = g_strjoinv ("/", rest);

  return path != NULL ? g_build_filename (path, behind, NULL) : NULL;
}

/* Watches from the root down, as far as the path exists, and follows links.
 * Returns: whether there were enough watches; if not, errno is set */
static gboolean
add_way (View *view, const char *path, unsigned int links)
{
  g_auto (GStrv) names = g_strsplit (path + 1, "/", -1);
  g_autoptr (GString) way = g_string_new ("/");
  gboolean added = TRUE;

  for (size_t i = 0; added && names[i] != NULL && *names[i] != '\0'; i++)
    {
      g_autofree char *onward = NULL;

      added = add_interest (view, way->str, names[i], WAY_EVENTS);
      if (way->len > 1)
        g_string_append_c (way, '/');
      g_string_append (way, names[i]);
      if (added && links > 0 && (onward = follow_link (way->str, names + i + 1)) != NULL)
        return add_way (view, onward, links - 1);
    }
  return (added && add_interest (view, path, NULL, END_EVENTS)) || errno != ENOSPC;
}

/* To watch a folder, the kernel goes through all of its files that it knows of: with 100 000 files,
 * that takes longer than a turn of the main loop may.
 * Errors: G_IO_ERROR: not all of it is watched.
 * Returns: (transfer full): of what exists now; never NULL */
static View *
look (GPtrArray *paths, GError **error)
{
  View *view = view_new ();
  gboolean added;
  int code;

  view->fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  added = view->fd >= 0;
  for (unsigned int i = 0; added && i < paths->len; i++)
    added = add_way (view, paths->pdata[i], LINKS_MAX);
  code = errno;
  if (!added)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                 "cannot watch files for changes: %s; reload the service after each change",
                 g_strerror (code));
  return view;
}

/* From here on, events are those of this view.
 * Returns: (transfer full) (nullable): the one before */
static View *
exchange (CpdWatch *watch, View *view)
{
  View *old = watch->view;

  g_clear_handle_id (&watch->source, g_source_remove);
  watch->view = view;
  if (view->fd >= 0)
    watch->source = g_unix_fd_add (view->fd, G_IO_IN, on_events, watch);
  return old;
}

/* Watches what exists now. Blocks: call it before the service is up.
 * Errors: G_IO_ERROR. */
gboolean
cpd_watch_renew (CpdWatch *watch, GError **error)
{
  g_autoptr (GError) reason = NULL;
  View *old = exchange (watch, look (watch->paths, &reason));

  g_clear_pointer (&old, view_free);
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* A renewal in a thread. */
typedef struct
{
  View *view;    /* the new one */
  GError *error; /* why the new one does not see everything; NULL: it does */
} Renewal;

static void
renewal_free (gpointer data)
{
  Renewal *renewal = data;

  g_clear_pointer (&renewal->view, view_free);
  g_clear_error (&renewal->error);
  g_free (renewal);
}

static void
free_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  view_free (task_data);
  g_task_return_boolean (task, TRUE);
}

/* The kernel goes through all files once more. */
static void
leave (View *old)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_source_tag (task, leave);
  g_task_set_task_data (task, old, NULL);
  g_task_run_in_thread (task, free_in_thread);
}

static void
renew_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Renewal *renewal = g_new0 (Renewal, 1);

  renewal->view = look (CPD_WATCH (source)->paths, &renewal->error);
  g_task_return_pointer (task, renewal, renewal_free);
}

/* Watches what exists now. Until the callback, it goes on to watch what existed before. Call it
 * after each change, one at a time, and read the files when it is done. */
void
cpd_watch_renew_async (CpdWatch *watch, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (watch, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_watch_renew_async);
  g_task_run_in_thread (task, renew_in_thread);
}

/* What has changed since the new view, and was not reported by the old one, is reported now.
 * Errors: G_IO_ERROR. */
gboolean
cpd_watch_renew_finish (CpdWatch *watch, GAsyncResult *result, GError **error)
{
  Renewal *renewal = g_task_propagate_pointer (G_TASK (result), NULL);
  View *old = exchange (watch, g_steal_pointer (&renewal->view));
  gboolean good = renewal->error == NULL;

  if (old != NULL)
    leave (old);
  if (!good)
    g_propagate_error (error, g_steal_pointer (&renewal->error));
  renewal_free (renewal);
  return good;
}
