/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The check of all files that the service reads: pin files, the trust file, and the folder where it
 * keeps what was pinned. Only it can read them, so it is asked. */

#include "config.h"

#include "cli/doctor/doctor-files.h"

#include "cli/certpinctl-reply.h"
#include "cli/certpinctl-wait.h"

void
ctl_check_files (CtlPatient *patient, CtlFinding *finding)
{
  Ctl *ctl = patient->ctl;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) status = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree const char **problems = NULL;
  unsigned int count;

  certpin_client_get_status_async (ctl->client, /* options= */ NULL, ctl->cancellable,
                                   ctl_on_result, ctl);
  result = ctl_wait (ctl);
  status = ctl_reply_take (certpin_client_get_status_finish (ctl->client, result, &error),
                           CTL_REPLY_STATUS, &error);
  if (status == NULL)
    {
      ctl_finding_fail (finding, "certpind does not say how it is: %s", error->message);
      ctl_finding_help (finding, /* meaning= */ NULL,
                        "journalctl --boot --unit=certpind --lines=20");
      return;
    }
  g_variant_lookup (status, "problems", "^a&s", &problems);
  count = g_strv_length ((char **)problems);
  if (count == 0)
    {
      ctl_finding_pass (finding, "certpind has read all of its files");
      return;
    }
  ctl_finding_fail (finding, "%s%s", problems[0], count > 1 ? ", and more" : "");
  ctl_finding_help (finding,
                    "Until it is right, requests that depend on it are refused, or the files of "
                    "before stay in force.",
                    "certpinctl status");
}
