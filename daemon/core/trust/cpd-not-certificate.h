/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *cpd_not_certificate_describe (GBytes *bytes);

G_END_DECLS
