/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verdicts that users and administrators are told of: kept for LastFailure, sent to subscribers,
 * and written to the journal. */

#include "config.h"

#include "daemon/bus/cpd-refusals.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-describe.h"

static void
record (const CpdBusParts *parts, CpdCaller *caller, const CpdVerdict *verdict)
{
  g_autoptr (GVariant) failure
      = g_variant_ref_sink (cpd_describe_failure (verdict, g_get_real_time () / G_USEC_PER_SEC));
  const char *host = cpd_host_get_text (verdict->target);
  const CpdNews news = { .signal = "PinFailed",
                         .host = host,
                         .scope = cpd_describe_scope (verdict->layer),
                         .arguments = g_variant_new ("(s@a{sv})", host, failure) };

  cpd_failures_record (parts->failures, caller->uid, verdict->target, failure);
  cpd_subscribers_tell (parts->subscribers, caller->uid, &news);
}

/* A host or a server was refused. */
void
cpd_refusals_note (const CpdBusParts *parts, CpdCaller *caller, const CpdVerdict *verdict)
{
  record (parts, caller, verdict);
  if (verdict->error != CERTPIN_ERROR_NOT_PINNED)
    cpd_audit_refused (caller, verdict);
}

/* A report-only pin did not match. */
void
cpd_refusals_note_report (const CpdBusParts *parts, CpdCaller *caller, const CpdVerdict *verdict)
{
  record (parts, caller, verdict);
  cpd_audit_report_only (caller, verdict);
}
