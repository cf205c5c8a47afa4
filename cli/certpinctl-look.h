/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* A pin that is not in force yet. */
typedef struct
{
  const char *host;
  char **keys;
  GVariant *options;   /* `a{sv}`, with those of PinKeys */
  const char *refusal; /* (nullable): why it refuses every server */
} CtlOutage;

/* What came of looking at its server. */
typedef struct
{
  CtlOutage pin;
  const char *host; /* that is looked at; the pattern if that names none */
  char *text;       /* (nullable): the server works now, and the pin would refuse it */
  char *unseen;     /* (nullable): why it was not looked at */
} CtlLook;

CtlLook *ctl_look_new (const CtlOutage *pin);
void ctl_look_free (CtlLook *look);
gboolean ctl_looks_take (Ctl *ctl, GPtrArray *looks, unsigned int seconds, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlLook, ctl_look_free)

G_END_DECLS
