/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds a presented chain and its anchors to the verdict, and looks at whatever passes with eyes of
 * its own: the key that matched is the one that is pinned, it stands on the path that is told, that
 * path runs from the server's certificate over presented ones and anchors to an anchor, and every
 * signature along it holds by GnuTLS's bare public-key operation.
 *
 * Input: eight bytes of time, big-endian; one that says how many of the certificates are anchors
 * and whose key is pinned; one of options; then the certificates, anchors first, each behind its
 * length in two bytes. tests/fuzz/seeds.py writes them. */

#include "config.h"

#include "daemon/core/trust/cpd-gnutls.h"
#include "daemon/core/verdict/cpd-verdict.h"

#include <string.h>

#define HEADER_BYTES 10

#define MATCH_PATH 0x01
#define ANY_USE    0x02
#define NAMED      0x04

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);
size_t LLVMFuzzerMutate (guint8 *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator (guint8 *data, size_t size, size_t most, unsigned int seed);

/* What is asked. */
typedef struct
{
  gint64 now;
  unsigned int anchors; /* so many of the certificates */
  unsigned int pinned;  /* whose key */
  unsigned int options;
  GPtrArray *ders; /* of GBytes */
} Question;

static void
require (gboolean holds)
{
  if (!holds)
    abort ();
}

/* Returns: (transfer full): of GBytes, each one with its length in front */
static GPtrArray *
cut_records (const guint8 *data, size_t size)
{
  GPtrArray *records = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (size_t at = 0, length; at + 2 <= size; at += length)
    {
      length = 2 + MIN ((size_t)data[at] << 8 | data[at + 1], size - at - 2);
      g_ptr_array_add (records, g_bytes_new (data + at, length));
    }
  return records;
}

static void
read_question (Question *question, const guint8 *data, size_t size)
{
  g_autoptr (GPtrArray) records = cut_records (data + HEADER_BYTES, size - HEADER_BYTES);
  guint64 now = 0;

  for (int i = 0; i < 8; i++)
    now = now << 8 | data[i];
  question->now = (gint64)now;
  question->anchors = data[8] >> 5;
  question->pinned = data[8] & 0x1F;
  question->options = data[9];
  question->ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (unsigned int i = 0; i < records->len; i++)
    g_ptr_array_add (
        question->ders,
        g_bytes_new_from_bytes (records->pdata[i], 2, g_bytes_get_size (records->pdata[i]) - 2));
}

/* Returns: (transfer full): the anchors, as far as they are certificates */
static CpdAnchors *
read_anchors (const Question *question)
{
  g_autoptr (GPtrArray) good = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (unsigned int i = 0; i < MIN (question->anchors, question->ders->len); i++)
    {
      g_autoptr (CpdCertificate) certificate = cpd_certificate_new (question->ders->pdata[i], NULL);

      if (certificate != NULL)
        g_ptr_array_add (good, g_bytes_ref (question->ders->pdata[i]));
    }
  return cpd_anchors_new (good, NULL);
}

static CpdPeer *
read_peer (const Question *question)
{
  g_autoptr (GPtrArray) presented = g_ptr_array_new ();
  g_autoptr (CpdHost) host = cpd_host_new_target ("example.com", 0, NULL);

  for (unsigned int i = question->anchors; i < question->ders->len; i++)
    g_ptr_array_add (presented, question->ders->pdata[i]);
  return cpd_peer_new_offline (question->options & NAMED ? host : NULL, presented,
                               question->options & ANY_USE ? CPD_PURPOSE_ANY : CPD_PURPOSE_SERVER);
}

/* Returns: (transfer full): the key of one of the certificates, or one of nobody's */
static CertpinKey *
read_key (const Question *question)
{
  const guint8 nobody[CERTPIN_KEY_BYTES] = { 0 };
  g_autoptr (CpdCertificate) certificate = NULL;

  if (question->pinned < question->ders->len)
    certificate = cpd_certificate_new (question->ders->pdata[question->pinned], NULL);
  return certificate != NULL ? certpin_key_ref (cpd_certificate_get_key (certificate))
                             : certpin_key_new_from_digest (nobody);
}

static CpdPolicy *
make_policy (const Question *question, CertpinKey *key)
{
  g_autoptr (CpdHost) host = cpd_host_new_target ("example.com", 0, NULL);
  CpdPolicy *policy = cpd_policy_new (host, 0);
  CpdPin *pin = cpd_pin_new (host, CPD_LAYER_USER);

  cpd_pin_add_key (pin, key);
  pin->match = question->options & MATCH_PATH ? CPD_MATCH_PATH : CPD_MATCH_LEAF;
  cpd_policy_take_pin (policy, pin);
  return policy;
}

/* The bytes that a certificate's signature is over: the first element in its outermost one. */
static gnutls_datum_t
find_signed_part (CpdCertificate *certificate)
{
  const guint8 *der = g_bytes_get_data (cpd_certificate_get_der (certificate), NULL);
  const guint8 *part = der + 2 + (der[1] > 0x80 ? der[1] & 0x7F : 0);
  size_t octets = part[1] > 0x80 ? part[1] & 0x7Fu : 0, length = octets > 0 ? 0 : part[1];

  for (size_t i = 0; i < octets; i++)
    length = length << 8 | part[2 + i];
  return (gnutls_datum_t){ (unsigned char *)part, (unsigned int)(2 + octets + length) };
}

static void
require_signed_by (CpdCertificate *certificate, CpdCertificate *issuer)
{
  gnutls_x509_crt_t handle = cpd_certificate_get_handle (certificate);
  const gnutls_datum_t part = find_signed_part (certificate);
  CpdSlice wanted = cpd_certificate_get_raw_issuer (certificate);
  CpdSlice subject = cpd_certificate_get_raw_subject (issuer);
  g_auto (gnutls_pubkey_t) key = NULL;
  char signature[8192];
  size_t length = sizeof signature;
  int algorithm = gnutls_x509_crt_get_signature_algorithm (handle);

  require (wanted.length == subject.length
           && memcmp (wanted.data, subject.data, wanted.length) == 0);
  require (gnutls_pubkey_init (&key) >= 0
           && gnutls_pubkey_import_x509 (key, cpd_certificate_get_handle (issuer), 0) >= 0
           && gnutls_x509_crt_get_signature (handle, signature, &length) >= 0);
  require (gnutls_pubkey_verify_data2 (
               key, (gnutls_sign_algorithm_t)algorithm, 0, &part,
               &(const gnutls_datum_t){ (unsigned char *)signature, (unsigned int)length })
           >= 0);
}

static gboolean
is_among (const Question *question, unsigned int from, unsigned int to, CpdCertificate *certificate)
{
  for (unsigned int i = from; i < MIN (to, question->ders->len); i++)
    if (g_bytes_equal (question->ders->pdata[i], cpd_certificate_get_der (certificate)))
      return TRUE;
  return FALSE;
}

static void
require_path (const Question *question, const CpdPath *path)
{
  CpdCertificate *const *certificates = (CpdCertificate *const *)path->certificates->pdata;
  unsigned int last = path->certificates->len - 1;

  require (is_among (question, question->anchors, question->anchors + 1, certificates[0]));
  require (is_among (question, 0, question->anchors, certificates[last]));
  for (unsigned int i = 0; i <= last; i++)
    require (question->now >= cpd_certificate_get_not_before (certificates[i])
             && question->now <= cpd_certificate_get_not_after (certificates[i]));
  for (unsigned int i = 0; i < last; i++)
    {
      require (is_among (question, 0, G_MAXUINT, certificates[i])); /* anchors can be in between */
      require_signed_by (certificates[i], certificates[i + 1]);
    }
}

static gboolean
is_path_of (const CpdPath *path, GPtrArray *keys)
{
  if (path->certificates->len != keys->len)
    return FALSE;
  for (unsigned int i = 0; i < keys->len; i++)
    if (!certpin_key_equal (keys->pdata[i], cpd_certificate_get_key (path->certificates->pdata[i])))
      return FALSE;
  return TRUE;
}

static void
require_match (const Question *question, const CpdVerdict *verdict, CertpinKey *pinned)
{
  require (verdict->matched_key != NULL && verdict->path_keys != NULL);
  require (verdict->matched_position < verdict->path_keys->len);
  require (certpin_key_equal (verdict->matched_key, pinned));
  require (certpin_key_equal (verdict->path_keys->pdata[verdict->matched_position], pinned));
  require (question->options & MATCH_PATH || verdict->matched_position == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  Question question;
  g_autoptr (CpdAnchors) anchors = NULL;
  g_autoptr (CpdPeer) peer = NULL;
  g_autoptr (CertpinKey) pinned = NULL;
  g_autoptr (CpdPolicy) policy = NULL;
  g_autoptr (CpdVerdict) verdict = NULL;
  g_autoptr (CpdValidation) validation = NULL;
  gboolean told = FALSE;

  if (size < HEADER_BYTES)
    return 0;
  read_question (&question, data, size);
  anchors = read_anchors (&question);
  peer = read_peer (&question);
  pinned = read_key (&question);
  policy = make_policy (&question, pinned);
  verdict = cpd_verdict_of_peer (policy, peer, anchors, question.now);
  validation = cpd_peer_validate (peer, anchors, question.now);
  require ((validation->problem == CPD_PROBLEM_NONE) == (validation->paths->len > 0));
  require (verdict->passed == (verdict->matched_key != NULL));
  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      require_path (&question, validation->paths->pdata[i]);
      told |= verdict->passed && is_path_of (validation->paths->pdata[i], verdict->path_keys);
    }
  require (told == verdict->passed);
  if (verdict->passed)
    require_match (&question, verdict, pinned);
  g_ptr_array_unref (question.ders);
  return 0;
}

/* Half of the time, puts whole certificates elsewhere, leaves them out or doubles them, and asks
 * otherwise: what bytes alone seldom hit upon, and what an attacker can do without any key. */
size_t
LLVMFuzzerCustomMutator (guint8 *data, size_t size, size_t most, unsigned int seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) records = NULL;
  size_t end = HEADER_BYTES;

  if (size <= HEADER_BYTES || g_rand_boolean (random))
    return LLVMFuzzerMutate (data, size, most);
  records = cut_records (data + HEADER_BYTES, size - HEADER_BYTES);
  for (int i = g_rand_int_range (random, 1, 4); i > 0 && records->len > 0; i--)
    {
      int change = g_rand_int_range (random, 0, 3); /* double it, leave it out, move it */
      int at = g_rand_int_range (random, 0, (int)records->len);
      g_autoptr (GBytes) record = g_bytes_ref (records->pdata[at]);

      if (change != 0)
        g_ptr_array_remove_index (records, (unsigned int)at);
      at = g_rand_int_range (random, 0, (int)records->len + 1);
      if (change != 1)
        g_ptr_array_insert (records, at, g_steal_pointer (&record));
    }
  for (unsigned int i = 0; i < records->len; i++)
    {
      gsize length;
      const guint8 *record = g_bytes_get_data (records->pdata[i], &length);

      if (end + length > most)
        break;
      memcpy (data + end, record, length);
      end += length;
    }
  if (g_rand_boolean (random))
    data[8 + g_rand_int_range (random, 0, 2)] ^= (guint8)(1 << g_rand_int_range (random, 0, 8));
  return end;
}
