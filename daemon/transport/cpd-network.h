/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define CPD_TYPE_NETWORK (cpd_network_get_type ())

/* The networks of this machine. Emits
 *   changed (gboolean lost): a route came or went; `lost`: an address or an interface may have
 *   gone. */
G_DECLARE_FINAL_TYPE (CpdNetwork, cpd_network, CPD, NETWORK, GObject)

CpdNetwork *cpd_network_new (void);

G_END_DECLS
