/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* What a verb does with the only host of the command line. `first`: nothing was printed before. */
typedef CtlExit (*CtlOfHost) (Ctl *ctl, gpointer data, gboolean first, GError **error);

CtlExit ctl_each (Ctl *ctl, CtlOfHost run, gpointer data, GError **error);

G_END_DECLS
