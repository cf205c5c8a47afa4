/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: what the functions of CertpinClient are made of. */

#pragma once

#include "certpin-client.h"

G_BEGIN_DECLS

/* How much longer than the service we wait for its answer. */
#define CERTPIN_GRACE_MS 5000

struct _CertpinClient
{
  GObject parent;

  GDBusConnection *connection; /* NULL until the first call */
  gboolean interactive;
};

/* One method call; belongs to its task. */
typedef struct
{
  const char *interface;
  const char *method;
  GVariant *parameters;
  int timeout_ms;
  char *cancel_path; /* of the Request object that ends it; NULL: nothing can */
  gulong cancel_id;
} CertpinCall;

/* Waiting for an asynchronous call, on a main context of its own so that nothing else runs
 * meanwhile. */
typedef struct
{
  GMainContext *context;
  GAsyncResult *result;
} CertpinWait;

void certpin_call_start (GTask *task, CertpinCall *call);
void certpin_call_start_pins (GTask *task, const char *method, GVariant *parameters);
GVariant *certpin_call_finish_value (GAsyncResult *result, GError **error);
gboolean certpin_call_finish_done (GAsyncResult *result, GError **error);
GVariant *certpin_call_options (GVariant *options);
GVariant *certpin_call_bytes (GBytes *bytes);
GVariant *certpin_call_text (const char *text);
GVariant *certpin_call_texts (const char *const *texts);

CertpinWait *certpin_wait_begin (void);
void certpin_wait_on_result (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *certpin_wait_for_result (CertpinWait *wait);
void certpin_wait_end (CertpinWait *wait);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinWait, certpin_wait_end)

G_END_DECLS
