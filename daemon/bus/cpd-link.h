/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-inbox.h"
#include "daemon/bus/cpd-post.h"

G_BEGIN_DECLS

/* A connection to the bus: calls go to an inbox, and all else to GDBus; the post sends replies. */
typedef struct _CpdLink CpdLink;

CpdLink *cpd_link_new (const char *address, GError **error);
void cpd_link_free (CpdLink *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdLink, cpd_link_free)

GDBusConnection *cpd_link_get_connection (CpdLink *link);
CpdPost *cpd_link_get_post (CpdLink *link);
void cpd_link_open (CpdLink *link, CpdInbox *inbox);

G_END_DECLS
