/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin.h>

G_BEGIN_DECLS

/* `attempt`: 1 for the first one. Each returns: seconds to wait before the next one; -1: there must
 * not be one. */
gint64 ctl_retry_after_error (const char *method, const GError *error, unsigned int attempt);
gint64 ctl_retry_after_status (const char *method, CertpinResponse *response, unsigned int attempt,
                               gint64 now_s);

G_END_DECLS
