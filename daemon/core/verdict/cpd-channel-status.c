/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One warm channel, as transport/ shows it to bus/. */

#include "config.h"

#include "daemon/core/verdict/cpd-channel-status.h"

/* Returns: (transfer full): one whose other members are to be filled in */
CpdChannelStatus *
cpd_channel_status_new (guint64 number, CpdHost *target, const char *proxy)
{
  CpdChannelStatus *status = g_new0 (CpdChannelStatus, 1);

  status->number = number;
  status->target = cpd_host_ref (target);
  status->proxy = g_strdup (proxy);
  return status;
}

/* `status`: (nullable) */
void
cpd_channel_status_free (CpdChannelStatus *status)
{
  if (status == NULL)
    return;
  cpd_host_unref (status->target);
  g_free (status->proxy);
  g_clear_pointer (&status->matched_key, certpin_key_unref);
  g_free (status);
}
