/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the service says of itself. */

#include "config.h"

#include "certpinctl-service.h"

#include "certpinctl-reply.h"
#include "certpinctl-wait.h"

/* Returns: (transfer full) (nullable): NULL with error set */
GVariant *
ctl_service_ask (Ctl *ctl, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_get_status_async (ctl->client, /* options= */ NULL, ctl->cancellable,
                                   ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take_record (certpin_client_get_status_finish (ctl->client, result, error),
                                CTL_REPLY_STATUS, error);
}
