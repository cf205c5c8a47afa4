/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <gnutls/gnutls.h>

G_BEGIN_DECLS

void cpd_tls_parameters_set (gnutls_session_t session);

G_END_DECLS
