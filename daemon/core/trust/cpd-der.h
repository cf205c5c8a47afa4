/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is longer is not read. */
#define CPD_CERTIFICATE_MAX_BYTES (64 * 1024)

/* Bytes within a certificate; they belong to it. */
typedef struct
{
  const guint8 *data;
  size_t length;
} CpdSlice;

/* Where the parts of a certificate are in its DER encoding, including headers. */
typedef struct
{
  CpdSlice issuer;   /* Name */
  CpdSlice validity; /* Validity */
  CpdSlice subject;  /* Name */
  CpdSlice spki;     /* SubjectPublicKeyInfo */
} CpdCertificateShape;

gboolean cpd_der_take_any (CpdSlice *rest, guint8 *tag, CpdSlice *whole, CpdSlice *content);
gboolean cpd_der_take (CpdSlice *rest, guint8 expected, CpdSlice *whole, CpdSlice *content);
gboolean cpd_der_take_optional (CpdSlice *rest, guint8 expected, CpdSlice *content);
gboolean cpd_der_take_time (CpdSlice *rest, gint64 *unix_s);

gboolean cpd_der_parse_certificate (const guint8 *data, size_t length, CpdCertificateShape *shape);
CpdSlice cpd_der_read_key_bits (CpdSlice spki);
gboolean cpd_der_is_validity (CpdSlice validity);
gboolean cpd_der_is_name_constraints (CpdSlice value);
unsigned int cpd_der_count_elements (CpdSlice slice, unsigned int most);
gboolean cpd_der_outer_length (const guint8 *data, size_t length, size_t *outer);

G_END_DECLS
