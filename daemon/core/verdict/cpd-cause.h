/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-policy.h"
#include "daemon/core/verdict/cpd-peer.h"

G_BEGIN_DECLS

/* What most likely happened when a server was refused. */
typedef struct
{
  const char *reason; /* a word for programs */
  char *likely;       /* (owned) one sentence */
  const char *advice; /* one sentence */
} CpdCause;

CpdCause cpd_cause_of_untrusted (CpdPolicy *policy, const CpdPin *pin, CpdPeer *peer,
                                 const CpdValidation *validation);
CpdCause
cpd_cause_of_mismatch (CpdPin *pin, CpdPeer *peer, const CpdValidation *validation, gint64 now);
void cpd_cause_clear (CpdCause *cause);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CpdCause, cpd_cause_clear)

G_END_DECLS
