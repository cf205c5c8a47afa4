/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

GVariant *ctl_chain_fetch (Ctl *ctl, const char *host, GPtrArray **chain, GError **error);
GVariant *
ctl_chain_judge (Ctl *ctl, const char *host, GPtrArray *chain, GVariant *options, GError **error);
GVariant *ctl_chain_judging_options (char **keys, GVariant *pin_options, const char *scope);

G_END_DECLS
