/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checks of the way to the service. They ask the bus itself, because the library only knows
 * whether its calls arrive. */

#include "config.h"

#include "cli/doctor/doctor-bus.h"

#include "cli/certpinctl-wait.h"

#include "dbus/certpin-names.h"

#include <glib/gi18n.h>

#include <string.h>

#define CALL_S       10
#define ACTIVATION_S 30 /* the bus itself gives up after 25 s */

void
ctl_patient_clear (CtlPatient *patient)
{
  g_clear_object (&patient->connection);
  g_clear_pointer (&patient->version, g_free);
  g_clear_pointer (&patient->status, g_variant_unref);
  g_clear_pointer (&patient->hosts, g_strfreev);
}

/* `arguments`: consumed if floating. Starts who is not there, but can be.
 * Returns: (transfer full) (nullable) */
GVariant *
ctl_patient_call (CtlPatient *patient, const CtlMethod *method, GVariant *arguments, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  GVariant *reply;

  g_dbus_connection_call (patient->connection, method->owner, method->path, method->interface,
                          method->name, arguments, G_VARIANT_TYPE (method->type),
                          G_DBUS_CALL_FLAGS_NONE, method->seconds * 1000, patient->ctl->cancellable,
                          ctl_on_result, patient->ctl);
  result = ctl_wait (patient->ctl);
  reply = g_dbus_connection_call_finish (patient->connection, result, error);
  if (reply == NULL && error != NULL)
    g_dbus_error_strip_remote_error (*error);
  return reply;
}

static GVariant *
ask_bus (CtlPatient *patient, const char *method, const char *type, GVariant *arguments)
{
  const CtlMethod whole = { DBUS_NAME, DBUS_PATH, DBUS_NAME, method, type, CALL_S };

  return ctl_patient_call (patient, &whole, arguments, /* error= */ NULL);
}

/* `owned`: (out): whether somebody has it now.
 * Returns: whether somebody has it, or can be started */
gboolean
ctl_patient_has_name (CtlPatient *patient, const char *name, gboolean *owned)
{
  g_autoptr (GVariant) reply
      = ask_bus (patient, "NameHasOwner", "(b)", g_variant_new ("(s)", name));
  g_autoptr (GVariant) activatable = ask_bus (patient, "ListActivatableNames", "(as)", NULL);
  g_autofree const char **names = NULL;

  *owned = FALSE;
  if (reply != NULL)
    g_variant_get (reply, "(b)", owned);
  if (activatable != NULL)
    g_variant_get (activatable, "(^a&s)", &names);
  return *owned || (names != NULL && g_strv_contains (names, name));
}

/* The bus */

static gboolean
give_up (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_CONTINUE; /* until it is removed */
}

static void
pass_on (GCancellable *from, gpointer to)
{
  g_cancellable_cancel (to);
}

static GDBusConnection *
connect_to (Ctl *ctl, const char *address, GError **error)
{
  g_autoptr (GCancellable) ends = g_cancellable_new ();
  unsigned int deadline = g_timeout_add_seconds (CALL_S, give_up, ends);
  gulong handler = g_cancellable_connect (ctl->cancellable, G_CALLBACK (pass_on), ends, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  g_dbus_connection_new_for_address (address,
                                     G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                         | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                     /* observer= */ NULL, ends, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  g_source_remove (deadline);
  g_cancellable_disconnect (ctl->cancellable, handler);
  return g_dbus_connection_new_for_address_finish (result, error);
}

void
ctl_check_bus (CtlPatient *patient, CtlFinding *finding)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, &error);

  if (address != NULL)
    patient->connection = connect_to (patient->ctl, address, &error);
  if (patient->connection != NULL)
    {
      ctl_finding_pass (finding, _ ("the system bus answers"));
      return;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    ctl_finding_fail (finding, _ ("the system bus does not answer within %d seconds"), CALL_S);
  else
    ctl_finding_fail (finding, _ ("the system bus cannot be reached: %s"), error->message);
  if (g_getenv ("DBUS_SYSTEM_BUS_ADDRESS") != NULL)
    ctl_finding_help (
        finding,
        _ ("The variable DBUS_SYSTEM_BUS_ADDRESS is set; without it, the machine's own "
           "bus is used."),
        "env -u DBUS_SYSTEM_BUS_ADDRESS certpinctl doctor");
  else
    ctl_finding_help (finding, _ ("Programs reach certpin over the system bus."),
                      "systemctl status dbus.socket dbus.service");
}

/* The service */

void
ctl_check_service (CtlPatient *patient, CtlFinding *finding)
{
  const CtlMethod start
      = { DBUS_NAME, DBUS_PATH, DBUS_NAME, "StartServiceByName", "(u)", ACTIVATION_S };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  gboolean owned;

  if (!ctl_patient_has_name (patient, CERTPIN_BUS_NAME, &owned))
    {
      ctl_finding_fail (finding, _ ("certpind does not run, and the bus cannot start it"));
      ctl_finding_help (finding,
                        _ ("It is not installed, or the bus has not read its files since it was "
                           "installed."),
                        "systemctl reload dbus && systemctl start certpind");
      return;
    }
  if (owned)
    {
      ctl_finding_pass (finding, _ ("certpind runs"));
      return;
    }
  reply = ctl_patient_call (patient, &start, g_variant_new ("(su)", CERTPIN_BUS_NAME, 0u), &error);
  if (reply != NULL)
    {
      ctl_finding_pass (finding, _ ("certpind was started"));
      return;
    }
  ctl_finding_fail (finding, _ ("certpind cannot be started: %s"), error->message);
  ctl_finding_help (finding,
                    _ ("Its journal says why; certpind --check shows faults in its files."),
                    "journalctl --boot --unit=certpind --lines=20");
}

/* What the bus lets through */

void
ctl_check_policy (CtlPatient *patient, CtlFinding *finding)
{
  const CtlMethod get = {
    CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, "org.freedesktop.DBus.Properties", "Get", "(v)", CALL_S
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) reply = ctl_patient_call (
      patient, &get, g_variant_new ("(ss)", CERTPIN_REQUESTS_IFACE, "Version"), &error);

  if (reply != NULL)
    g_variant_get (reply, "(v)", &value);
  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    {
      patient->version = g_variant_dup_string (value, NULL);
      ctl_finding_pass (finding, _ ("you may call certpind"));
    }
  else if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
    {
      ctl_finding_fail (finding, _ ("the bus does not let you call certpind: %s"), error->message);
      ctl_finding_help (
          finding,
          _ ("The bus has not read certpin's policy, or a file of the administrator in "
             "/etc/dbus-1/system.d says otherwise."),
          "systemctl reload dbus");
    }
  else
    {
      ctl_finding_fail (finding, _ ("certpind does not answer: %s"),
                        error != NULL ? error->message : _ ("its version is not a text"));
      ctl_finding_help (finding, _ ("It hangs, or is not certpind."), "systemctl restart certpind");
    }
}

void
ctl_check_version (CtlPatient *patient, CtlFinding *finding)
{
  if (strcmp (patient->version, PACKAGE_VERSION) == 0)
    {
      ctl_finding_pass (finding, _ ("certpind and certpinctl are %s"), PACKAGE_VERSION);
      return;
    }
  ctl_finding_fail (finding, _ ("certpind is %s, but certpinctl is %s"), patient->version,
                    PACKAGE_VERSION);
  ctl_finding_help (finding, _ ("After an upgrade, the old one runs until it is restarted."),
                    "systemctl restart certpind");
}
