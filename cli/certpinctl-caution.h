/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-stream.h"

#include <glib.h>

G_BEGIN_DECLS

void ctl_print_cautions (CtlStream *stream, GVariant *info);

G_END_DECLS
