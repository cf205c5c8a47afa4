/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verdicts that users and administrators are told of: kept for LastFailure, sent to subscribers,
 * and written to the journal. */

#include "config.h"

#include "daemon/bus/cpd-refusals.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-describe.h"

/* Returns: (transfer full): a{sv} */
static GVariant *
describe (const CpdCaller *caller, const CpdVerdict *verdict)
{
  g_autoptr (GVariant) failure
      = g_variant_ref_sink (cpd_describe_failure (verdict, g_get_real_time () / G_USEC_PER_SEC));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (failure);

  g_variant_dict_insert_value (&dict, "requested-by",
                               g_variant_new_take_string (cpd_caller_describe (caller)));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* `owner`: who is told */
static void
record (const CpdBusParts *parts, CpdCaller *caller, CpdOwner owner, const CpdVerdict *verdict)
{
  g_autoptr (GVariant) failure = describe (caller, verdict);
  const char *host = cpd_host_get_text (verdict->target);
  const CpdNews news = { .signal = "PinFailed",
                         .host = host,
                         .scope = cpd_describe_scope (verdict->layer),
                         .arguments = g_variant_new ("(s@a{sv})", host, failure) };

  cpd_failures_record (parts->failures, owner, verdict->target, failure);
  cpd_subscribers_tell (parts->subscribers, owner, &news);
}

/* A host or a server was refused. Where the pin of an app's user did, the app learns only that; the
 * user, and the journal, learn why. */
void
cpd_refusals_note (const CpdBusParts *parts, CpdCaller *caller, const CpdVerdict *verdict)
{
  record (parts, caller, caller->owner, verdict);
  if (verdict->hidden != NULL)
    record (parts, caller, cpd_owner_get_user (caller->owner), verdict->hidden);
  cpd_status_count_refusal (parts->status, caller->owner);
  cpd_audit_refused (parts->audit, caller, verdict->hidden != NULL ? verdict->hidden : verdict);
}

static void
note_report (const CpdBusParts *parts, CpdCaller *caller, CpdOwner owner, const CpdVerdict *report)
{
  if (report == NULL)
    return;
  record (parts, caller, owner, report);
  cpd_audit_report_only (parts->audit, caller, report);
}

/* A server passed: tells whether a report-only pin did not match, and of the pin of an app's user,
 * that user alone. */
void
cpd_refusals_note_reports (const CpdBusParts *parts, CpdCaller *caller, const CpdVerdict *verdict)
{
  note_report (parts, caller, caller->owner, verdict->report);
  note_report (parts, caller, cpd_owner_get_user (caller->owner), verdict->hidden);
}
