/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

GDBusMessage *cpd_decode_call (GBytes *bytes);

G_END_DECLS
