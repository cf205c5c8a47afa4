/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-sightings.h"
#include "daemon/core/pins/cpd-apps.h"
#include "daemon/core/pins/cpd-state-dir.h"

G_BEGIN_DECLS

#define CPD_TYPE_LOGBOOK (cpd_logbook_get_type ())

/* Which keys of pins were seen at servers, of all layers. It only informs people: no verdict
 * depends on it. Emits
 *   key-seen (CpdOwner owner, CpdPin *pin, CertpinKey *key): this key of the pin, the first time.
 *     owner: whose pin, or CPD_ALL_UIDS;
 *   warns (CpdOwner owner, CpdPin *pin, GStrv warnings): at most once a day for a pin that is used;
 *   failed (char *message): it could not be written: when that begins, and then once a day;
 *   recovered (): it was written again, after that. */
G_DECLARE_FINAL_TYPE (CpdLogbook, cpd_logbook, CPD, LOGBOOK, GObject)

/* The least time between two writes, by default. */
#define CPD_LOGBOOK_WRITE_S 3600

CpdLogbook *cpd_logbook_new (CpdStateDir *dir, CpdApps *apps, unsigned int write_s);
void
cpd_logbook_load (CpdLogbook *logbook, CpdOwner owner, CpdPinTable *table, GPtrArray *problems);

CpdSighting *cpd_logbook_note (CpdLogbook *logbook, CpdOwner owner, CpdPin *pin,
                               const CpdObservation *observation);
CpdSighting *cpd_logbook_lookup (CpdLogbook *logbook, CpdOwner owner, const CpdPin *pin);
void cpd_logbook_retain (CpdLogbook *logbook, CpdLayer layer, CpdOwner owner, CpdHost *host,
                         const CpdPin *pin);
void cpd_logbook_retain_all (CpdLogbook *logbook, CpdLayer layer, CpdPinTable *table);
void cpd_logbook_forget (CpdLogbook *logbook, CpdOwner owner);

void cpd_logbook_write (CpdLogbook *logbook);
gboolean cpd_logbook_is_busy (CpdLogbook *logbook);

G_END_DECLS
