/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* A pin that is not in force yet. */
typedef struct
{
  const char *host;
  char **keys;
  GVariant *options; /* `a{sv}`, with those of PinKeys */
} CtlOutage;

void ctl_outage_tell_unchecked (Ctl *ctl, const char *host, const char *reason);
gboolean ctl_outage_find (Ctl *ctl, const CtlOutage *pin, char **text, GError **error);
gboolean ctl_outage_confirm (Ctl *ctl, const CtlOutage *pin, gboolean yes, GError **error);

G_END_DECLS
