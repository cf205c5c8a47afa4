/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* Which keys are removed that were seen: those that were not in this time. A server may be one of
 * several, of which some still have the old key. */
#define CTL_ROTATION_REST_S (30 * 24 * 60 * 60)

/* When a key of a pin was seen at the server. */
typedef struct
{
  gint64 first, last; /* Unix seconds; 0: never */
} CtlSeen;

CtlSeen ctl_rotation_find_seen (GVariant *pin, const char *key);
GStrv ctl_rotation_find_unused (GVariant *pin, gint64 since, GError **error);
char *ctl_rotation_explain_rest (GVariant *pin);
void ctl_rotation_print (Ctl *ctl, GVariant *pin);

G_END_DECLS
