/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-edit.h"
#include "daemon/core/pins/cpd-pin-table.h"
#include "daemon/core/pins/cpd-state-dir.h"

G_BEGIN_DECLS

#define CPD_TYPE_LEDGER (cpd_ledger_get_type ())

/* One run-time layer: the system's pins, or those of one user or app; in memory and on disk. */
G_DECLARE_FINAL_TYPE (CpdLedger, cpd_ledger, CPD, LEDGER, GObject)

/* The limits of one layer; 0: none. */
typedef struct
{
  guint64 bytes; /* of files */
  guint64 pins;
} CpdLedgerLimits;

CpdLedger *cpd_ledger_new (CpdOwner owner, CpdStateDir *dir, const char *folder,
                           const CpdLedgerLimits *limits);
void cpd_ledger_load (CpdLedger *ledger, GPtrArray *problems);

CpdOwner cpd_ledger_get_owner (CpdLedger *ledger);
CpdPinTable *cpd_ledger_get_table (CpdLedger *ledger);
gboolean cpd_ledger_is_busy (CpdLedger *ledger);
gboolean cpd_ledger_check_room (CpdLedger *ledger, CpdHost *host, GError **error);

void cpd_ledger_change_async (CpdLedger *ledger, CpdHost *host, CpdPin *pin,
                              GAsyncReadyCallback callback, gpointer user_data);
void cpd_ledger_edit_async (CpdLedger *ledger, CpdHost *host, CpdPinEdit *edit,
                            GAsyncReadyCallback callback, gpointer user_data);
void cpd_ledger_import_async (CpdLedger *ledger, CpdPin *pin, gboolean lends_note,
                              GAsyncReadyCallback callback, gpointer user_data);
CpdPin *cpd_ledger_end_pause (CpdLedger *ledger, CpdHost *host);
CpdPinEdit *cpd_ledger_change_get_edit (GAsyncResult *result);
CpdPin *cpd_ledger_change_get_old (GAsyncResult *result);
gboolean cpd_ledger_change_finish (CpdLedger *ledger, GAsyncResult *result, CpdHost **host,
                                   CpdPin **pin, GError **error);
void cpd_ledger_write_again (CpdLedger *ledger);

G_END_DECLS
