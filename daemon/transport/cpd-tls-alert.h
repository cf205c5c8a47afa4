/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <gnutls/gnutls.h>

G_BEGIN_DECLS

char *cpd_tls_alert_describe (gnutls_alert_description_t alert);
gboolean cpd_tls_alert_set_error (gnutls_session_t session, GError **error);

G_END_DECLS
