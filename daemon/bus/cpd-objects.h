/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-parts.h"

G_BEGIN_DECLS

typedef struct
{
  GDBusInterfaceInfo *info;
  gboolean ours; /* not one that every object on a bus has */
} CpdInterface;

const CpdInterface *const *
cpd_objects_find (const CpdBusParts *parts, const CpdCaller *caller, const char *path);
char *cpd_objects_introspect (const CpdBusParts *parts, const CpdCaller *caller, const char *path);

G_END_DECLS
