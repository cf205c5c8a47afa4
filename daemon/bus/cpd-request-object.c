/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.certpin.Certpin1.Request: one object for each call that gave a token, at a path that its
 * caller knows beforehand. Nobody else may touch it. */

#include "config.h"

#include "daemon/bus/cpd-request-object.h"

#include "certpin-dbus.h"
#include "client-lib/certpin-error.h"
#include "dbus/certpin-names.h"

struct _CpdRequestObject
{
  CertpinDBusRequest *skeleton;
  char *sender;
  GCancellable *cancellable;
};

static gboolean
handle_cancel (CpdRequestObject *object, GDBusMethodInvocation *invocation)
{
  g_autoptr (GCancellable) cancellable = NULL;

  if (g_strcmp0 (g_dbus_method_invocation_get_sender (invocation), object->sender) != 0)
    {
      g_dbus_method_invocation_return_error_literal (invocation, CERTPIN_ERROR,
                                                     CERTPIN_ERROR_NOT_AUTHORIZED,
                                                     "this request is another caller's");
      return TRUE;
    }
  cancellable = g_object_ref (object->cancellable);
  certpin_dbus_request_complete_cancel (object->skeleton, invocation);
  g_cancellable_cancel (cancellable); /* which may free the object */
  return TRUE;
}

static char *
make_path (const char *sender, const char *token)
{
  g_autofree char *name = g_strdelimit (g_strdup (sender + 1), ".", '_');

  return g_strdup_printf (CERTPIN_REQUEST_PATH "/%s/%s", name, token);
}

/* `sender`: a unique name. Errors: CERTPIN_ERROR_INVALID_ARGUMENT: the token is in use. */
CpdRequestObject *
cpd_request_object_new (GDBusConnection *connection, const char *sender, const char *token,
                        GCancellable *cancellable, GError **error)
{
  g_autoptr (CpdRequestObject) object = g_new0 (CpdRequestObject, 1);
  g_autofree char *path = make_path (sender, token);

  object->skeleton = certpin_dbus_request_skeleton_new ();
  object->sender = g_strdup (sender);
  object->cancellable = g_object_ref (cancellable);
  g_signal_connect_swapped (object->skeleton, "handle-cancel", G_CALLBACK (handle_cancel), object);
  if (g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (object->skeleton), connection,
                                        path, NULL))
    return g_steal_pointer (&object);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               "option ‘handle-token’ is ‘%s’, which another request of yours has; take a new one",
               token);
  return NULL;
}

void
cpd_request_object_free (CpdRequestObject *object)
{
  if (object == NULL)
    return;
  g_signal_handlers_disconnect_by_data (object->skeleton, object);
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (object->skeleton));
  g_object_unref (object->skeleton);
  g_object_unref (object->cancellable);
  g_free (object->sender);
  g_free (object);
}
