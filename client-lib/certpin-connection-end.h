/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_CONNECTION_END (certpin_connection_end_get_type ())

/**
 * CertpinConnectionEnd:
 *
 * How much a connection of certpin_client_open_connection() carried, once both directions ended in
 * order, as certpin_client_get_connection_end() tells it. It does not change.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinConnectionEnd, certpin_connection_end, CERTPIN, CONNECTION_END,
                      CertpinRecord)

CERTPIN_API CertpinConnectionEnd *certpin_connection_end_new (GVariant *totals);

CERTPIN_API guint64 certpin_connection_end_get_bytes_sent (CertpinConnectionEnd *end);
CERTPIN_API guint64 certpin_connection_end_get_bytes_received (CertpinConnectionEnd *end);

G_END_DECLS
