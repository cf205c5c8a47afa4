/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-pin-options.h"

G_BEGIN_DECLS

GVariant *ctl_change_describe (GVariant *pin, char **keys, gboolean remove);
GVariant *ctl_change_keys (Ctl *ctl, const CtlPinOptions *given, GError **error);

G_END_DECLS
