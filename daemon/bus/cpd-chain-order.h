/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-trust.h"
#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

/* What VerifyChain is asked to judge. */
typedef struct
{
  CpdHost *host;    /* NULL: the path alone */
  GPtrArray *chain; /* of GBytes, as presented */
  gint64 time;      /* Unix seconds */
  gint64 took_us;   /* of processor time: set by whoever has it judged */
  CpdPurpose purpose;
  CpdAnchors *anchors; /* instead of the system's; NULL: not given */
  CpdPin *supposed;    /* instead of what is pinned; NULL: not given */
  CpdPolicy *policy;   /* the pins; set when the caller is known; NULL without a host */
} CpdChainOrder;

CpdChainOrder *cpd_chain_order_new (const char *host, GVariant *chain, GVariant *options,
                                    gint64 now, GError **error);
void cpd_chain_order_free (CpdChainOrder *order);

GVariant *cpd_chain_order_judge (CpdChainOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdChainOrder, cpd_chain_order_free)

G_END_DECLS
