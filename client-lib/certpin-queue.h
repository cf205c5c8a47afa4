/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the calls of one link, waiting and under way. */

#pragma once

#include "certpin-link.h"

G_BEGIN_DECLS

typedef struct _CertpinQueue CertpinQueue;

CertpinQueue *certpin_queue_new (CertpinLink *link);
void certpin_queue_free (CertpinQueue *queue);

void certpin_queue_add (CertpinQueue *queue, GTask *task);
gboolean certpin_queue_is_waiting (CertpinQueue *queue);
void certpin_queue_send (CertpinQueue *queue, GDBusConnection *connection);
void certpin_queue_fail (CertpinQueue *queue, const GError *reason);

G_END_DECLS
