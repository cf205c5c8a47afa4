/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checks of the files of the service: pin files, the trust file, and the folder where it keeps
 * what was pinned. Only it can read them, so it is asked. */

#include "config.h"

#include "cli/doctor/doctor-files.h"

#include "cli/certpinctl-input.h"
#include "cli/certpinctl-service.h"

#include <glib/gi18n.h>

#define NO_STATUS _ ("not checked, since certpind does not say how it is")

void
ctl_check_files (CtlPatient *patient, CtlFinding *finding)
{
  Ctl *ctl = patient->ctl;
  g_autoptr (GError) error = NULL;
  g_autofree const char **problems = NULL;
  unsigned int count;

  patient->status = ctl_service_ask (ctl, &error);
  if (patient->status == NULL)
    {
      ctl_finding_fail (finding, _ ("certpind does not say how it is: %s"), error->message);
      ctl_finding_help (finding, /* meaning= */ NULL,
                        "journalctl --boot --unit=certpind --lines=20");
      return;
    }
  g_variant_lookup (patient->status, "problems", "^a&s", &problems);
  count = g_strv_length ((char **)problems);
  if (count == 0)
    {
      ctl_finding_pass (finding, _ ("certpind has read all of its files"));
      return;
    }
  ctl_finding_fail (finding, "%s%s", problems[0], count > 1 ? _ (", and more") : "");
  ctl_finding_help (finding,
                    _ ("Until it is right, requests that depend on it are refused, or the files of "
                       "before stay in force."),
                    "certpinctl status");
}

/* A service that has no trust anchor still runs, and refuses every server. */
void
ctl_check_trust (CtlPatient *patient, CtlFinding *finding)
{
  const char *file = "";
  guint32 count = 0;

  if (patient->status == NULL)
    {
      ctl_finding_skip (finding, NO_STATUS);
      return;
    }
  g_variant_lookup (patient->status, "trust-anchors", "u", &count);
  g_variant_lookup (patient->status, "trust-file", "&s", &file);
  if (count > 0)
    {
      ctl_finding_pass (finding,
                        ngettext ("%u authority from ‘%s’", "%u authorities from ‘%s’", count),
                        count, file);
      return;
    }
  ctl_finding_fail (finding, _ ("certpind has read no authority from ‘%s’"), file);
  ctl_finding_help (
      finding,
      _ ("No server is trusted, except where a pin has trust anchors of its own. "
         "TrustFile in certpind.conf names the file; once it is right, it is read again."),
      "man certpind.conf");
}

static void
fail_by_folder (CtlFinding *finding, const char *folder, const char *problem)
{
  g_autofree char *quoted = ctl_input_quote (folder);
  g_autofree char *command = g_strconcat ("df ", quoted, NULL);

  ctl_finding_fail (finding, _ ("certpind %s"), problem);
  ctl_finding_help (
      finding, _ ("No pin can be made, changed or removed, and new blocks are only in memory."),
      command);
}

/* What is pinned already stays in force, so nothing else shows it. */
void
ctl_check_state (CtlPatient *patient, CtlFinding *finding)
{
  const char *folder = "", *problem = NULL;
  guint32 unstored = 0;

  if (patient->status == NULL)
    {
      ctl_finding_skip (finding, NO_STATUS);
      return;
    }
  g_variant_lookup (patient->status, "state-folder", "&s", &folder);
  g_variant_lookup (patient->status, "state-problem", "&s", &problem);
  g_variant_lookup (patient->status, "unstored", "u", &unstored);
  if (problem != NULL)
    fail_by_folder (finding, folder, problem);
  else if (unstored == 0)
    ctl_finding_pass (finding, _ ("pins can be stored in ‘%s’"), folder);
  else
    {
      ctl_finding_fail (finding, _ ("pins and blocks that are only in memory: %u"), unstored);
      ctl_finding_help (finding, _ ("They are lost when certpind ends."), "certpinctl status");
    }
}
