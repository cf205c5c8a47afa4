/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a change was, in one word: for those who follow the changes of others. */

#include "config.h"

#include "daemon/core/pins/cpd-store-event.h"

/* `pin`: (nullable): that is there now. `edit`: (nullable): what was changed of it */
CpdStoreEvent
cpd_store_event_find (const CpdPin *pin, const CpdPinEdit *edit)
{
  static const CpdStoreEvent of_edits[] = { [CPD_EDIT_ADD] = CPD_EVENT_KEYS_ADDED,
                                            [CPD_EDIT_REMOVE] = CPD_EVENT_KEYS_REMOVED,
                                            [CPD_EDIT_PAUSE] = CPD_EVENT_PAUSED,
                                            [CPD_EDIT_RESUME] = CPD_EVENT_RESUMED };

  if (pin == NULL)
    return CPD_EVENT_REMOVED;
  if (edit != NULL)
    return of_edits[cpd_pin_edit_get_kind (edit)];
  return pin->state == CPD_STATE_BLOCKED ? CPD_EVENT_BLOCKED : CPD_EVENT_PINNED;
}
