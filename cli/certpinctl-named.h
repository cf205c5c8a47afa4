/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

GVariant *ctl_named_certificates (Ctl *ctl, const char *name, GError **error);
GVariant *ctl_named_certificate (Ctl *ctl, const char *name, GError **error);

G_END_DECLS
