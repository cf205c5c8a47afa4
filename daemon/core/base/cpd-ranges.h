/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A list of address ranges. Once it is made, it is only read. */
typedef struct _CpdRanges CpdRanges;

CpdRanges *cpd_ranges_new (void);
void cpd_ranges_free (CpdRanges *ranges);

gboolean cpd_ranges_add_range (CpdRanges *ranges, const char *text);
gboolean cpd_ranges_add (CpdRanges *ranges, const char *text);

const char *cpd_ranges_find (const CpdRanges *ranges, GInetAddress *address);
const char *cpd_ranges_find_led_to (const CpdRanges *ranges, GInetAddress *address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdRanges, cpd_ranges_free)

G_END_DECLS
