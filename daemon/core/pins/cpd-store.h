/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-apps.h"
#include "daemon/core/pins/cpd-generations.h"
#include "daemon/core/pins/cpd-ledger.h"
#include "daemon/core/pins/cpd-logbook.h"
#include "daemon/core/pins/cpd-policy.h"
#include "daemon/core/pins/cpd-store-event.h"
#include "daemon/core/trust/cpd-trust-source.h"

G_BEGIN_DECLS

#define CPD_TYPE_STORE (cpd_store_get_type ())

/* All pins of the machine, and the anchors for those without their own. Emits
 *   changed (CpdOwner owner, CpdHost *pattern, CpdStoreEvent event): a pin of this owner has; and
 * so may have the policies of hosts that match the pattern, for all who are within that owner. A
 * NULL pattern: of every host.
 *   forgotten (CpdOwner owner): this app, or connection, will not be asked about again.
 *   reloaded (const GError *error): the files were read again. NULL: they are in force. */
G_DECLARE_FINAL_TYPE (CpdStore, cpd_store, CPD, STORE, GObject)

typedef struct
{
  CpdTrustSource *trust;        /* of the system's anchors; NULL: none are trusted */
  const char *state_dir;        /* of run-time pins; NULL: nothing is stored */
  const char *const *pins_dirs; /* of pin files, the first one has priority; NULL-terminated */
  guint64 first_generation;     /* generations grow from here: the time in µs makes them outlive a
                                   restart */
  CpdLedgerLimits limits;       /* of the system's run-time pins, and of each user's */
  unsigned int sightings_s;     /* least time between two writes of sightings; 0: an hour */
} CpdStoreSettings;

/* `owner`: whose the pin is; CPD_ALL_UIDS: the system's */
typedef void (*CpdStoreFunc) (CpdOwner owner, CpdPin *pin, gpointer user_data);

CpdStore *cpd_store_new (const CpdStoreSettings *settings);
gboolean
cpd_store_lock (CpdStore *store, unsigned int most_ms, GCancellable *cancellable, GError **error);
GPtrArray *cpd_store_load (CpdStore *store);
GPtrArray *cpd_store_get_problems (CpdStore *store, CpdOwner owner);
GPtrArray *cpd_store_get_problems_of_files (CpdStore *store);
void cpd_store_tell_problem (CpdStore *store, const char *sentence);
GPtrArray *cpd_store_load_sightings (CpdStore *store);

const char *const *cpd_store_get_pins_dirs (CpdStore *store);
CpdStateDir *cpd_store_get_state_dir (CpdStore *store);
CpdTrustSource *cpd_store_get_trust (CpdStore *store);
CpdAnchors *cpd_store_get_anchors (CpdStore *store);
CpdLogbook *cpd_store_get_logbook (CpdStore *store);
CpdPolicy *cpd_store_get_policy (CpdStore *store, CpdOwner owner, CpdHost *target);
guint64 cpd_store_get_generation (CpdStore *store, CpdOwner owner);
CpdPin *cpd_store_get_pin (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *pattern);
CpdPin *cpd_store_find_pin (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host);
GPtrArray *
cpd_store_list_matching (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *target);
GPtrArray *cpd_store_list_after (CpdStore *store, CpdLayer layer, CpdOwner owner, const char *after,
                                 unsigned int max);
const char *cpd_store_get_block (CpdStore *store, CpdLayer layer, CpdOwner owner);
GArray *cpd_store_list_uids (CpdStore *store);
GStrv cpd_store_list_apps (CpdStore *store, CpdOwner owner);
CpdApps *cpd_store_get_apps (CpdStore *store);
gboolean
cpd_store_open_connection (CpdStore *store, CpdOwner parent, CpdOwner *owner, GError **error);
void cpd_store_close_connection (CpdStore *store, CpdOwner owner);
gboolean cpd_store_meet_app (CpdStore *store, guint32 uid, const char *name, CpdOwner *owner,
                             GError **error);
gboolean cpd_store_check_room (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host,
                               GError **error);

void cpd_store_set_pin_async (CpdStore *store, CpdOwner owner, CpdPin *pin,
                              GAsyncReadyCallback callback, gpointer user_data);
void cpd_store_remove_pin_async (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host,
                                 GAsyncReadyCallback callback, gpointer user_data);
void cpd_store_edit_pin_async (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host,
                               CpdPinEdit *edit, GAsyncReadyCallback callback, gpointer user_data);
void cpd_store_import_pin_async (CpdStore *store, CpdOwner owner, CpdPin *pin, gboolean lends_note,
                                 GAsyncReadyCallback callback, gpointer user_data);
void cpd_store_end_pause (CpdStore *store, CpdOwner owner, CpdHost *host);
void cpd_store_each_paused (CpdStore *store, CpdStoreFunc func, gpointer user_data);
CpdPin *cpd_store_change_get_old (GAsyncResult *result);
CpdPin *cpd_store_change_finish (CpdStore *store, GAsyncResult *result, GError **error);

gboolean cpd_store_is_busy (CpdStore *store);
void cpd_store_write_again (CpdStore *store);

void cpd_store_reload_async (CpdStore *store, GAsyncReadyCallback callback, gpointer user_data);
gboolean cpd_store_reload_finish (CpdStore *store, GAsyncResult *result, GError **error);

G_END_DECLS
