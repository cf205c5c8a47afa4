/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

void
cpd_chain_answer_add_trust (GVariantDict *dict, CpdPeer *peer, const CpdValidation *validation);
void cpd_chain_answer_add_verdict (GVariantDict *dict, const CpdVerdict *verdict);

G_END_DECLS
