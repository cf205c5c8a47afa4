/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* The order in which response bodies are read. */
typedef struct _CpdReading CpdReading;

typedef void (*CpdReadingFunc) (gpointer object);

CpdReading *cpd_reading_new (void);
CpdReading *cpd_reading_ref (CpdReading *reading);
void cpd_reading_unref (CpdReading *reading);

void cpd_reading_wait (CpdReading *reading, guint32 uid, CpdReadingFunc read, gpointer object);
void cpd_reading_take_turn (CpdReading *reading, guint32 uid, CpdReadingFunc read, gpointer object);
void cpd_reading_forget (CpdReading *reading, guint32 uid, gpointer object);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdReading, cpd_reading_unref)

G_END_DECLS
