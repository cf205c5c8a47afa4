/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-parts.h"

G_BEGIN_DECLS

void cpd_refusals_note (const CpdBusParts *parts, CpdCaller *caller, const CpdVerdict *verdict);
void
cpd_refusals_note_reports (const CpdBusParts *parts, CpdCaller *caller, const CpdVerdict *verdict);

G_END_DECLS
