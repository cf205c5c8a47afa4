/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-store.h"

G_BEGIN_DECLS

#define CPD_TYPE_RELOADER (cpd_reloader_get_type ())

/* Reloads the pin files and the trust file, on request and when they change. */
G_DECLARE_FINAL_TYPE (CpdReloader, cpd_reloader, CPD, RELOADER, GObject)

CpdReloader *cpd_reloader_new (CpdStore *store);
void cpd_reloader_start (CpdReloader *reloader);
void cpd_reloader_reload (CpdReloader *reloader);

G_END_DECLS
