/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells ThreadSanitizer what it cannot see in a GLib that was built without it: which of GLib's
 * locks, references, queues and sources let a thread see what another one did before. Linked into a
 * program, these functions take the place of GLib's, also for GIO and GObject, and call them. Each
 * says no more than GLib itself does, so that no race is hidden. */

#define _GNU_SOURCE

#include <gio/gio.h>

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>
#include <stdlib.h>

/* GLib's function of that name. */
#define REAL(name)                                                                                 \
  ({                                                                                               \
    static gpointer real_##name;                                                                   \
    (__typeof__ (&(name)))find_real (&real_##name, #name);                                         \
  })

static gpointer
find_real (gpointer *kept, const char *name)
{
  gpointer found = __atomic_load_n (kept, __ATOMIC_RELAXED);

  if (found != NULL)
    return found;
  found = dlsym (RTLD_NEXT, name);
  if (found == NULL)
    abort ();
  __atomic_store_n (kept, found, __ATOMIC_RELAXED);
  return found;
}

/* A change of a reference count, or another full barrier at this place. */
static void
order (gpointer place)
{
  __tsan_release (place);
  __tsan_acquire (place);
}

/* What runs in a GLib that was not built for it is not looked at. A child of a program with threads
 * goes on. */
const char *__tsan_default_options (void);

const char *
__tsan_default_options (void)
{
  return "ignore_noninstrumented_modules=1:die_after_fork=0";
}

/* Locks */

#define LOCK_FLAGS __tsan_mutex_linker_init

void
g_mutex_lock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, LOCK_FLAGS);
  REAL (g_mutex_lock) (mutex);
  __tsan_mutex_post_lock (mutex, LOCK_FLAGS, 0);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  const unsigned int flags = LOCK_FLAGS | __tsan_mutex_try_lock;
  gboolean locked;

  __tsan_mutex_pre_lock (mutex, flags);
  locked = REAL (g_mutex_trylock) (mutex);
  __tsan_mutex_post_lock (mutex, locked ? flags : flags | __tsan_mutex_try_lock_failed, 0);
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  REAL (g_mutex_unlock) (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

void
g_mutex_clear (GMutex *mutex)
{
  __tsan_mutex_destroy (mutex, 0);
  REAL (g_mutex_clear) (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  REAL (g_cond_wait) (cond, mutex);
  __tsan_mutex_pre_lock (mutex, LOCK_FLAGS);
  __tsan_mutex_post_lock (mutex, LOCK_FLAGS, 0);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean signalled;

  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  signalled = REAL (g_cond_wait_until) (cond, mutex, end_time);
  __tsan_mutex_pre_lock (mutex, LOCK_FLAGS);
  __tsan_mutex_post_lock (mutex, LOCK_FLAGS, 0);
  return signalled;
}

/* Only GIO and GObject have these: what they order is enough, and they are not checked. */

void
g_rec_mutex_lock (GRecMutex *mutex)
{
  REAL (g_rec_mutex_lock) (mutex);
  __tsan_acquire (mutex);
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  __tsan_release (mutex);
  REAL (g_rec_mutex_unlock) (mutex);
}

void
g_rw_lock_writer_lock (GRWLock *lock)
{
  REAL (g_rw_lock_writer_lock) (lock);
  __tsan_acquire (lock);
}

void
g_rw_lock_writer_unlock (GRWLock *lock)
{
  __tsan_release (lock);
  REAL (g_rw_lock_writer_unlock) (lock);
}

void
g_rw_lock_reader_lock (GRWLock *lock)
{
  REAL (g_rw_lock_reader_lock) (lock);
  __tsan_acquire (lock);
}

void
g_rw_lock_reader_unlock (GRWLock *lock)
{
  __tsan_release (lock);
  REAL (g_rw_lock_reader_unlock) (lock);
}

/* Initialised once */

gboolean (g_once_init_enter) (volatile void *location)
{
  gboolean first = REAL (g_once_init_enter) (location);

  __tsan_acquire ((gpointer)location);
  return first;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  __tsan_release ((gpointer)location);
  REAL (g_once_init_leave) (location, result);
}

/* References */

gpointer (g_object_ref) (gpointer object)
{
  order (object);
  return REAL (g_object_ref) (object);
}

void
g_object_unref (gpointer object)
{
  order (object);
  REAL (g_object_unref) (object);
}

gpointer (g_atomic_rc_box_acquire) (gpointer block)
{
  order (block);
  return REAL (g_atomic_rc_box_acquire) (block);
}

void
g_atomic_rc_box_release_full (gpointer block, GDestroyNotify clear)
{
  order (block);
  REAL (g_atomic_rc_box_release_full) (block, clear);
}

gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  order ((gpointer)count);
  return REAL (g_atomic_ref_count_dec) (count);
}

/* Queues */

void
g_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  __tsan_release (queue);
  REAL (g_async_queue_push) (queue, data);
}

gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  gpointer data = REAL (g_async_queue_pop) (queue);

  __tsan_acquire (queue);
  return data;
}

/* Threads of GIO, which run tasks */

typedef struct
{
  GFunc function;
  gpointer user_data;
} Pool;

static void
pool_run (gpointer data, gpointer user_data)
{
  Pool *pool = user_data;

  __tsan_acquire (data);
  pool->function (data, pool->user_data);
}

GThreadPool *
g_thread_pool_new (GFunc function, gpointer user_data, int max_threads, gboolean exclusive,
                   GError **error)
{
  Pool *pool = malloc (sizeof *pool); /* as long as the program */

  *pool = (Pool){ function, user_data };
  return REAL (g_thread_pool_new) (pool_run, pool, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer data, GError **error)
{
  __tsan_release (data);
  return REAL (g_thread_pool_push) (pool, data, error);
}

/* Sources: what was done before one was attached, or before its callback was set, is seen by the
 * callback. The count of references of the callback orders the rest, as GLib's own does. */

typedef struct
{
  int references;
  GSourceFunc function;
  gpointer data;
  GDestroyNotify notify;
} Callback;

static void
callback_ref (gpointer data)
{
  Callback *callback = data;

  g_atomic_int_inc (&callback->references);
}

static void
callback_unref (gpointer data)
{
  Callback *callback = data;

  if (!g_atomic_int_dec_and_test (&callback->references))
    return;
  if (callback->notify != NULL)
    callback->notify (callback->data);
  free (callback);
}

/* Runs in the thread that is about to call the function. */
static void
callback_get (gpointer data, GSource *source, GSourceFunc *function, gpointer *user_data)
{
  Callback *callback = data;

  __tsan_acquire (source);
  *function = callback->function;
  *user_data = callback->data;
}

static GSourceCallbackFuncs callback_funcs = { callback_ref, callback_unref, callback_get };

void
g_source_set_callback (GSource *source, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  Callback *callback = malloc (sizeof *callback);

  callback->function = function;
  callback->data = data;
  callback->notify = notify;
  g_atomic_int_set (&callback->references, 1);
  g_source_set_callback_indirect (source, callback, &callback_funcs);
}

guint
g_source_attach (GSource *source, GMainContext *context)
{
  __tsan_release (source);
  return REAL (g_source_attach) (source, context);
}

guint
g_idle_add_full (int priority, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  GSource *source = g_idle_source_new ();
  guint id;

  g_source_set_priority (source, priority);
  g_source_set_callback (source, function, data, notify);
  id = g_source_attach (source, NULL);
  g_source_unref (source);
  return id;
}
