/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin.h>

G_BEGIN_DECLS

/* What a reply is. */
typedef enum
{
  CTL_REPLY_PIN,
  CTL_REPLY_FAILURE,
  CTL_REPLY_EXPLANATION,
  CTL_REPLY_VERDICT,
  CTL_REPLY_CHAIN,
  CTL_REPLY_FILE,
  CTL_REPLY_CHANGE,
  CTL_REPLY_STATUS,
} CtlReply;

GVariant *ctl_reply_take (GVariant *reply, CtlReply kind, GError **error);
GVariant *ctl_reply_take_record (gpointer record, CtlReply kind, GError **error);
GVariant *ctl_reply_take_pins (GPtrArray *pins, GError **error);
GVariant *ctl_reply_take_records (GPtrArray *records, CtlReply kind, GError **error);
CertpinResponse *ctl_reply_take_response (CertpinResponse *response, GError **error);

GVariant *ctl_reply_get_info (CertpinResponse *response);

G_END_DECLS
