/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-marshal.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where a header has what is known last. */
#define CPD_HEADER_BODY_BYTES_AT 4
#define CPD_HEADER_SERIAL_AT     8

CpdMarshalArray cpd_header_begin (CpdMarshal *header, GDBusMessageType type);
void cpd_header_field (CpdMarshal *header, GDBusMessageHeaderField field, const char *type);
void cpd_header_end (CpdMarshal *header, CpdMarshalArray fields);

G_END_DECLS
