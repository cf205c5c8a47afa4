/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checks of what the user may do. The service is asked for something that changes nothing,
 * since only it knows; if it refuses, and for what needs a password, polkit is asked, which never
 * asks anybody here. */

#include "config.h"

#include "cli/doctor/doctor-rights.h"

#include "cli/certpinctl-wait.h"

#include "dbus/certpin-names.h"

#include <glib/gi18n.h>

#include <unistd.h>

#define POLKIT_NAME  "org.freedesktop.PolicyKit1"
#define POLKIT_PATH  "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_IFACE "org.freedesktop.PolicyKit1.Authority"
#define CALL_S       30 /* it may have to be started */

/* Nobody pins it: the name never exists (RFC 6761, section 6.4). */
#define NO_HOST "doctor.certpin.invalid"
#define NO_KEY  "sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyFv88RDBvdQJA="

/* What polkit says of this program. */
typedef enum
{
  ANSWER_ABSENT, /* polkit is not on this bus */
  ANSWER_FAILED, /* it does not know the action, or cannot be asked */
  ANSWER_NO,
  ANSWER_PASSWORD,
  ANSWER_YES,
} Answer;

/* `problem`: (out) (nullable) (transfer full): what ANSWER_FAILED is about */
static Answer
ask_polkit (CtlPatient *patient, const char *action, char **problem)
{
  const CtlMethod check
      = { POLKIT_NAME, POLKIT_PATH, POLKIT_IFACE, "CheckAuthorization", "((bba{ss}))", CALL_S };
  const char *name = g_dbus_connection_get_unique_name (patient->connection);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  gboolean owned, yes, challenge;

  *problem = NULL;
  if (!ctl_patient_has_name (patient, POLKIT_NAME, &owned))
    return ANSWER_ABSENT;
  reply = ctl_patient_call (
      patient, &check,
      g_variant_new_parsed ("(('system-bus-name', {'name': <%s>}), %s, @a{ss} {}, @u 0, '')", name,
                            action),
      &error);
  if (reply == NULL)
    {
      *problem = g_strdup (error->message);
      return ANSWER_FAILED;
    }
  g_variant_get (reply, "((bb@a{ss}))", &yes, &challenge, NULL);
  if (yes)
    return ANSWER_YES;
  return challenge ? ANSWER_PASSWORD : ANSWER_NO;
}

/* Says why the service refuses what every user may do by default. */
static void
explain_refusal (CtlPatient *patient, CtlFinding *finding)
{
  g_autofree char *problem = NULL, *meaning = NULL;

  switch (ask_polkit (patient, CERTPIN_ACTION_OWN_PINS, &problem))
    {
    case ANSWER_ABSENT:
      ctl_finding_help (finding, _ ("polkit, which decides what a user may do, is not installed."),
                        "apt install polkitd");
      break;
    case ANSWER_FAILED:
      meaning = g_strdup_printf (_ ("polkit says: %s"), problem);
      ctl_finding_help (finding, meaning, "systemctl status polkit");
      break;
    case ANSWER_NO:
    case ANSWER_PASSWORD:
      ctl_finding_help (finding, _ ("A rule of the administrator says so."),
                        "pkcheck --action-id " CERTPIN_ACTION_OWN_PINS " --process $$");
      break;
    case ANSWER_YES: /* the message of the service says it all */
      break;
    }
}

void
ctl_check_rights (CtlPatient *patient, CtlFinding *finding)
{
  static const char *const keys[] = { NO_KEY, NULL };
  Ctl *ctl = patient->ctl;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (CertpinPin) pin = NULL;
  g_autoptr (GError) error = NULL;

  /* A check asks nobody for a password. */
  certpin_client_set_interactive (ctl->client, FALSE);
  certpin_client_remove_keys_async (ctl->client, NO_HOST, keys, /* options= */ NULL,
                                    ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  pin = certpin_client_remove_keys_finish (ctl->client, result, &error);
  if (error == NULL || g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    {
      ctl_finding_pass (finding, _ ("you may pin hosts for yourself"));
      return;
    }
  ctl_finding_fail (finding, _ ("you may not pin hosts: %s"), error->message);
  if (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED))
    explain_refusal (patient, finding);
}

/* A password dialog needs an agent. Those of desktops start with them; whether there is one cannot
 * be asked. */
static void
explain_password (CtlFinding *finding)
{
  gboolean desktop = g_getenv ("WAYLAND_DISPLAY") != NULL || g_getenv ("DISPLAY") != NULL;

  ctl_finding_pass (finding, _ ("you need a password to pin hosts for all users"));
  if (!desktop)
    ctl_finding_help (
        finding,
        _ ("No desktop runs here that could ask for it. Start an agent first, or pin as "
           "root."),
        "pkttyagent --process $$ &");
}

void
ctl_check_system_rights (CtlPatient *patient, CtlFinding *finding)
{
  g_autofree char *problem = NULL;

  switch (ask_polkit (patient, CERTPIN_ACTION_SYSTEM_PINS, &problem))
    {
    case ANSWER_ABSENT: /* the service works without: otherwise this would not be asked */
      if (geteuid () == 0)
        ctl_finding_pass (finding, _ ("you are root, and may pin hosts for all users"));
      else
        ctl_finding_skip (finding, _ ("only root pins hosts for all users on this bus: it has no "
                                      "polkit"));
      break;
    case ANSWER_FAILED:
      ctl_finding_fail (finding, _ ("polkit cannot be asked: %s"), problem);
      ctl_finding_help (finding, _ ("It is not there, or certpin's policy file is not installed."),
                        "systemctl status polkit");
      break;
    case ANSWER_NO:
      ctl_finding_pass (finding, _ ("only an administrator may pin hosts for all users"));
      break;
    case ANSWER_PASSWORD:
      explain_password (finding);
      break;
    case ANSWER_YES:
      ctl_finding_pass (finding, _ ("you may pin hosts for all users"));
      break;
    }
}
