/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One key: 32 bytes of SHA-256, and the ways in which people write them.
 * Text that is not exactly such a key is an error, never a guess. */

#include "config.h"

#include "certpin-key.h"

#include "certpin-error.h"

#include <string.h>

/* Not in GLib's counted memory, which takes 32 bytes more: the service may have 100 000. */
struct _CertpinKey
{
  gatomicrefcount ref_count;
  guint8 digest[CERTPIN_KEY_BYTES];
};

G_DEFINE_BOXED_TYPE (CertpinKey, certpin_key, certpin_key_ref, certpin_key_unref)

/* Fills `digest` from 64 hexadecimal digits, with a colon between all bytes or none. */
static gboolean
parse_hex (const char *text, guint8 *digest)
{
  gboolean colons = strlen (text) == CERTPIN_KEY_BYTES * 3 - 1;

  if (!colons && strlen (text) != CERTPIN_KEY_BYTES * 2)
    return FALSE;

  for (size_t i = 0; i < CERTPIN_KEY_BYTES; i++)
    {
      if (!g_ascii_isxdigit (text[0]) || !g_ascii_isxdigit (text[1]))
        return FALSE;
      digest[i] = (guint8)(g_ascii_xdigit_value (text[0]) * 16 + g_ascii_xdigit_value (text[1]));
      text += 2;
      if (colons && i + 1 < CERTPIN_KEY_BYTES && *text++ != ':')
        return FALSE;
    }
  return TRUE;
}

/* Fills `digest` from base64 of either alphabet (RFC 4648, sections 4 and 5), padded or not. The
 * text is encoded again and compared, because g_base64_decode () ignores unknown characters. */
static gboolean
parse_base64 (const char *text, guint8 *digest)
{
  char plain[45] = "";
  size_t length = strlen (text);
  g_autofree guchar *decoded = NULL;
  g_autofree char *again = NULL;
  gsize decoded_length;

  if (length == 44 && text[43] == '=')
    length--;
  if (length != 43)
    return FALSE;

  memcpy (plain, text, length);
  g_strdelimit (plain, "-", '+');
  g_strdelimit (plain, "_", '/');
  plain[43] = '=';

  decoded = g_base64_decode (plain, &decoded_length);
  again = g_base64_encode (decoded, decoded_length);
  if (decoded_length != CERTPIN_KEY_BYTES || !g_str_equal (again, plain))
    return FALSE;

  memcpy (digest, decoded, CERTPIN_KEY_BYTES);
  return TRUE;
}

#define EMPTY_SHA256                                                                               \
  "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"                               \
  "\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55"

static gboolean
is_filled_with (const guint8 *digest, guint8 byte)
{
  for (size_t i = 0; i < CERTPIN_KEY_BYTES; i++)
    if (digest[i] != byte)
      return FALSE;
  return TRUE;
}

/* Digests that no key has, but that people paste: a pipeline prints the digest of empty input when
 * its first command fails, and examples have placeholders.
 * Returns: (nullable): what the digest is, and the remedy, as the end of a sentence */
static const char *
describe_placeholder (const guint8 *digest)
{
  if (memcmp (digest, EMPTY_SHA256, CERTPIN_KEY_BYTES) == 0)
    return "is the SHA-256 of empty input: the command that computed it failed; compute it again";
  if (is_filled_with (digest, 0x00))
    return "is a placeholder of zeros; replace it with a server's key";
  if (is_filled_with (digest, 0xff))
    return "is a placeholder of ones; replace it with a server's key";
  return NULL;
}

/* Names the other digest that a text claims to be, or NULL. */
static const char *
foreign_digest (const char *text)
{
  static const char *const digests[]
      = { "sha1", "sha-1", "md5", "sha224", "sha384", "sha512", "sha3" };

  if (g_str_has_prefix (text, "pin-"))
    text += strlen ("pin-");
  for (size_t i = 0; i < G_N_ELEMENTS (digests); i++)
    if (g_ascii_strncasecmp (text, digests[i], strlen (digests[i])) == 0)
      return digests[i];
  return NULL;
}

static gboolean
parse_text (const char *text, guint8 *digest)
{
  size_t length = strlen (text);

  if (g_str_has_prefix (text, "pin-sha256=\"") && length > 13 && text[length - 1] == '"')
    {
      size_t start = strlen ("pin-sha256=\"");
      g_autofree char *quoted = g_strndup (text + start, length - start - 1);
      return parse_base64 (quoted, digest);
    }
  if (g_str_has_prefix (text, "sha256//") && parse_base64 (text + strlen ("sha256//"), digest))
    return TRUE;
  /* Not "else": the base64 of a digest may itself begin with a slash. */
  if (g_str_has_prefix (text, "sha256/"))
    return parse_base64 (text + strlen ("sha256/"), digest);
  return parse_hex (text, digest) || parse_base64 (text, digest);
}

/**
 * certpin_key_new_from_digest:
 * @digest: (array fixed-size=32): the SHA-256 digest of a DER SubjectPublicKeyInfo
 *
 * Creates a key from its digest.
 *
 * Returns: (transfer full): a key
 *
 * Since: 0.1
 */
CertpinKey *
certpin_key_new_from_digest (const guint8 *digest)
{
  CertpinKey *key;

  g_return_val_if_fail (digest != NULL, NULL);

  key = g_new (CertpinKey, 1);
  g_atomic_ref_count_init (&key->ref_count);
  memcpy (key->digest, digest, CERTPIN_KEY_BYTES);
  return key;
}

/* Returns: NULL; `error` says what the text is instead of a key */
static CertpinKey *
refuse_text (const char *text, GError **error)
{
  g_autofree char *shown = g_utf8_make_valid (text, (gssize)strnlen (text, 100));
  const char *foreign = foreign_digest (text);

  if (strpbrk (text, " \t\r\n") != NULL)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY,
                 "key ‘%s’ has a space or a line break in it; write it as one word", shown);
  else if (foreign != NULL)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY,
                 "key ‘%s’ is a %s digest; give the SHA-256 digest, as sha256/BASE64", shown,
                 foreign);
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY,
                 "key ‘%s’ is not a SHA-256 key; write sha256/BASE64, with the base64 of 32 bytes",
                 shown);
  return NULL;
}

/**
 * certpin_key_new_from_text:
 * @text: the key
 *
 * Creates a key from text: `sha256/BASE64`, or one of the other spellings in which keys are
 * published: `sha256//BASE64` (curl), `pin-sha256="BASE64"` (RFC 7469), base64 alone, or 64
 * hexadecimal digits with or without colons. The base64 may be URL-safe, and its padding may be
 * missing. The SHA-256 of empty input and placeholders of zeros or ones are refused.
 *
 * Errors:
 *
 * - `CERTPIN_ERROR_INVALID_KEY`: the text is not a SHA-256 key; if it is another digest, the
 *   message names that
 *
 * Returns: (transfer full): the key, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinKey *
certpin_key_new_from_text (const char *text, GError **error)
{
  guint8 digest[CERTPIN_KEY_BYTES];
  const char *placeholder;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!parse_text (text, digest))
    return refuse_text (text, error);
  placeholder = describe_placeholder (digest);
  if (placeholder == NULL)
    return certpin_key_new_from_digest (digest);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY, "key ‘%s’ %s", text, placeholder);
  return NULL;
}

/**
 * certpin_key_ref:
 * @key: a key
 *
 * Adds a reference to a key.
 *
 * Returns: (transfer full): @key
 *
 * Since: 0.1
 */
CertpinKey *
certpin_key_ref (CertpinKey *key)
{
  g_return_val_if_fail (key != NULL, NULL);

  g_atomic_ref_count_inc (&key->ref_count);
  return key;
}

/**
 * certpin_key_unref:
 * @key: (nullable) (transfer full): a key
 *
 * Drops a reference to a key. The key is freed with its last reference.
 *
 * Since: 0.1
 */
void
certpin_key_unref (CertpinKey *key)
{
  if (key != NULL && g_atomic_ref_count_dec (&key->ref_count))
    g_free (key);
}

/**
 * certpin_key_get_digest:
 * @key: a key
 *
 * Gets the SHA-256 digest of a key.
 *
 * Returns: (transfer none) (array fixed-size=32): the 32 bytes of the digest
 *
 * Since: 0.1
 */
const guint8 *
certpin_key_get_digest (CertpinKey *key)
{
  g_return_val_if_fail (key != NULL, NULL);

  return key->digest;
}

/**
 * certpin_key_to_text:
 * @key: a key
 *
 * Writes a key as text, in the spelling that certpin uses everywhere.
 *
 * Returns: (transfer full): `sha256/BASE64`
 *
 * Since: 0.1
 */
char *
certpin_key_to_text (CertpinKey *key)
{
  g_autofree char *base64 = NULL;

  g_return_val_if_fail (key != NULL, NULL);

  base64 = g_base64_encode (key->digest, CERTPIN_KEY_BYTES);
  return g_strconcat ("sha256/", base64, NULL);
}

/**
 * certpin_key_equal:
 * @a: a key
 * @b: another key
 *
 * Compares two keys.
 *
 * Returns: whether they are the same
 *
 * Since: 0.1
 */
gboolean
certpin_key_equal (CertpinKey *a, CertpinKey *b)
{
  g_return_val_if_fail (a != NULL, FALSE);
  g_return_val_if_fail (b != NULL, FALSE);

  return memcmp (a->digest, b->digest, CERTPIN_KEY_BYTES) == 0;
}
