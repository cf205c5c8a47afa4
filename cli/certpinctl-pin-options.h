/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* The options of `pin`. */
typedef struct
{
  gboolean system;
  gboolean fetch;
  gboolean add;
  gboolean remove;
  gboolean block_on_failure;
  gboolean dry_run;
  gboolean yes;
  char *match;
  char *mode;
  char *expires;
  char *note;
  char **backups; /* names of files */
  char **anchors; /* names of files */
  char **keys;
} CtlPinOptions;

gboolean ctl_pin_options_parse (Ctl *ctl, CtlPinOptions *options, GError **error);
void ctl_pin_options_clear (CtlPinOptions *options);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlPinOptions, ctl_pin_options_clear)

G_END_DECLS
