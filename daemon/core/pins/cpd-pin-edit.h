/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin.h"

G_BEGIN_DECLS

/* Keys that a pin gets in addition to its own, or no longer has; or its pause, or the end of that.
 * A reference-counted value that is only read. */
typedef struct _CpdPinEdit CpdPinEdit;

typedef enum
{
  CPD_EDIT_ADD,
  CPD_EDIT_REMOVE,
  CPD_EDIT_PAUSE,
  CPD_EDIT_RESUME,
} CpdEditKind;

CpdPinEdit *
cpd_pin_edit_new (CpdEditKind kind, GPtrArray *keys, gint64 now, const char *created_by);
CpdPinEdit *cpd_pin_edit_new_pause (CpdPause *pause);
CpdPinEdit *cpd_pin_edit_new_resume (gint64 now);
CpdPinEdit *cpd_pin_edit_ref (CpdPinEdit *edit);
void cpd_pin_edit_unref (CpdPinEdit *edit);

CpdEditKind cpd_pin_edit_get_kind (const CpdPinEdit *edit);
gboolean cpd_pin_edit_is_idle (const CpdPinEdit *edit, const CpdPin *pin);
CpdPin *cpd_pin_edit_apply (const CpdPinEdit *edit, const CpdPin *pin, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPinEdit, cpd_pin_edit_unref)

G_END_DECLS
