/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-tunnel-order.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is said in plaintext before TLS begins. It knows no connection. */
typedef struct _CpdPreamble CpdPreamble;

CpdPreamble *cpd_preamble_new (CpdStarttls protocol);
void cpd_preamble_free (CpdPreamble *preamble);

GBytes *cpd_preamble_steal_request (CpdPreamble *preamble);
gboolean cpd_preamble_take (CpdPreamble *preamble, guint8 byte, GError **error);
gboolean cpd_preamble_is_over (CpdPreamble *preamble);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPreamble, cpd_preamble_free)

G_END_DECLS
