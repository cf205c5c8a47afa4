/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/doctor/doctor-finding.h"

G_BEGIN_DECLS

/* Called with each finding, in the order of the hosts. `finding`: (transfer full) */
typedef void (*CtlOnFinding) (CtlFinding *finding, gpointer user_data);

gboolean ctl_hosts_try (Ctl *ctl, const char *const *hosts, GVariant *options,
                        CtlOnFinding on_finding, gpointer user_data);

G_END_DECLS
