/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the trial of a host means, and what helps: a table by error and problem. */

#include "config.h"

#include "cli/doctor/doctor-diagnosis.h"

#include "cli/certpinctl-accept.h"
#include "cli/certpinctl-host.h"
#include "cli/certpinctl-input.h"
#include "cli/certpinctl-time.h"

#include <glib/gi18n.h>

#include <string.h>

/* A date without the time of day. */
#define DATE_LENGTH 10
#define HTTPS_PORT  443

void
ctl_exam_clear (CtlExam *exam)
{
  g_clear_pointer (&exam->explanation, g_variant_unref);
  g_clear_pointer (&exam->info, g_variant_unref);
  g_clear_error (&exam->error);
}

static gboolean
applies (GVariant *pin)
{
  gboolean result = FALSE;

  g_variant_lookup (pin, "applies", "b", &result);
  return result;
}

/* What a pin in this state refuses every request with; NULL: nothing. */
static const char *
refusal_of_pin (GVariant *pin)
{
  const char *state = "";

  g_variant_lookup (pin, "state", "&s", &state);
  if (strcmp (state, "blocked") == 0)
    return certpin_error_get_name (CERTPIN_ERROR_BLOCKED);
  if (strcmp (state, "expired") == 0)
    return certpin_error_get_name (CERTPIN_ERROR_PIN_EXPIRED);
  return NULL;
}

/* Returns: (nullable): the NAME of the error with which requests to the host are refused whatever
 * its server presents; NULL: that depends on the server */
const char *
ctl_diagnosis_of_pins (GVariant *explanation)
{
  g_autoptr (GVariant) pins
      = g_variant_lookup_value (explanation, "pins", G_VARIANT_TYPE ("aa{sv}"));
  const char *refusal = NULL;
  gsize count = 0;

  for (gsize i = 0; i < g_variant_n_children (pins) && refusal == NULL; i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);

      count += applies (pin);
      refusal = applies (pin) ? refusal_of_pin (pin) : NULL;
    }
  return count > 0 ? refusal : certpin_error_get_name (CERTPIN_ERROR_NOT_PINNED);
}

/* In a command, the host and its address with the port have these words; NULL: none. */
static const struct
{
  const char *word; /* a NAME of an error, or a problem of a certificate */
  const char *meaning;
  const char *command;
} remedies[] = {
  { "NotPinned", N_ ("Requests go only to hosts that are pinned."), "certpinctl pin --fetch HOST" },
  { "Blocked",
    N_ ("Somebody decided so, or the host could not be pinned. If a pin file blocks it, only the "
        "administrator can change that."),
    "certpinctl explain HOST" },
  { "PinExpired", N_ ("Pin it again, with the key that its server has now."),
    "certpinctl show HOST" },
  { "PinMismatch",
    N_ ("Its server has another key than the pinned ones. If a file of the administrator pins it, "
        "that file has to be changed."),
    "certpinctl explain HOST" },
  { "Unreachable", N_ ("Does its server run, on this port, and does a firewall let it through?"),
    "openssl s_client -connect ADDRESS" },
  { "Offline", N_ ("This machine has no network."), "ip route" },
  { "TimedOut", N_ ("Its server or the network is slow, or a firewall drops packets."),
    "certpinctl doctor --timeout=60 HOST" },
  { "TlsFailed", N_ ("Something else than an HTTPS server answers there, or an old one."),
    "openssl s_client -connect ADDRESS" },
  { "AddressDenied",
    N_ ("Besides link-local addresses, those that Deny and DenyForUsers in certpind.conf name."),
    "man certpind.conf" },
  { "ProxyFailed", N_ ("Proxy in certpind.conf names it."), "man certpind.conf" },
  { "ProxyAuthRequired", N_ ("ProxyCredentials in certpind.conf names the file of its password."),
    "man certpind.conf" },
  { "clock", N_ ("Certificates cannot be checked with a wrong clock."),
    "timedatectl set-ntp true" },
  { "not-yet-valid", N_ ("Is the clock of this machine right?"), "timedatectl status" },
  { "expired",
    N_ ("Its operator has to renew the certificate. Is the clock of this machine right?"),
    "timedatectl status" },
  { "unknown-issuer",
    N_ ("No trust anchor of this machine issued the certificate. If an authority of your own did, "
        "it has to be installed, or pinned with --trust-anchor."),
    "certpinctl key --chain HOST" },
  { "self-signed", N_ ("Its operator needs a certificate of an authority."),
    "certpinctl key --chain HOST" },
  { "captive-portal", N_ ("Does this network want you to log in?"), NULL },
  { "name", N_ ("The certificate is for another host."), "certpinctl key --chain HOST" },
};

/* Returns: (transfer full): the host with its port */
static char *
address_of (const char *host)
{
  g_autofree char *name = NULL;
  guint16 port;

  if (ctl_host_split (host, &name, &port))
    return g_strdup (host);
  return g_strdup_printf (strchr (name, ':') != NULL ? "[%s]:%d" : "%s:%d", name, HTTPS_PORT);
}

/* `word`: (inout) (transfer full): of a command. What it becomes is quoted, so that a host that has
 * such a word in its name is not taken for one again. */
static void
replace (char **word, const char *variable, const char *by)
{
  if (strcmp (*word, variable) != 0)
    return;
  g_free (*word);
  *word = ctl_input_quote (by);
}

/* `command`: (nullable). Returns: (transfer full) (nullable): the command for this host */
static char *
fill_in (const char *command, const char *host)
{
  g_auto (GStrv) words = NULL;
  g_autofree char *address = address_of (host);

  if (command == NULL)
    return NULL;
  words = g_strsplit (command, " ", /* max_tokens= */ 0);
  for (char **word = words; *word != NULL; word++)
    {
      replace (word, "ADDRESS", address);
      replace (word, "HOST", host);
    }
  return g_strjoinv (" ", words);
}

/* Returns: whether there is one */
static gboolean
add_remedy (CtlFinding *finding, const CtlExam *exam, const char *word)
{
  for (size_t i = 0; i < G_N_ELEMENTS (remedies); i++)
    if (strcmp (remedies[i].word, word) == 0)
      {
        g_autofree char *command = fill_in (remedies[i].command, exam->host);

        ctl_finding_help (finding, _ (remedies[i].meaning), command);
        return TRUE;
      }
  return FALSE;
}

/* Returns: (transfer full) (nullable): the command that accepts the key */
static char *
find_accept (Ctl *ctl, const CtlExam *exam)
{
  static const char *const scopes[] = { "system", "user" };
  g_autoptr (GVariant) offered
      = g_variant_lookup_value (exam->info, "offered-keys", G_VARIANT_TYPE ("as"));
  char *command = NULL;

  for (size_t i = 0; offered != NULL && command == NULL && i < G_N_ELEMENTS (scopes); i++)
    {
      g_autoptr (GVariant) failure = g_variant_ref_sink (g_variant_new_parsed (
          "{'error': <'PinMismatch'>, 'scope': <%s>, 'offered-keys': %v}", scopes[i], offered));

      command = ctl_accept_find (ctl, exam->host, failure);
    }
  return command;
}

static void
fail_by_error (CtlFinding *finding, const CtlExam *exam)
{
  finding->problem = g_strdup (ctl_error_name (exam->error));
  ctl_finding_fail (finding, "%s", exam->error->message);
  add_remedy (finding, exam, finding->problem);
}

/* The pins refuse every server. */
static void
fail_by_pins (CtlFinding *finding, const CtlExam *exam)
{
  const char *policy = "";

  g_variant_lookup (exam->explanation, "policy", "&s", &policy);
  ctl_finding_fail (finding, "%s", policy);
  finding->problem = g_strdup (ctl_diagnosis_of_pins (exam->explanation));
  add_remedy (finding, exam, finding->problem);
}

static void
fail_by_verdict (Ctl *ctl, CtlFinding *finding, const CtlExam *exam, const char *verdict)
{
  const char *reason = "", *problem = "";
  g_autofree char *accept = NULL;

  g_variant_lookup (exam->info, "reason", "&s", &reason);
  g_variant_lookup (exam->info, "handshake-error", "&s", &reason);
  g_variant_lookup (exam->info, "problem", "&s", &problem);
  ctl_finding_fail (finding, "%s", reason);
  finding->problem = g_strdup (verdict);
  if (strcmp (verdict, "PinMismatch") == 0)
    accept = find_accept (ctl, exam);
  if (accept != NULL)
    ctl_finding_help (
        finding,
        _ ("Only the operator of the server can say whether its new key is right. If it "
           "is, this accepts it:"),
        accept);
  else if (strcmp (verdict, "Untrusted") != 0 || !add_remedy (finding, exam, problem))
    add_remedy (finding, exam, verdict);
}

static void
pass (CtlFinding *finding, const CtlExam *exam)
{
  g_autoptr (GVariant) certificates
      = g_variant_lookup_value (exam->info, "certificates", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) own = g_variant_get_child_value (certificates, 0);
  g_autofree char *until = NULL;
  const char *proxy = NULL;
  gint64 end = 0;

  g_variant_lookup (own, "not-after", "x", &end);
  g_variant_lookup (exam->info, "proxy", "&s", &proxy);
  until = ctl_time_to_text (end);
  if (strlen (until) > DATE_LENGTH)
    until[DATE_LENGTH] = '\0';
  ctl_finding_pass (finding, _ ("passes%s%s; its certificate ends on %s"),
                    proxy != NULL ? _ (" through ") : "", proxy != NULL ? proxy : "", until);
}

/* Returns: (transfer full) */
CtlFinding *
ctl_diagnosis_new (Ctl *ctl, const CtlExam *exam)
{
  CtlFinding *finding = ctl_finding_new ("host", exam->host);
  const char *verdict = "";

  if (exam->error != NULL)
    fail_by_error (finding, exam);
  else if (exam->info == NULL)
    fail_by_pins (finding, exam);
  else if (g_variant_lookup (exam->info, "verdict", "&s", &verdict)
           && strcmp (verdict, "Pass") == 0)
    pass (finding, exam);
  else
    fail_by_verdict (ctl, finding, exam, verdict);
  return finding;
}
