/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The most that a word and what it stands for differ by; see the costs. */
#define CTL_SIMILAR_WORD 6
#define CTL_SIMILAR_HOST 4
#define CTL_SIMILAR_FILE 3

GStrv ctl_similar_find (const char *word, const char *const *candidates, unsigned int farthest);
char *ctl_similar_ask (const char *const *words);

G_END_DECLS
