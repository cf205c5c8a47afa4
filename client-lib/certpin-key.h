/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-version.h>
#include <glib-object.h>

G_BEGIN_DECLS

/**
 * CERTPIN_KEY_BYTES:
 *
 * The length of a key's digest, in bytes.
 *
 * Since: 0.1
 */
#define CERTPIN_KEY_BYTES 32

/**
 * CertpinKey:
 *
 * A public key, identified by the SHA-256 digest of its DER SubjectPublicKeyInfo (RFC 7469, section
 * 2.4). It is immutable and reference-counted.
 *
 * Since: 0.1
 */
typedef struct _CertpinKey CertpinKey;

#define CERTPIN_TYPE_KEY (certpin_key_get_type ())

CERTPIN_API GType certpin_key_get_type (void);

CERTPIN_API CertpinKey *certpin_key_new_from_digest (const guint8 *digest);
CERTPIN_API CertpinKey *certpin_key_new_from_text (const char *text, GError **error);

CERTPIN_API CertpinKey *certpin_key_ref (CertpinKey *key);
CERTPIN_API void certpin_key_unref (CertpinKey *key);

CERTPIN_API const guint8 *certpin_key_get_digest (CertpinKey *key);
CERTPIN_API char *certpin_key_to_text (CertpinKey *key);
CERTPIN_API gboolean certpin_key_equal (CertpinKey *a, CertpinKey *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinKey, certpin_key_unref)

G_END_DECLS
