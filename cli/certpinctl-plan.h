/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-pin-options.h"

G_BEGIN_DECLS

/* A pin that is not made yet: of a certificate or of keys. */
typedef struct
{
  const char *host;
  gboolean system;
  gboolean blocks;       /* the host, if a file cannot be read */
  const char *path;      /* (nullable): of the certificate */
  GBytes *certificate;   /* NULL: of keys */
  char **keys;           /* NULL: of a certificate */
  char **backup_paths;   /* (nullable) (unowned) */
  GPtrArray *backups;    /* of GBytes: more certificates */
  GVariant *options;     /* `a{sv}`: for the service */
  GVariant *description; /* (nullable): of the certificate, as certpin-reader gives it */
} CtlPlan;

CtlPlan *ctl_plan_new (Ctl *ctl, const CtlPinOptions *given, GError **error);
void ctl_plan_free (CtlPlan *plan);
char **ctl_plan_read_keys (Ctl *ctl, CtlPlan *plan, GError **error);
GVariant *ctl_plan_carry_out (Ctl *ctl, CtlPlan *plan, GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlPlan, ctl_plan_free)

G_END_DECLS
