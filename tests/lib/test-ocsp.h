/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tests/lib/test-pki.h"

G_BEGIN_DECLS

typedef enum
{
  TEST_OCSP_GOOD,
  TEST_OCSP_REVOKED,
  TEST_OCSP_UNKNOWN,
} TestOcspStatus;

/* What an OCSP response is to be like. All but `about` and `issuer` may be left out: then the
 * issuer signs it, it was made at TEST_PKI_NOW, and it does not say when the next one comes. */
typedef struct
{
  TestIdentity *about;
  TestIdentity *issuer;  /* whose name and key name the certificate */
  TestIdentity *signer;  /* NULL: the issuer */
  TestIdentity *sent[2]; /* certificates within */
  TestOcspStatus status;
  TestIdentity *also_revoked; /* a second entry, of the same issuer; NULL: none */
  gint64 this_update;         /* Unix seconds; 0: TEST_PKI_NOW */
  gint64 next_update;         /* Unix seconds; 0: it does not say */
  gboolean sha256;            /* names the issuer by that instead of SHA-1 */
  gboolean sha1;              /* is signed with that instead of SHA-256 */
  gboolean critical;          /* has a critical extension */
  guint8 failure;             /* OCSPResponseStatus; 0: successful */
} TestOcspOptions;

GBytes *test_ocsp_new (const TestOcspOptions *options);

#define TEST_OCSP(...) test_ocsp_new (&(const TestOcspOptions){ __VA_ARGS__ })

G_END_DECLS
