/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-ranges.h"

G_BEGIN_DECLS

/* Which addresses the administrator lets requests go to. Its maker fills it in; then it never
 * changes. Reference-counted. */
typedef struct
{
  CpdRanges *always;         /* nothing allows these */
  CpdRanges *deny;           /* Deny= */
  CpdRanges *deny_for_users; /* DenyForUsers= */
  CpdRanges *allow;          /* Allow=: exceptions from both */
} CpdAddressRules;

CpdAddressRules *cpd_address_rules_new (void);
CpdAddressRules *cpd_address_rules_ref (CpdAddressRules *rules);
void cpd_address_rules_unref (CpdAddressRules *rules);

char *
cpd_address_rules_refuse (const CpdAddressRules *rules, GInetAddress *address, gboolean for_user);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdAddressRules, cpd_address_rules_unref)

G_END_DECLS
