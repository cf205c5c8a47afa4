/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-edit.h"

G_BEGIN_DECLS

/* What happened to a pin. */
typedef enum
{
  CPD_EVENT_PINNED,
  CPD_EVENT_KEYS_ADDED,
  CPD_EVENT_KEYS_REMOVED,
  CPD_EVENT_PAUSED,
  CPD_EVENT_RESUMED,
  CPD_EVENT_PAUSE_ENDED, /* by itself */
  CPD_EVENT_BLOCKED,
  CPD_EVENT_REMOVED,
  CPD_EVENT_RELOADED, /* the pin files were */
} CpdStoreEvent;

CpdStoreEvent cpd_store_event_find (const CpdPin *pin, const CpdPinEdit *edit);

G_END_DECLS
