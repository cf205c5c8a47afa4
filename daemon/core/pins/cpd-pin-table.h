/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin.h"

G_BEGIN_DECLS

/* All pins of one layer (and, for user pins, of one uid), in memory. */
typedef struct _CpdPinTable CpdPinTable;

CpdPinTable *cpd_pin_table_new (CpdLayer layer);
void cpd_pin_table_free (CpdPinTable *table);

CpdLayer cpd_pin_table_get_layer (CpdPinTable *table);
void cpd_pin_table_begin_filling (CpdPinTable *table);
void cpd_pin_table_end_filling (CpdPinTable *table);
void cpd_pin_table_set (CpdPinTable *table, CpdPin *pin);
gboolean cpd_pin_table_remove (CpdPinTable *table, CpdHost *host);
void cpd_pin_table_stamp (CpdPinTable *table, guint64 generation);
void cpd_pin_table_block_all (CpdPinTable *table, const char *reason);

CpdPin *cpd_pin_table_get (CpdPinTable *table, CpdHost *host);
CpdPin *cpd_pin_table_find (CpdPinTable *table, CpdHost *target);
GPtrArray *cpd_pin_table_list_matching (CpdPinTable *table, CpdHost *target);
unsigned int cpd_pin_table_get_count (CpdPinTable *table);
gboolean cpd_pin_table_check_room (CpdPinTable *table, CpdHost *host, guint64 most, GError **error);
GPtrArray *cpd_pin_table_list (CpdPinTable *table);
GPtrArray *cpd_pin_table_list_paused (CpdPinTable *table);
GPtrArray *cpd_pin_table_list_after (CpdPinTable *table, const char *after, unsigned int max);
const char *cpd_pin_table_get_block (CpdPinTable *table);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPinTable, cpd_pin_table_free)

G_END_DECLS
