/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes security events to the journal. Each kind has its own MESSAGE_ID, so that an administrator
 * can search for it: journalctl MESSAGE_ID=… Of a request, only the host is logged; key material
 * never is. */

#include "config.h"

#include "daemon/bus/cpd-audit.h"

#include "daemon/bus/cpd-describe.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-text.h"
#include "dbus/certpin-names.h"

#define DOMAIN "certpind"

void
cpd_audit_pin_changed (const CpdCaller *caller, const CpdPin *pin)
{
  g_autofree char *who = cpd_caller_describe (caller);
  const char *host = cpd_host_get_text (pin->host);

  g_log_structured (DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", CERTPIN_MESSAGE_PIN_CHANGED,
                    "CERTPIN_HOST", host, "CERTPIN_SENDER", caller->sender, "CERTPIN_SCOPE",
                    cpd_describe_scope (pin->layer), "MESSAGE", "%s %s %s in the %s scope", who,
                    pin->state == CPD_STATE_BLOCKED ? "blocked" : "pinned", host,
                    cpd_describe_scope (pin->layer));
}

/* A pinning failed, and its caller wanted what was there to stay. `pin`: of which host and scope.
 * The message may quote the certificate, and is not logged. */
void
cpd_audit_pin_kept (const CpdCaller *caller, const CpdPin *pin, const GError *failure)
{
  g_autofree char *who = cpd_caller_describe (caller);
  const char *host = cpd_host_get_text (pin->host), *scope = cpd_describe_scope (pin->layer);
  const char *reason = certpin_error_get_name ((CertpinError)failure->code);

  g_log_structured (
      DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", CERTPIN_MESSAGE_PIN_KEPT, "CERTPIN_HOST", host,
      "CERTPIN_SENDER", caller->sender, "CERTPIN_SCOPE", scope, "CERTPIN_REASON", reason, "MESSAGE",
      "%s could not pin %s in the %s scope (%s); nothing was changed", who, host, scope, reason);
}

void
cpd_audit_pin_removed (const CpdCaller *caller, CpdHost *host, CpdLayer layer)
{
  g_autofree char *who = cpd_caller_describe (caller);

  g_log_structured (DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", CERTPIN_MESSAGE_PIN_CHANGED,
                    "CERTPIN_HOST", cpd_host_get_text (host), "CERTPIN_SENDER", caller->sender,
                    "CERTPIN_SCOPE", cpd_describe_scope (layer), "MESSAGE",
                    "%s unpinned %s in the %s scope", who, cpd_host_get_text (host),
                    cpd_describe_scope (layer));
}

void
cpd_audit_pin_paused (const CpdCaller *caller, const CpdPin *pin)
{
  g_autofree char *who = cpd_caller_describe (caller);
  g_autofree char *until = cpd_text_time (pin->pause->until);
  const char *host = cpd_host_get_text (pin->host), *scope = cpd_describe_scope (pin->layer);

  g_log_structured (DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", CERTPIN_MESSAGE_PIN_PAUSED,
                    "CERTPIN_HOST", host, "CERTPIN_SENDER", caller->sender, "CERTPIN_SCOPE", scope,
                    "CERTPIN_REASON", pin->pause->reason, "MESSAGE",
                    "%s paused the pin of %s in the %s scope until %s, so that other keys pass: %s",
                    who, host, scope, until, pin->pause->reason);
}

/* `caller`: (nullable): NULL: its time is over. `paused`: the pin as it was before the end. */
void
cpd_audit_pin_resumed (const CpdCaller *caller, const CpdPin *paused)
{
  g_autofree char *who = caller != NULL ? cpd_caller_describe (caller) : NULL;
  const char *host = cpd_host_get_text (paused->host), *scope = cpd_describe_scope (paused->layer);
  const char *by = paused->pause->by != NULL ? paused->pause->by : "somebody";
  const char *reason = paused->pause->reason;
  g_autofree char *message
      = who != NULL
            ? g_strdup_printf ("%s ended the pause of the pin of %s in the %s scope, which %s had "
                               "begun: %s",
                               who, host, scope, by, reason)
            : g_strdup_printf ("the time is over for which %s had paused the pin of %s in the %s "
                               "scope: %s",
                               by, host, scope, reason);

  g_log_structured (DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", CERTPIN_MESSAGE_PIN_RESUMED,
                    "CERTPIN_HOST", host, "CERTPIN_SENDER", caller != NULL ? caller->sender : "",
                    "CERTPIN_SCOPE", scope, "CERTPIN_REASON", reason, "MESSAGE", "%s", message);
}

void
cpd_audit_refused (const CpdCaller *caller, const CpdVerdict *verdict)
{
  g_autofree char *who = cpd_caller_describe (caller);

  g_log_structured (DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", CERTPIN_MESSAGE_PIN_FAILED,
                    "CERTPIN_HOST", cpd_host_get_text (verdict->target), "CERTPIN_SENDER",
                    caller->sender, "CERTPIN_VERDICT", certpin_error_get_name (verdict->error),
                    "CERTPIN_REASON", verdict->reason, "MESSAGE", "refused a request of %s: %s",
                    who, verdict->message);
}

/* The report exists only because the pin only reports: by its mode, or for a while. */
void
cpd_audit_report_only (const CpdCaller *caller, const CpdVerdict *verdict)
{
  const char *how = verdict->pin->mode == CPD_MODE_REPORT ? "report-only" : "paused";
  g_autofree char *who = cpd_caller_describe (caller);

  g_log_structured (DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", CERTPIN_MESSAGE_REPORT_ONLY,
                    "CERTPIN_HOST", cpd_host_get_text (verdict->target), "CERTPIN_SENDER",
                    caller->sender, "CERTPIN_VERDICT", certpin_error_get_name (verdict->error),
                    "CERTPIN_REASON", verdict->reason, "MESSAGE",
                    "sent a request of %s, because the pin is %s: %s", who, how, verdict->message);
}

void
cpd_audit_denied (const CpdCaller *caller, const char *action)
{
  g_autofree char *who = cpd_caller_describe (caller);

  g_log_structured (DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", CERTPIN_MESSAGE_DENIED,
                    "CERTPIN_SENDER", caller->sender, "CERTPIN_ACTION", action, "MESSAGE",
                    "%s is not authorized for ‘%s’", who, action);
}

/* Returns: (transfer full): whose pin: “the system” or a uid. `uid`: CPD_ALL_UIDS for the system */
static char *
describe_owner (guint32 uid)
{
  return uid == CPD_ALL_UIDS ? g_strdup ("the system") : g_strdup_printf ("uid %u", uid);
}

/* A key of a pin, for the first time. A key is public: it is named so that people can tell which
 * one a server has begun to use. */
void
cpd_audit_key_seen (guint32 uid, const CpdPin *pin, const char *key, unsigned int position)
{
  g_autofree char *owner = describe_owner (uid);
  const char *host = cpd_host_get_text (pin->host);

  g_log_structured (DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", CERTPIN_MESSAGE_KEY_SEEN,
                    "CERTPIN_HOST", host, "CERTPIN_SCOPE", cpd_describe_scope (pin->layer),
                    "CERTPIN_OWNER", owner, "CERTPIN_KEY", key, "MESSAGE",
                    "a server of %s was seen with key %u of %u of the pin of %s for the first time",
                    host, position + 1, pin->keys->len, owner);
}

/* At most once a day for each pin. */
void
cpd_audit_pin_warned (guint32 uid, const CpdPin *pin, GStrv warnings)
{
  g_autofree char *owner = describe_owner (uid), *all = g_strjoinv ("; ", warnings);
  const char *host = cpd_host_get_text (pin->host);

  g_log_structured (DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", CERTPIN_MESSAGE_PIN_WARNED,
                    "CERTPIN_HOST", host, "CERTPIN_SCOPE", cpd_describe_scope (pin->layer),
                    "CERTPIN_OWNER", owner, "MESSAGE", "the pin of %s for %s: %s", owner, host,
                    all);
}

/* It was not read or written when keys were seen: that refuses nothing. */
void
cpd_audit_sightings_failed (const char *problem)
{
  g_log_structured (DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", CERTPIN_MESSAGE_SIGHTINGS, "MESSAGE",
                    "%s; no request depends on this", problem);
}

/* `effect`: what the problem leads to */
static void
tell_problem (const CpdFault *problem, const char *effect)
{
  g_autofree char *text = cpd_fault_to_text (problem);
  g_autofree char *message = g_strdup_printf ("%s; %s", text, effect);
  g_autofree char *line = g_strdup_printf ("%u", problem->line);
  GLogField fields[7] = { { "GLIB_DOMAIN", DOMAIN, -1 },
                          { "PRIORITY", "4", -1 }, /* a warning */
                          { "MESSAGE_ID", CERTPIN_MESSAGE_STORE_BROKEN, -1 },
                          { "MESSAGE", message, -1 } };
  size_t n = 4;

  if (problem->file != NULL)
    fields[n++] = (GLogField){ "CERTPIN_FILE", problem->file, -1 };
  if (problem->line != 0)
    fields[n++] = (GLogField){ "CERTPIN_LINE", line, -1 };
  if (problem->key != NULL)
    fields[n++] = (GLogField){ "CERTPIN_KEY", problem->key, -1 };
  g_log_structured_array (G_LOG_LEVEL_WARNING, fields, n);
}

static void
tell_problems (GPtrArray *problems, const char *effect)
{
  for (unsigned int i = 0; i < problems->len; i++)
    tell_problem (problems->pdata[i], effect);
}

/* At the start. `problems`: of CpdFault: each gets an entry */
void
cpd_audit_store_broken (GPtrArray *problems)
{
  tell_problems (problems, "requests that depend on this are refused until it is fixed");
}

/* `problems`: likewise */
void
cpd_audit_reload_failed (GPtrArray *problems)
{
  tell_problems (problems, "nothing was reloaded, so the old pins and trust anchors stay in force");
}
