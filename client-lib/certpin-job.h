/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a transfer that blocks, in a thread of its own. */

#pragma once

#include "certpin-response.h"

G_BEGIN_DECLS

/* Runs in the thread. Returns: (transfer full) (nullable) */
typedef CertpinResponse *(*CertpinJobRun) (gpointer transfer, GError **error);

void certpin_job_start (GTask *task, CertpinJobRun run, gpointer transfer, GDestroyNotify release);
gpointer certpin_job_get_transfer (GTask *task);

G_END_DECLS
