/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends a request whose response has a stream, and perhaps descriptors with it. */

#include "config.h"

#include "certpin-send.h"

#include "certpin-exchange.h"
#include "certpin-task.h"

#define STREAM_TIMEOUT_MAX_MS 86400000
#define GRACE_MS              5000

/* Small bodies come in the reply, which costs less. */
static GVariant *
add_stream (GVariant *options)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);

  if (!g_variant_dict_contains (&dict, "stream"))
    g_variant_dict_insert (&dict, "stream", "s", "auto");
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* A body from a descriptor takes as long as it takes, up to its own limit. */
static int
timeout_of_upload (GVariant *options)
{
  guint32 timeout_ms = STREAM_TIMEOUT_MAX_MS;

  g_variant_lookup (options, "stream-timeout-ms", "u", &timeout_ms);
  return (int)MIN (timeout_ms, STREAM_TIMEOUT_MAX_MS) + GRACE_MS;
}

/* Its task ends with certpin_exchange_take_response(). `descriptors`: (nullable): to which the
 * options refer */
void
certpin_send_begin (CertpinClient *client, CertpinRequest *request, GVariant *options,
                    GUnixFDList *descriptors, gpointer source_tag, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = certpin_task_new (client, source_tag, cancellable, callback, user_data);
  g_autoptr (GVariant) given = certpin_task_take_options (task, options);
  g_autoptr (GVariant) with_stream = NULL;
  CertpinCall *call;

  if (given == NULL)
    return;
  with_stream = add_stream (given);
  call = certpin_exchange_new_call (request, with_stream);
  if (descriptors != NULL)
    {
      call->sent = g_object_ref (descriptors);
      call->timeout_ms = timeout_of_upload (given);
    }
  certpin_task_submit (task, call);
}
