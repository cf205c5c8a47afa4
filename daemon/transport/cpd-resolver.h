/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_RESOLVER (cpd_resolver_get_type ())

/* The GResolver of the service. */
G_DECLARE_FINAL_TYPE (CpdResolver, cpd_resolver, CPD, RESOLVER, GResolver)

CpdResolver *cpd_resolver_new (void);

G_END_DECLS
