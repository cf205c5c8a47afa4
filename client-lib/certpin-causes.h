/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the causes of the last errors, for errors that have lost theirs. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void certpin_causes_remember (const GError *error, const GError *cause);
GError *certpin_causes_recall (const GError *error);

G_END_DECLS
