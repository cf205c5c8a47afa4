/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `doctor`: goes through everything that must work for a request, from the bus to the
 * servers of the pinned hosts, and says what helps. It changes nothing and asks nobody. */

#include "config.h"

#include "cli/doctor/doctor.h"

#include "cli/certpinctl-options.h"
#include "cli/certpinctl-request-options.h"
#include "cli/certpinctl-time.h"
#include "cli/doctor/doctor-bus.h"
#include "cli/doctor/doctor-files.h"
#include "cli/doctor/doctor-hosts.h"
#include "cli/doctor/doctor-pins.h"
#include "cli/doctor/doctor-rights.h"

#include <glib/gi18n.h>

#include <string.h>

/* For each host; somebody waits at a terminal. */
#define TIMEOUT_S "10" /* as the help has it, too */

/* How far the way to the service is known to be free. */
typedef enum
{
  REACH_NOTHING,
  REACH_BUS,
  REACH_SERVICE,
  REACH_ANSWERS,
} Reach;

static const char *const reasons[] = {
  [REACH_BUS] = N_ ("not checked, since the bus cannot be reached"),
  [REACH_SERVICE] = N_ ("not checked, since certpind does not run"),
  [REACH_ANSWERS] = N_ ("not checked, since certpind cannot be called"),
};

/* One run. */
typedef struct
{
  CtlPatient patient;
  Reach reach;
  GVariantBuilder findings;
  unsigned int count;
  unsigned int failed;
} Doctor;

/* The service refuses every certificate if the clock is before its release. */
static void
check_clock (CtlPatient *patient, CtlFinding *finding)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *now = ctl_time_to_text (now_s);
  g_autofree char *release = ctl_time_to_text (CPD_RELEASE_UNIX_S);

  if (now_s >= CPD_RELEASE_UNIX_S)
    {
      ctl_finding_pass (finding, "%s", now);
      return;
    }
  ctl_finding_fail (finding, _ ("%s is before the release of this version, %s"), now, release);
  ctl_finding_help (
      finding, _ ("With a wrong clock no certificate can be checked, so all requests are refused."),
      "timedatectl set-ntp true");
}

/* In their order. A check that needs more than can be reached is skipped. */
static const struct
{
  const char *name;
  Reach needs;
  Reach gives; /* if it passes */
  void (*run) (CtlPatient *patient, CtlFinding *finding);
} checks[] = {
  { N_ ("clock"), REACH_NOTHING, REACH_NOTHING, check_clock },
  { N_ ("bus"), REACH_NOTHING, REACH_BUS, ctl_check_bus },
  { N_ ("service"), REACH_BUS, REACH_SERVICE, ctl_check_service },
  { N_ ("bus policy"), REACH_SERVICE, REACH_ANSWERS, ctl_check_policy },
  { N_ ("version"), REACH_ANSWERS, REACH_NOTHING, ctl_check_version },
  { N_ ("files"), REACH_ANSWERS, REACH_NOTHING, ctl_check_files },
  { N_ ("trust store"), REACH_ANSWERS, REACH_NOTHING, ctl_check_trust },
  { N_ ("state folder"), REACH_ANSWERS, REACH_NOTHING, ctl_check_state },
  { N_ ("rights"), REACH_ANSWERS, REACH_NOTHING, ctl_check_rights },
  { N_ ("system pins"), REACH_ANSWERS, REACH_NOTHING, ctl_check_system_rights },
  { N_ ("pins"), REACH_ANSWERS, REACH_NOTHING, ctl_check_pins },
};

/* A CtlOnFinding. Shows it at once. */
static void
tell (CtlFinding *given, gpointer user_data)
{
  Doctor *doctor = user_data;
  Ctl *ctl = doctor->patient.ctl;
  g_autoptr (CtlFinding) finding = given;

  doctor->count += finding->state != CTL_STATE_SKIPPED;
  doctor->failed += finding->state == CTL_STATE_FAILED;
  if (ctl->json)
    {
      g_variant_builder_add_value (&doctor->findings, ctl_finding_to_variant (finding));
      return;
    }
  ctl_finding_print (ctl, finding);
  ctl_stream_flush (&ctl->out, /* error= */ NULL);
}

static void
run_checks (Doctor *doctor)
{
  GCancellable *cancellable = doctor->patient.ctl->cancellable;

  for (size_t i = 0; i < G_N_ELEMENTS (checks) && !g_cancellable_is_cancelled (cancellable); i++)
    {
      g_autoptr (CtlFinding) finding = ctl_finding_new (checks[i].name, /* host= */ NULL);

      if (checks[i].needs > doctor->reach)
        ctl_finding_skip (finding, "%s", _ (reasons[doctor->reach + 1]));
      else
        checks[i].run (&doctor->patient, finding);
      if (finding->state == CTL_STATE_OK)
        doctor->reach = MAX (doctor->reach, checks[i].gives);
      if (!g_cancellable_is_cancelled (cancellable))
        tell (g_steal_pointer (&finding), doctor);
    }
}

static void
skip_hosts (Doctor *doctor)
{
  static const char *const names[] = { N_ ("hosts"), N_ ("names"), N_ ("proxy") };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      CtlFinding *finding = ctl_finding_new (names[i], /* host= */ NULL);

      ctl_finding_skip (finding, "%s", _ (reasons[doctor->reach + 1]));
      tell (finding, doctor);
    }
}

static void
sum_up (Doctor *doctor, CtlSurvey *survey)
{
  Ctl *ctl = doctor->patient.ctl;
  g_autoptr (CtlFinding) names = ctl_finding_new ("names", /* host= */ NULL);
  g_autoptr (CtlFinding) proxy = ctl_finding_new ("proxy", /* host= */ NULL);

  ctl_survey_check_names (survey, ctl, names);
  if (g_cancellable_is_cancelled (ctl->cancellable))
    return;
  ctl_survey_check_proxy (survey, proxy);
  tell (g_steal_pointer (&names), doctor);
  tell (g_steal_pointer (&proxy), doctor);
}

/* `hosts`: those to try. Returns: FALSE if it was interrupted */
static gboolean
try_hosts (Doctor *doctor, char **hosts, GVariant *options)
{
  Ctl *ctl = doctor->patient.ctl;
  CtlSurvey survey = { 0 };
  const CtlHostsTask task = { (const char *const *)hosts, options, &survey };

  if (doctor->reach != REACH_ANSWERS)
    {
      skip_hosts (doctor);
      return TRUE;
    }
  if (ctl_hosts_try (ctl, &task, tell, doctor))
    sum_up (doctor, &survey);
  ctl_survey_clear (&survey);
  return !g_cancellable_is_cancelled (ctl->cancellable);
}

static void
print_end (Doctor *doctor)
{
  Ctl *ctl = doctor->patient.ctl;

  if (ctl->json)
    {
      ctl_print_json (&ctl->out, g_variant_new_parsed ("{'doctor': {'well': <%b>, 'checks': <%v>}}",
                                                       doctor->failed == 0,
                                                       g_variant_builder_end (&doctor->findings)));
      return;
    }
  ctl_print_blank (&ctl->out);
  if (doctor->failed == 0)
    ctl_print_line (&ctl->out, _ ("All %u checks pass."), doctor->count);
  else
    ctl_print_line (&ctl->out, _ ("%u of %u checks failed."), doctor->failed, doctor->count);
}

/* `hosts`: (nullable): those to try; NULL: all that are pinned.
 * Returns: FALSE with the error set if it was interrupted */
static gboolean
examine (Doctor *doctor, char **hosts, GVariant *options, GError **error)
{
  static char *none[] = { NULL };
  char **pinned;

  run_checks (doctor);
  pinned = doctor->patient.hosts != NULL ? doctor->patient.hosts : none;
  if (!g_cancellable_is_cancelled (doctor->patient.ctl->cancellable)
      && try_hosts (doctor, hosts != NULL ? hosts : pinned, options))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                       _ ("interrupted; the other checks were not made"));
  return FALSE;
}

/* What is typed wrong is no trouble of the machine. */
static gboolean
check_hosts (char **hosts, GError **error)
{
  for (char **host = hosts; host != NULL && *host != NULL; host++)
    if (strstr (*host, "://") != NULL)
      {
        g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST,
                     _ ("host ‘%s’ is a URL; give only the host name"), *host);
        return FALSE;
      }
  return TRUE;
}

CtlExit
ctl_doctor (Ctl *ctl, GError **error)
{
  g_autofree char *timeout = NULL;
  const GOptionEntry options[] = {
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
      N_ ("how long each host may take (default: 10)"), N_ ("SECONDS") },
    { NULL },
  };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) of_fetch = NULL;
  Doctor doctor = { .patient.ctl = ctl };
  CtlExit status = CTL_EXIT_FAILED;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  if (!ctl_request_add_timeout (&dict, timeout != NULL ? timeout : TIMEOUT_S, error))
    return CTL_EXIT_USAGE;
  if (!check_hosts (ctl->arguments, error))
    return CTL_EXIT_FAILED;
  of_fetch = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_variant_builder_init (&doctor.findings, G_VARIANT_TYPE ("aa{sv}"));
  if (examine (&doctor, ctl->arguments, of_fetch, error))
    {
      print_end (&doctor);
      status = doctor.failed == 0 ? CTL_EXIT_OK : CTL_EXIT_FAILED;
    }
  g_variant_builder_clear (&doctor.findings);
  ctl_patient_clear (&doctor.patient);
  return status;
}
