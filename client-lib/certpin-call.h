/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the calls that the methods of CertpinClient make. */

#pragma once

#include "certpin-client.h"

G_BEGIN_DECLS

/* A method of the service. */
typedef struct
{
  const char *interface;
  const char *name;
  const char *reply; /* its type */
  gboolean changes;  /* later calls may depend on it */
} CertpinMethod;

/* A call of a method. It belongs to its task and does not change after it was started. */
typedef struct
{
  const CertpinMethod *method;
  GVariant *arguments;
  gboolean interactive;
  int timeout_ms;     /* 0: the default */
  gint64 deadline_us; /* on the monotonic clock */
  char *token;        /* (nullable): of the Request object that can cancel it */
} CertpinCall;

GTask *certpin_call_new_task (CertpinClient *client, gpointer source_tag, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
GVariant *certpin_call_take_options (GTask *task, GVariant *options);

int certpin_call_get_timeout_ms (CertpinClient *client);
void certpin_call_start (GTask *task, const CertpinMethod *method, GVariant *arguments);
CertpinCall *certpin_call_new (const CertpinMethod *method, GVariant *arguments);
void certpin_call_submit (GTask *task, CertpinCall *call);

GError *certpin_call_translate_error (GError *reason);
GVariant *certpin_call_finish_value (GAsyncResult *result, GError **error);
gboolean certpin_call_finish_done (GAsyncResult *result, GError **error);

G_END_DECLS
