/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the trials of all hosts say of what they share: the name servers, and the proxy. The error
 * of a host does not tell a name that leads nowhere from a server that is down, so such names are
 * looked up. */

#include "config.h"

#include "cli/doctor/doctor-survey.h"

#include "cli/certpinctl-host.h"
#include "cli/certpinctl-input.h"
#include "cli/certpinctl-name.h"

#include <string.h>

/* Many hosts may be down. */
#define NAMES_MAX 20

void
ctl_survey_clear (CtlSurvey *survey)
{
  g_clear_pointer (&survey->found, g_hash_table_unref);
  g_clear_pointer (&survey->unclear, g_hash_table_unref);
  g_clear_pointer (&survey->proxy, g_free);
  g_clear_error (&survey->refusal);
}

/* Hosts that differ in their ports have one name. `name`: (transfer full) */
static void
add (GHashTable **names, char *name)
{
  if (*names == NULL)
    *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_add (*names, name);
}

/* `error`: (nullable): of the trial */
static void
note_direct (CtlSurvey *survey, const char *host, const GError *error)
{
  g_autofree char *name = NULL;
  guint16 port;
  int code = error != NULL ? error->code : CERTPIN_ERROR_TLS_FAILED;

  ctl_host_split (host, &name, &port);
  if (g_hostname_is_ip_address (name))
    return;
  if (code == CERTPIN_ERROR_OFFLINE)
    survey->offline++;
  else if (code == CERTPIN_ERROR_TLS_FAILED || code == CERTPIN_ERROR_ADDRESS_DENIED)
    add (&survey->found, g_steal_pointer (&name));
  else if (code == CERTPIN_ERROR_UNREACHABLE || code == CERTPIN_ERROR_TIMED_OUT)
    add (&survey->unclear, g_steal_pointer (&name));
}

/* `error`: (nullable): of the trial */
static void
note_proxy (CtlSurvey *survey, const char *proxy, const GError *error)
{
  if (survey->proxy == NULL)
    survey->proxy = g_strdup (proxy);
  if (error == NULL || error->code == CERTPIN_ERROR_TLS_FAILED)
    survey->through++;
  else if (error->code == CERTPIN_ERROR_PROXY_FAILED
           || error->code == CERTPIN_ERROR_PROXY_AUTH_REQUIRED)
    {
      survey->failed++;
      if (survey->refusal == NULL)
        survey->refusal = g_error_copy (error);
    }
  else
    survey->silent++;
}

/* Does nothing if no connection was tried. */
void
ctl_survey_note (CtlSurvey *survey, const CtlExam *exam)
{
  const char *proxy = "direct";

  if (exam->explanation == NULL || (exam->info == NULL && exam->error == NULL)
      || (exam->error != NULL && exam->error->domain != CERTPIN_ERROR))
    return;
  g_variant_lookup (exam->explanation, "proxy", "&s", &proxy);
  if (strcmp (proxy, "direct") == 0)
    note_direct (survey, exam->host, exam->error);
  else
    note_proxy (survey, proxy, exam->error);
}

/* Names */

static void
fail_without_server (CtlFinding *finding, const char *name)
{
  ctl_finding_fail (finding, "no name server says where ‘%s’ is", name);
  ctl_finding_help (finding,
                    "The network is there, but names do not resolve. /etc/resolv.conf says which "
                    "name servers are asked.",
                    "cat /etc/resolv.conf");
}

static void
fail_without_address (CtlFinding *finding, const char *name, unsigned int others)
{
  g_autofree char *quoted = ctl_input_quote (name);
  g_autofree char *command = g_strconcat ("getent ahosts ", quoted, NULL);

  if (others > 0)
    ctl_finding_fail (finding, "‘%s’ and %u more have no address", name, others);
  else
    ctl_finding_fail (finding, "‘%s’ has no address", name);
  ctl_finding_help (finding,
                    "The name servers answer, but do not know the name. Is it spelled right, and "
                    "does it exist in this network?",
                    command);
}

/* `absent`: gets the names that have no address.
 * Returns: (nullable): a name that nobody could say anything of */
static const char *
look_up_unclear (CtlSurvey *survey, Ctl *ctl, GPtrArray *absent)
{
  GHashTableIter iter;
  gpointer name;

  if (survey->unclear == NULL)
    return NULL;
  g_hash_table_iter_init (&iter, survey->unclear);
  for (unsigned int i = 0; i < NAMES_MAX && g_hash_table_iter_next (&iter, &name, NULL); i++)
    {
      g_autoptr (GError) error = NULL;

      if (ctl_name_look_up (ctl, name, &error))
        add (&survey->found, g_strdup (name));
      else if (g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
        g_ptr_array_add (absent, name);
      else
        return name;
    }
  return NULL;
}

void
ctl_survey_check_names (CtlSurvey *survey, Ctl *ctl, CtlFinding *finding)
{
  g_autoptr (GPtrArray) absent = g_ptr_array_new ();
  const char *unanswered = look_up_unclear (survey, ctl, absent);
  unsigned int found = survey->found != NULL ? g_hash_table_size (survey->found) : 0;

  if (unanswered != NULL)
    fail_without_server (finding, unanswered);
  else if (absent->len > 0)
    fail_without_address (finding, absent->pdata[0], absent->len - 1);
  else if (found > 0)
    ctl_finding_pass (finding, found == 1 ? "%u name resolves" : "%u names resolve", found);
  else
    ctl_finding_skip (finding, survey->offline > 0
                                   ? "not checked, since this machine has no network"
                                   : "no host was tried by its name");
}

/* The proxy */

static void
fail_by_refusal (CtlSurvey *survey, CtlFinding *finding)
{
  gboolean demands = survey->refusal->code == CERTPIN_ERROR_PROXY_AUTH_REQUIRED;

  ctl_finding_fail (finding, "‘%s’ fails %u of %u hosts: %s", survey->proxy, survey->failed,
                    survey->failed + survey->through + survey->silent, survey->refusal->message);
  finding->problem = g_strdup (certpin_error_get_name ((CertpinError)survey->refusal->code));
  ctl_finding_help (finding,
                    demands ? "It wants a password, or another one. ProxyCredentials in "
                              "certpind.conf names the file of it."
                            : "Nothing goes around it. Proxy in certpind.conf names it, and "
                              "NoProxy the hosts that do not need it.",
                    "man certpind.conf");
}

void
ctl_survey_check_proxy (CtlSurvey *survey, CtlFinding *finding)
{
  if (survey->proxy == NULL)
    ctl_finding_skip (finding, "no host was tried through one");
  else if (survey->refusal != NULL)
    fail_by_refusal (survey, finding);
  else if (survey->through > 0)
    ctl_finding_pass (finding, "‘%s’ connects to %u of %u hosts", survey->proxy, survey->through,
                      survey->through + survey->silent);
  else
    ctl_finding_skip (finding, "‘%s’ connected to no host in time", survey->proxy);
}
