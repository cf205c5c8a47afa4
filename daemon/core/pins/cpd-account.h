/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *cpd_account_look_up (guint32 uid, GError **error);

G_END_DECLS
