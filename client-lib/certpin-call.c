/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One call of the service: a method and its arguments, and an error that is always one of
 * certpin. */

#include "config.h"

#include "certpin-call.h"

#include "certpin-cause.h"
#include "certpin-causes.h"
#include "certpin-error-private.h"

#include <string.h>

/* `arguments`: sunk if floating. Returns: (transfer full) */
CertpinCall *
certpin_call_new (const CertpinMethod *method, GVariant *arguments)
{
  CertpinCall *call = g_new0 (CertpinCall, 1);

  call->method = method;
  call->is_safe = !method->changes;
  call->arguments = g_variant_ref_sink (arguments);
  return call;
}

void
certpin_call_free (gpointer data)
{
  CertpinCall *call = data;

  g_clear_pointer (&call->arguments, g_variant_unref);
  g_clear_object (&call->sent);
  g_clear_object (&call->connection);
  g_clear_object (&call->received);
  g_free (call->token);
  g_free (call->path);
  g_free (call);
}

/* Returns: whether it may make pins that go with the connection, or with the service */
gboolean
certpin_call_is_transient (const CertpinCall *call)
{
  gsize n = g_variant_n_children (call->arguments);
  g_autoptr (GVariant) options = NULL;
  const char *scope;

  if (!call->method->changes || n == 0)
    return FALSE;
  options = g_variant_get_child_value (call->arguments, n - 1);
  return g_variant_is_of_type (options, G_VARIANT_TYPE_VARDICT)
         && g_variant_lookup (options, "scope", "&s", &scope) && g_str_equal (scope, "transient");
}

/* The cause is in a line of its own, for those who asked for it; else, a message has no line feed.
 * Returns: (transfer full) */
static GError *
take_cause (GError *error)
{
  char *line = strchr (error->message, '\n');
  g_autoptr (GError) cause = line != NULL ? certpin_cause_new_from_text (line + 1) : NULL;

  if (line != NULL)
    *line = '\0';
  certpin_error_set_cause (error, cause);
  certpin_causes_remember (error, cause);
  return error;
}

/* Translates an error of GDBus, of the bus or of another service. `reason`: (transfer full).
 * Returns: (transfer full): an error of certpin */
GError *
certpin_call_translate_error (GError *reason)
{
  static const struct
  {
    GQuark (*domain) (void);
    int code;
    CertpinError ours;
    const char *text;
    const char *why; /* (nullable): instead of words that are not for people */
  } meanings[] = {
    { g_dbus_error_quark, G_DBUS_ERROR_SERVICE_UNKNOWN, CERTPIN_ERROR_SERVICE_UNAVAILABLE,
      "the certpin service cannot be reached", "it does not run, and the bus cannot start it" },
    { g_dbus_error_quark, G_DBUS_ERROR_NAME_HAS_NO_OWNER, CERTPIN_ERROR_SERVICE_UNAVAILABLE,
      "the certpin service cannot be reached", "it does not run" },
    { g_dbus_error_quark, G_DBUS_ERROR_ACCESS_DENIED, CERTPIN_ERROR_NOT_AUTHORIZED,
      "the bus does not allow this program to call certpin" },
    { g_dbus_error_quark, G_DBUS_ERROR_LIMITS_EXCEEDED, CERTPIN_ERROR_LIMIT_EXCEEDED,
      "this program has reached a limit of the bus" },
    { g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_METHOD, CERTPIN_ERROR_FAILED,
      "the certpin service does not support this call" },
    { g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_INTERFACE, CERTPIN_ERROR_FAILED,
      "the certpin service does not support this call" },
    { g_dbus_error_quark, G_DBUS_ERROR_INVALID_ARGS, CERTPIN_ERROR_FAILED,
      "the certpin service does not support this call" },
    { g_io_error_quark, G_IO_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_FAILED,
      "the reply of the certpin service is not valid" },
    { g_io_error_quark, G_IO_ERROR_DBUS_ERROR, CERTPIN_ERROR_FAILED, "the certpin service failed" },
  };
  g_autoptr (GError) error = reason;
  CertpinError ours = CERTPIN_ERROR_SERVICE_UNAVAILABLE;
  const char *text = "the certpin service cannot be reached";
  const char *why = NULL;

  g_dbus_error_strip_remote_error (error);
  if (error->domain == CERTPIN_ERROR)
    return take_cause (g_steal_pointer (&error));
  for (size_t i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (g_error_matches (error, meanings[i].domain (), meanings[i].code))
      {
        ours = meanings[i].ours;
        text = meanings[i].text;
        why = meanings[i].why;
      }
  return g_error_new (CERTPIN_ERROR, ours, "%s: %s", text, why != NULL ? why : error->message);
}
