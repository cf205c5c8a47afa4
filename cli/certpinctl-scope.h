/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* The option of a verb; `what` describes it. */
#define CTL_OPTION_APP(ctl, what)                                                                  \
  {                                                                                                \
    "app", 0, 0, G_OPTION_ARG_STRING, &(ctl)->app, what, N_ ("APP")                                \
  }

gboolean ctl_scope_check (Ctl *ctl, const GOptionEntry *options, GError **error);
const char *ctl_scope_find_name (Ctl *ctl, gboolean system, GError **error);
gboolean ctl_scope_is_inside (Ctl *ctl);
void ctl_scope_add (const Ctl *ctl, gboolean system, GVariantDict *options);
GVariant *ctl_scope_options (const Ctl *ctl, gboolean system);
char *ctl_scope_make_option (const Ctl *ctl, gboolean system);
GStrv ctl_scope_list_apps (Ctl *ctl, GError **error);

G_END_DECLS
