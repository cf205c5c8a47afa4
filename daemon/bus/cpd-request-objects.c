/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.certpin.Certpin1.Request: one object for each call that gave a token, at a path that its
 * caller knows beforehand, and which nobody else may touch. A caller may send Cancel right behind
 * the call itself, and GDBus looks for the object of a message when it arrives, on a thread that is
 * ahead of ours. So these objects are not exported: a filter takes the calls to them and hands them
 * over to be answered in their order. */

#include "config.h"

#include "daemon/bus/cpd-request-objects.h"

#include "client-lib/certpin-error.h"
#include "dbus/certpin-names.h"

#define FOLDER CERTPIN_REQUEST_PATH "/"

struct _CpdRequestObjects
{
  GDBusConnection *connection;
  unsigned int filter;
  GHashTable *under_way; /* path → GCancellable */
};

/* One call of Cancel, on its way from GDBus's thread to ours. */
typedef struct
{
  CpdRequestObjects *objects;
  GDBusMessage *message;
} Cancel;

static void
cancel_free (gpointer data)
{
  Cancel *cancel = data;

  g_object_unref (cancel->message);
  g_free (cancel);
}

/* Returns: (transfer full): where the requests of a sender, given by its unique name, are */
static char *
make_folder (const char *sender)
{
  g_autofree char *name = g_strdelimit (g_strdup (sender + 1), ".", '_');

  return g_strdup_printf (FOLDER "%s/", name);
}

/* Of one's own requests any may be cancelled; where it has ended already nothing happens. */
static gboolean
answer (gpointer user_data)
{
  Cancel *cancel = user_data;
  CpdRequestObjects *objects = cancel->objects;
  const char *path = g_dbus_message_get_path (cancel->message);
  g_autofree char *folder = make_folder (g_dbus_message_get_sender (cancel->message));
  gboolean own = g_str_has_prefix (path, folder);
  g_autoptr (GDBusMessage) reply = own ? g_dbus_message_new_method_reply (cancel->message)
                                       : g_dbus_message_new_method_error_literal (
                                           cancel->message, CERTPIN_ERROR_PREFIX "NotAuthorized",
                                           "this request is another caller's");
  GCancellable *found = own ? g_hash_table_lookup (objects->under_way, path) : NULL;
  g_autoptr (GCancellable) cancellable = found != NULL ? g_object_ref (found) : NULL;

  g_dbus_connection_send_message (objects->connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  NULL);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
is_cancel (GDBusMessage *message)
{
  const char *path = g_dbus_message_get_path (message);
  const char *interface = g_dbus_message_get_interface (message);

  return g_dbus_message_get_message_type (message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL
         && path != NULL && g_str_has_prefix (path, FOLDER)
         && g_dbus_message_get_sender (message) != NULL
         && (interface == NULL || g_str_equal (interface, CERTPIN_REQUEST_IFACE))
         && g_str_equal (g_dbus_message_get_member (message), "Cancel");
}

/* On GDBus's thread: touches nothing. GDBus dispatches calls on our main loop at the same priority,
 * so that what came before is handled before. */
static GDBusMessage *
filter (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  g_autoptr (GSource) source = NULL;
  Cancel *cancel;

  if (!incoming || !is_cancel (message))
    return message;
  cancel = g_new0 (Cancel, 1);
  cancel->objects = user_data;
  cancel->message = message;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, answer, cancel, cancel_free);
  g_source_attach (source, NULL);
  return NULL;
}

/* Must outlive the main loop. */
CpdRequestObjects *
cpd_request_objects_new (GDBusConnection *connection)
{
  CpdRequestObjects *objects = g_new0 (CpdRequestObjects, 1);

  objects->connection = g_object_ref (connection);
  objects->under_way = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  objects->filter = g_dbus_connection_add_filter (connection, filter, objects, NULL);
  return objects;
}

void
cpd_request_objects_free (CpdRequestObjects *objects)
{
  if (objects == NULL)
    return;
  g_dbus_connection_remove_filter (objects->connection, objects->filter);
  g_object_unref (objects->connection);
  g_hash_table_unref (objects->under_way);
  g_free (objects);
}

/* `sender`: a unique name. Errors: CERTPIN_ERROR_INVALID_ARGUMENT: the token is in use.
 * Returns: (transfer full): the object's path, by which it is to be removed */
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
          "option ‘handle-token’ is ‘%s’, which another request of yours has; take a new one",
          token);
      return NULL;
    }
  g_hash_table_insert (objects->under_way, g_strdup (path), g_object_ref (cancellable));
  return g_steal_pointer (&path);
}

void
cpd_request_objects_remove (CpdRequestObjects *objects, const char *path)
{
  g_hash_table_remove (objects->under_way, path);
}
