/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-der.h"

G_BEGIN_DECLS

/* What is longer is not read. */
#define CPD_OCSP_MAX_BYTES (64 * 1024)

/* Where the parts of a successful response stand in its DER encoding. */
typedef struct
{
  CpdSlice signed_data;  /* ResponseData, header included */
  CpdSlice entries;      /* one SingleResponse after the other */
  CpdSlice algorithm;    /* the OBJECT IDENTIFIER of the signature, header included */
  CpdSlice signature;    /* its bits */
  CpdSlice certificates; /* one Certificate after the other; maybe none */
} CpdOcspShape;

/* CertStatus, by its tags. */
typedef enum
{
  CPD_OCSP_ENTRY_GOOD = 0x80,
  CPD_OCSP_ENTRY_REVOKED = 0xA1,
  CPD_OCSP_ENTRY_UNKNOWN = 0x82,
} CpdOcspEntryStatus;

/* What a response says of one certificate. */
typedef struct
{
  GChecksumType hash;
  CpdSlice name_hash; /* of the issuer's Name */
  CpdSlice key_hash;  /* of the bits of its public key */
  CpdSlice serial;    /* content of the INTEGER */
  CpdOcspEntryStatus status;
  gint64 this_update; /* Unix seconds */
  gint64 next_update; /* likewise; G_MAXINT64: it does not say */
} CpdOcspEntry;

gboolean cpd_ocsp_response_parse (CpdSlice response, CpdOcspShape *shape);
gboolean cpd_ocsp_response_take_entry (CpdSlice *entries, CpdOcspEntry *entry);

G_END_DECLS
