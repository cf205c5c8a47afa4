/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the tasks of the methods of CertpinClient. */

#pragma once

#include "certpin-call.h"
#include "certpin-client.h"

G_BEGIN_DECLS

GTask *certpin_call_new_task (CertpinClient *client, gpointer source_tag, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
GVariant *certpin_call_take_options (GTask *task, GVariant *options);

int certpin_call_get_timeout_ms (CertpinClient *client);
void certpin_call_start (GTask *task, const CertpinMethod *method, GVariant *arguments);
void certpin_call_submit (GTask *task, CertpinCall *call);

GVariant *certpin_call_finish_value (GAsyncResult *result, GError **error);
gboolean certpin_call_finish_done (GAsyncResult *result, GError **error);

G_END_DECLS
