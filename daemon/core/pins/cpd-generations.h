/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-owner.h"

G_BEGIN_DECLS

/* Numbers that grow with each change of pins, so that a cached result can be recognised as old. */
typedef struct _CpdGenerations CpdGenerations;

CpdGenerations *cpd_generations_new (guint64 first);
void cpd_generations_free (CpdGenerations *generations);

guint64 cpd_generations_get_newest (const CpdGenerations *generations);
guint64 cpd_generations_get (const CpdGenerations *generations, CpdOwner owner);
guint64 cpd_generations_next (CpdGenerations *generations, CpdOwner owner);
void cpd_generations_forget (CpdGenerations *generations, CpdOwner owner);

G_END_DECLS
