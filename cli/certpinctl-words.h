/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char **ctl_words_split (char **words, const GOptionEntry *const *tables);

G_END_DECLS
