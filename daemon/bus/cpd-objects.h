/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-methods.h"

G_BEGIN_DECLS

/* An interface and the methods that it has here. */
typedef struct
{
  GDBusInterfaceInfo *info;
  gboolean ours; /* not one that every object on a bus has */
  const CpdMethod *const *tables;
} CpdInterface;

const CpdInterface *const *cpd_objects_find (const char *path);
char *cpd_objects_introspect (const char *path);

G_END_DECLS
