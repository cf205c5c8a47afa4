/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.certpin.Certpin1.Request: one object for each call with a token, at a path that its caller
 * knows beforehand, and for each connection. Only this caller may use it. It may send Cancel
 * directly after the call itself: both wait for their turns in the same queue. */

#include "config.h"

#include "daemon/bus/cpd-request-objects.h"

#include "daemon/core/base/cpd-refuse.h"
#include "dbus/certpin-names.h"

#define FOLDER CERTPIN_REQUEST_PATH "/"

struct _CpdRequestObjects
{
  GHashTable *under_way; /* path → GCancellable */
  guint64 last;          /* number in a path that was not chosen by a caller */
};

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

  objects->under_way = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  return objects;
}

void
cpd_request_objects_free (CpdRequestObjects *objects)
{
  if (objects == NULL)
    return;
  g_hash_table_unref (objects->under_way);
  g_free (objects);
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

/* Does nothing if the request has already ended. */
void
cpd_request_objects_cancel (CpdRequestObjects *objects, const char *path)
{
  GCancellable *found = g_hash_table_lookup (objects->under_way, path);
  g_autoptr (GCancellable) cancellable = found != NULL ? g_object_ref (found) : NULL;

  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

/* `sender`: a unique name.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT: the token is in use.
 * Returns: (transfer full): the object's path, with which to remove it */
char *
cpd_request_objects_add (CpdRequestObjects *objects, const char *sender, const char *token,
                         GCancellable *cancellable, GError **error)
{
  g_autofree char *folder = make_folder (sender);
  g_autofree char *path = g_strconcat (folder, token, NULL);

  if (g_hash_table_contains (objects->under_way, path))
    {
      g_set_error (
          error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
          "option ‘handle-token’ is ‘%s’, which another of your requests uses; choose a new one",
          token);
      return NULL;
    }
  g_hash_table_insert (objects->under_way, g_strdup (path), g_object_ref (cancellable));
  return g_steal_pointer (&path);
}

/* Returns: (transfer full): the path of an object whose name no other of the sender has */
char *
cpd_request_objects_add_any (CpdRequestObjects *objects, const char *sender,
                             GCancellable *cancellable)
{
  for (;;)
    {
      g_autofree char *token = g_strdup_printf ("connection_%" G_GUINT64_FORMAT, ++objects->last);
      char *path = cpd_request_objects_add (objects, sender, token, cancellable, /* error= */ NULL);

      if (path != NULL)
        return path;
    }
}

void
cpd_request_objects_remove (CpdRequestObjects *objects, const char *path)
{
  g_hash_table_remove (objects->under_way, path);
}
