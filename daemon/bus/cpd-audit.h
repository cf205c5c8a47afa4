/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-caller.h"
#include "daemon/core/pins/cpd-apps.h"
#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

/* What callers cause; there may be very much of it. */
typedef struct _CpdAudit CpdAudit;

CpdAudit *cpd_audit_new (CpdApps *apps);
void cpd_audit_free (CpdAudit *audit);

void
cpd_audit_pin_kept (CpdAudit *audit, CpdCaller *caller, const CpdPin *pin, const GError *failure);
void cpd_audit_refused (CpdAudit *audit, CpdCaller *caller, const CpdVerdict *verdict);
void cpd_audit_report_only (CpdAudit *audit, CpdCaller *caller, const CpdVerdict *verdict);
void cpd_audit_denied (CpdAudit *audit, CpdCaller *caller, const char *action);

void cpd_audit_pin_changed (CpdAudit *audit, const CpdCaller *caller, const CpdPin *old,
                            const CpdPin *pin);
void cpd_audit_pin_removed (CpdAudit *audit, const CpdCaller *caller, const CpdPin *old);
void cpd_audit_reloaded (const CpdCaller *caller);
void cpd_audit_pin_paused (CpdAudit *audit, const CpdCaller *caller, const CpdPin *pin);
void cpd_audit_pin_resumed (CpdAudit *audit, const CpdCaller *caller, const CpdPin *paused);
void cpd_audit_pause_over (CpdAudit *audit, CpdOwner owner, const CpdPin *paused);
void cpd_audit_key_seen (CpdAudit *audit, CpdOwner owner, const CpdPin *pin, const char *key,
                         unsigned int position);
void cpd_audit_pin_warned (CpdAudit *audit, CpdOwner owner, const CpdPin *pin, GStrv warnings);
void cpd_audit_sightings_failed (const char *problem);
void cpd_audit_sightings_recovered (void);
void cpd_audit_store_broken (GPtrArray *problems);
void cpd_audit_reload_failed (const CpdCaller *caller, GPtrArray *problems);

G_END_DECLS
