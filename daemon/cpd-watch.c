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

/* As many links as the kernel follows (path_resolution(7)). */
#define LINKS_MAX 40

/* Which events of one inotify watch count. */
typedef struct
{
  int descriptor;
  char *name; /* of the entry that they concern; NULL: any */
} Interest;

struct _CpdWatch
{
  GObject parent;

  GPtrArray *paths;     /* of char * */
  GPtrArray *interests; /* of Interest */
  int fd;               /* -1: nothing is watched */
  unsigned int source;
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

static void
stop (CpdWatch *watch)
{
  g_clear_handle_id (&watch->source, g_source_remove);
  if (watch->fd >= 0)
    close (watch->fd);
  watch->fd = -1;
  g_ptr_array_set_size (watch->interests, 0);
}

static void
cpd_watch_finalize (GObject *object)
{
  CpdWatch *watch = CPD_WATCH (object);

  stop (watch);
  g_ptr_array_unref (watch->interests);
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
  watch->fd = -1;
  watch->paths = g_ptr_array_new_with_free_func (g_free);
  watch->interests = g_ptr_array_new_with_free_func (interest_free);
}

CpdWatch *
cpd_watch_new (void)
{
  return g_object_new (CPD_TYPE_WATCH, NULL);
}

/* From the next renewal on. */
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
  for (unsigned int i = 0; i < watch->interests->len; i++)
    {
      const Interest *interest = watch->interests->pdata[i];

      if (interest->descriptor == event->wd
          && (interest->name == NULL || g_str_equal (interest->name, event->name)))
        return TRUE;
    }
  return FALSE;
}

static gboolean
on_events (int fd, GIOCondition condition, gpointer user_data)
{
  CpdWatch *watch = user_data;
  _Alignas(struct inotify_event) char buffer[4096];
  gboolean changed = FALSE;
  gssize got;

  while ((got = read (fd, buffer, sizeof buffer)) > 0)
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
add_interest (CpdWatch *watch, const char *path, const char *name, guint32 events)
{
  Interest *interest;
  int descriptor = inotify_add_watch (watch->fd, path, events | IN_MASK_ADD);

  if (descriptor < 0)
    return FALSE;
  interest = g_new (Interest, 1);
  interest->descriptor = descriptor;
  interest->name = g_strdup (name);
  g_ptr_array_add (watch->interests, interest);
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
add_way (CpdWatch *watch, const char *path, unsigned int links)
{
  g_auto (GStrv) names = g_strsplit (path + 1, "/", -1);
  g_autoptr (GString) way = g_string_new ("/");
  gboolean added = TRUE;

  for (size_t i = 0; added && names[i] != NULL && *names[i] != '\0'; i++)
    {
      g_autofree char *onward = NULL;

      added = add_interest (watch, way->str, names[i], WAY_EVENTS);
      if (way->len > 1)
        g_string_append_c (way, '/');
      g_string_append (way, names[i]);
      if (added && links > 0 && (onward = follow_link (way->str, names + i + 1)) != NULL)
        return add_way (watch, onward, links - 1);
    }
  return (added && add_interest (watch, path, NULL, END_EVENTS)) || errno != ENOSPC;
}

/* Watches what exists now. Call it again after each change, and before reading the files.
 * Errors: G_IO_ERROR. */
gboolean
cpd_watch_renew (CpdWatch *watch, GError **error)
{
  gboolean added;
  int code;

  stop (watch);
  watch->fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  added = watch->fd >= 0;
  for (unsigned int i = 0; added && i < watch->paths->len; i++)
    added = add_way (watch, watch->paths->pdata[i], LINKS_MAX);
  code = errno;
  if (watch->fd >= 0)
    watch->source = g_unix_fd_add (watch->fd, G_IO_IN, on_events, watch);
  if (!added)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                 "cannot watch files for changes: %s; reload the service after each change",
                 g_strerror (code));
  return added;
}
