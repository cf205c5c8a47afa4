/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Descriptors that are watched for changes, instead of for what they are ready for. */
typedef struct _CpdEdges CpdEdges;

/* One of them. */
typedef struct _CpdEdge CpdEdge;

typedef void (*CpdEdgeFunc) (gpointer user_data);

CpdEdges *cpd_edges_new (void);
CpdEdges *cpd_edges_ref (CpdEdges *edges);
void cpd_edges_unref (CpdEdges *edges);

CpdEdge *cpd_edge_new (CpdEdges *edges, int fd, CpdEdgeFunc changed, gpointer user_data);
void cpd_edge_free (CpdEdge *edge);
void cpd_edge_want_room (CpdEdge *edge, gboolean wanted);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdEdges, cpd_edges_unref)

G_END_DECLS
