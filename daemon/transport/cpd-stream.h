/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-http-flow.h"

G_BEGIN_DECLS

/* A thread that moves one flow. While it runs, nobody else may touch the flow or its connection. */
typedef struct _CpdStream CpdStream;

typedef void (*CpdStreamFunc) (gpointer user_data);

CpdStream *cpd_stream_new (CpdHttpFlow *flow, unsigned int idle_s, CpdStreamFunc paused,
                           gpointer user_data, GError **error);
void cpd_stream_free (CpdStream *stream);

gboolean cpd_stream_start (CpdStream *stream, GError **error);
void cpd_stream_stop (CpdStream *stream);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdStream, cpd_stream_free)

G_END_DECLS
