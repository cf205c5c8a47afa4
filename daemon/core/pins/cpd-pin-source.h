/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The file that a pin is from. An immutable, reference-counted value, which all pins of the file
 * share. */
typedef struct _CpdPinSource CpdPinSource;

CpdPinSource *cpd_pin_source_new (const char *path);
CpdPinSource *cpd_pin_source_ref (CpdPinSource *source);
void cpd_pin_source_unref (CpdPinSource *source);

const char *cpd_pin_source_get_name (const CpdPinSource *source);
char *cpd_pin_source_build_path (const CpdPinSource *source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPinSource, cpd_pin_source_unref)

G_END_DECLS
