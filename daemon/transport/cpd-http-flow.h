/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/base/cpd-budget.h"
#include "daemon/core/verdict/cpd-transfer.h"
#include "daemon/core/verdict/cpd-upload.h"
#include "daemon/transport/cpd-connection.h"
#include "daemon/transport/cpd-http-reader.h"
#include "daemon/transport/cpd-pair.h"

#include <poll.h>

G_BEGIN_DECLS

/* The bytes of one request and its answer, on their way over one connection. It has one owner at a
 * time, on whatever thread, which also has the connection. */
typedef struct _CpdHttpFlow CpdHttpFlow;

typedef struct
{
  CpdConnection *connection; /* judged just now; it must outlive the flow */
  CertpinRequest *request;
  CpdUpload *upload;        /* its body; NULL: it has it, if there is one */
  CpdTransfer *transfer;    /* NULL: no body goes through a descriptor */
  gboolean plain;           /* even a large body is sent without asking first */
  gboolean may_stream;      /* the body of the answer may get a descriptor */
  guint64 max_body_bytes;   /* of the answer */
  guint64 max_inline_bytes; /* of them in memory */
  CpdBudget *bodies;
} CpdHttpFlowSettings;

/* The most descriptors that one waits for. */
#define CPD_HTTP_FLOW_POLLS 3

CpdHttpFlow *cpd_http_flow_new (const CpdHttpFlowSettings *settings);
void cpd_http_flow_free (CpdHttpFlow *flow);

gboolean cpd_http_flow_move (CpdHttpFlow *flow);
void cpd_http_flow_send (CpdHttpFlow *flow);
gboolean cpd_http_flow_wants_to_send (const CpdHttpFlow *flow);
gboolean cpd_http_flow_is_over (const CpdHttpFlow *flow);
unsigned int cpd_http_flow_get_polls (const CpdHttpFlow *flow, struct pollfd *polls);
gboolean cpd_http_flow_has_pending (const CpdHttpFlow *flow);
gint64 cpd_http_flow_get_moved_us (const CpdHttpFlow *flow);

gboolean cpd_http_flow_withholds (const CpdHttpFlow *flow);
void cpd_http_flow_release_body (CpdHttpFlow *flow);

gboolean cpd_http_flow_uploads (const CpdHttpFlow *flow);
gboolean cpd_http_flow_waits_for_owner (CpdHttpFlow *flow);
void cpd_http_flow_go_on (CpdHttpFlow *flow, guint64 pause_bytes);

gboolean cpd_http_flow_can_stream (CpdHttpFlow *flow);
void cpd_http_flow_stream (CpdHttpFlow *flow, CpdPair *pair);
void cpd_http_flow_fail (CpdHttpFlow *flow, GError *error);
void cpd_http_flow_end_stream (CpdHttpFlow *flow);
void cpd_http_flow_cut (CpdHttpFlow *flow);

CpdHttpHead *cpd_http_flow_get_head (CpdHttpFlow *flow);
gboolean cpd_http_flow_exceeds (CpdHttpFlow *flow, guint64 bytes);
gboolean cpd_http_flow_check_size (CpdHttpFlow *flow, GError **error);
const GError *cpd_http_flow_get_error (const CpdHttpFlow *flow);
gboolean cpd_http_flow_was_declined (CpdHttpFlow *flow);
gboolean cpd_http_flow_is_unfinished (const CpdHttpFlow *flow);
gboolean cpd_http_flow_is_reusable (CpdHttpFlow *flow);
gboolean cpd_http_flow_has_begun (const CpdHttpFlow *flow);
char *cpd_http_flow_describe_received (CpdHttpFlow *flow);
guint64 cpd_http_flow_get_first_byte_us (const CpdHttpFlow *flow);
GBytes *cpd_http_flow_steal_content (CpdHttpFlow *flow);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdHttpFlow, cpd_http_flow_free)

G_END_DECLS
