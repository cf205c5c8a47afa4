/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the tasks of the methods of CertpinClient. */

#pragma once

#include "certpin-call.h"
#include "certpin-client.h"

G_BEGIN_DECLS

GTask *certpin_task_new (CertpinClient *client, gpointer source_tag, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);
GVariant *certpin_task_sink_options (GVariant *options, GError **error);
GVariant *certpin_task_take_options (GTask *task, GVariant *options);

int certpin_task_get_timeout_ms (GTask *task);
void certpin_task_call (GTask *task, const CertpinMethod *method, GVariant *arguments);
void certpin_task_submit (GTask *task, CertpinCall *call);

GVariant *certpin_task_finish_value (GAsyncResult *result, GError **error);
gpointer certpin_task_finish_record (GAsyncResult *result, GType type, GError **error);
gboolean certpin_task_finish_done (GAsyncResult *result, GError **error);

G_END_DECLS
