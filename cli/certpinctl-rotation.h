/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* When a key of a pin was seen at the server. */
typedef struct
{
  gint64 first, last; /* Unix seconds; 0: never */
} CtlSeen;

CtlSeen ctl_rotation_find_seen (GVariant *pin, const char *key);
GStrv ctl_rotation_find_unused (GVariant *pin, gint64 since, GError **error);
void ctl_rotation_print (Ctl *ctl, GVariant *pin);

G_END_DECLS
