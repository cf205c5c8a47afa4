/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.certpin.Certpin1.Request: one object for each call with a token, a stream or a tunnel, at a
 * path that its caller knows. Only this caller may use it. It may send Cancel directly after the
 * call itself: both wait for their turns in the same queue. A transfer goes on when its call has
 * been answered: its object ends it when its time is over or, unless it is a tunnel, when its
 * caller leaves, and remembers for a while how it ended. */

#include "config.h"

#include "daemon/bus/cpd-request-objects.h"

#include "daemon/core/base/cpd-refuse.h"
#include "dbus/certpin-names.h"

#define FOLDER CERTPIN_REQUEST_PATH "/"

/* How long an ended transfer is remembered, and how many of a uid: by default, it may have 96. */
#define ENDED_S   60
#define ENDED_MAX 100

struct _CpdRequestObjects
{
  GHashTable *table; /* path → Object */
  GQueue ended;      /* of Object: those that are remembered, the oldest first */
  guint64 n_chosen;  /* tokens so far */
};

typedef struct
{
  CpdRequestObjects *objects;
  char *path;
  CpdCaller *caller;
  GCancellable *cancellable;
  CpdTransfer *transfer; /* NULL: there is no stream */
  gboolean outlives_caller, tells_cause;
  gboolean told; /* its caller knows how the transfer ended */
  /* Once the call has been answered, and the transfer goes on. */
  gulong gone_id, ended_id;
  unsigned int timer; /* first of its deadline, then of its memory; 0: none */
} Object;

static void
object_free (gpointer data)
{
  Object *object = data;

  g_queue_remove (&object->objects->ended, object);
  g_clear_handle_id (&object->timer, g_source_remove);
  g_clear_signal_handler (&object->gone_id, object->caller->gone);
  if (object->ended_id != 0)
    g_clear_signal_handler (&object->ended_id, object->transfer);
  g_clear_object (&object->transfer);
  g_object_unref (object->cancellable);
  cpd_caller_unref (object->caller);
  g_free (object->path);
  g_free (object);
}

/* `sender`: a unique name. Returns: (transfer full): the path above its requests */
static char *
make_folder (const char *sender)
{
  g_autofree char *name = g_strdelimit (g_strdup (sender + 1), ".", '_');

  return g_strdup_printf (FOLDER "%s/", name);
}

CpdRequestObjects *
cpd_request_objects_new (void)
{
  CpdRequestObjects *objects = g_new0 (CpdRequestObjects, 1);

  objects->table = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, object_free);
  return objects;
}

void
cpd_request_objects_free (CpdRequestObjects *objects)
{
  if (objects == NULL)
    return;
  g_hash_table_unref (objects->table);
  g_free (objects);
}

/* Ends all transfers: none may outlive the queue of their places. */
void
cpd_request_objects_end_all (CpdRequestObjects *objects)
{
  g_autoptr (GPtrArray) transfers = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, objects->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Object *)value)->transfer != NULL)
      g_ptr_array_add (transfers, g_object_ref (((Object *)value)->transfer));
  g_hash_table_remove_all (objects->table);
  for (unsigned int i = 0; i < transfers->len; i++)
    cpd_transfer_abandon (transfers->pdata[i]);
}

/* Errors: CERTPIN_ERROR_NOT_AUTHORIZED. */
gboolean
cpd_request_objects_check_owner (const char *path, const char *sender, GError **error)
{
  g_autofree char *folder = make_folder (sender);

  if (g_str_has_prefix (path, folder))
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_NOT_AUTHORIZED, "this request belongs to another caller");
}

/* Errors: CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer none) (nullable): the transfer of an object that exists */
CpdTransfer *
cpd_request_objects_find (CpdRequestObjects *objects, const char *path, GError **error)
{
  Object *object = g_hash_table_lookup (objects->table, path);

  if (object == NULL)
    g_set_error_literal (
        error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
        "there is no such request or connection, or its end is no longer remembered");
  else if (object->transfer == NULL)
    g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                         "this request has no stream; give it the option ‘stream’");
  return object != NULL ? object->transfer : NULL;
}

/* Returns: whether its caller wants the cause of an error; FALSE if there is no such object */
gboolean
cpd_request_objects_tells_cause (CpdRequestObjects *objects, const char *path)
{
  Object *object = g_hash_table_lookup (objects->table, path);

  return object != NULL && object->tells_cause;
}

/* Does nothing if the request has already ended. */
void
cpd_request_objects_cancel (CpdRequestObjects *objects, const char *path)
{
  Object *object = g_hash_table_lookup (objects->table, path);
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (CpdTransfer) transfer = NULL;

  if (object == NULL)
    return;
  cancellable = g_object_ref (object->cancellable);
  transfer = object->transfer != NULL ? g_object_ref (object->transfer) : NULL;
  g_cancellable_cancel (cancellable);
  if (transfer != NULL)
    cpd_transfer_stop (transfer, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                                      "the request was cancelled"));
}

/* Returns: (transfer full): that of the token, or of one that is not in use */
static char *
choose_path (CpdRequestObjects *objects, const CpdRequestObject *object)
{
  g_autofree char *folder = make_folder (object->caller->sender);
  char *path = object->token != NULL ? g_strconcat (folder, object->token, NULL) : NULL;

  while (path == NULL)
    {
      path = g_strdup_printf ("%s_%" G_GUINT64_FORMAT, folder, ++objects->n_chosen);
      if (g_hash_table_contains (objects->table, path))
        g_clear_pointer (&path, g_free);
    }
  return path;
}

/* Errors: CERTPIN_ERROR_INVALID_ARGUMENT: the token is in use.
 * Returns: (transfer full): the object's path, with which to remove it */
char *
cpd_request_objects_add (CpdRequestObjects *objects, const CpdRequestObject *settings,
                         GError **error)
{
  g_autofree char *path = choose_path (objects, settings);
  Object *object;

  if (g_hash_table_contains (objects->table, path))
    {
      g_set_error (
          error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
          "option ‘handle-token’ is ‘%s’, which another of your requests uses; choose a new one",
          settings->token);
      return NULL;
    }
  object = g_new0 (Object, 1);
  object->objects = objects;
  object->path = g_strdup (path);
  object->caller = cpd_caller_ref (settings->caller);
  object->cancellable = g_object_ref (settings->cancellable);
  object->transfer = settings->transfer != NULL ? g_object_ref (settings->transfer) : NULL;
  object->outlives_caller = settings->outlives_caller;
  object->tells_cause = settings->tells_cause;
  g_hash_table_insert (objects->table, object->path, object);
  return g_steal_pointer (&path);
}

void
cpd_request_objects_remove (CpdRequestObjects *objects, const char *path)
{
  g_hash_table_remove (objects->table, path);
}

/* Its caller knows how its transfer ended. If the object itself has not been told of that yet, it
 * stays until then. */
void
cpd_request_objects_forget (CpdRequestObjects *objects, const char *path)
{
  Object *object = g_hash_table_lookup (objects->table, path);

  if (object == NULL)
    return;
  object->told = TRUE;
  if (g_queue_find (&objects->ended, object) != NULL)
    cpd_request_objects_remove (objects, path);
}

static gboolean
on_forgotten (gpointer user_data)
{
  Object *object = user_data;

  object->timer = 0;
  cpd_request_objects_remove (object->objects, object->path);
  return G_SOURCE_REMOVE;
}

/* Makes room for one more of the user, or of the app. */
static void
forget_oldest (CpdRequestObjects *objects, CpdOwner owner)
{
  unsigned int count = 0;
  Object *oldest = NULL;

  for (GList *link = objects->ended.tail; link != NULL; link = link->prev)
    {
      Object *object = link->data;

      if (object->caller->owner != owner)
        continue;
      oldest = object;
      count++;
    }
  if (count >= ENDED_MAX)
    cpd_request_objects_remove (objects, oldest->path);
}

static void
on_ended (Object *object)
{
  g_clear_signal_handler (&object->ended_id, object->transfer);
  g_clear_handle_id (&object->timer, g_source_remove);
  if (object->told || g_cancellable_is_cancelled (object->caller->gone))
    {
      cpd_request_objects_remove (object->objects, object->path);
      return;
    }
  forget_oldest (object->objects, object->caller->owner);
  g_queue_push_tail (&object->objects->ended, object);
  object->timer = g_timeout_add_seconds (ENDED_S, on_forgotten, object);
}

/* Nobody can ask for it any more. */
static void
on_gone (Object *object)
{
  g_autoptr (CpdTransfer) transfer = g_object_ref (object->transfer);

  if (object->outlives_caller && !cpd_transfer_has_ended (transfer))
    return;
  cpd_request_objects_remove (object->objects, object->path);
  cpd_transfer_stop (transfer, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                                    "the caller has left the bus"));
}

static gboolean
on_deadline (gpointer user_data)
{
  Object *object = user_data;

  object->timer = 0;
  cpd_transfer_stop (object->transfer,
                     g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT,
                                          "the stream did not end in the time allowed"));
  return G_SOURCE_REMOVE;
}

/* Its call is answered, and its transfer goes on. `deadline_us`: of that, monotonic; 0: none */
void
cpd_request_objects_keep (CpdRequestObjects *objects, const char *path, gint64 deadline_us)
{
  Object *object = g_hash_table_lookup (objects->table, path);
  gint64 left_us = MAX (deadline_us - g_get_monotonic_time (), 0);

  if (cpd_transfer_has_ended (object->transfer))
    {
      on_ended (object);
      return;
    }
  object->ended_id
      = g_signal_connect_swapped (object->transfer, "ended", G_CALLBACK (on_ended), object);
  object->gone_id
      = g_signal_connect_swapped (object->caller->gone, "cancelled", G_CALLBACK (on_gone), object);
  if (deadline_us != 0)
    object->timer = g_timeout_add ((unsigned int)(left_us / 1000), on_deadline, object);
  if (g_cancellable_is_cancelled (object->caller->gone))
    on_gone (object);
}
