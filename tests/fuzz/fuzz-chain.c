/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds a chain to the validation: certificates one after the other, each behind its length in two
 * bytes, and the first one is also the anchor. */

#include "config.h"

#include "daemon/core/cpd-trust.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const CpdTrustQuestion question = { .name = "h.example", .now = 1800000000 };
  g_autoptr (GPtrArray) chain
      = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);
  g_autoptr (GPtrArray) ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_autoptr (CpdAnchors) anchors = NULL;
  g_autoptr (CpdValidation) validation = NULL;

  for (size_t at = 0; at + 2 <= size;)
    {
      size_t length = MIN ((size_t)data[at] << 8 | data[at + 1], size - at - 2);
      g_autoptr (GBytes) der = g_bytes_new (data + at + 2, length);
      CpdCertificate *certificate = cpd_certificate_new (der, NULL);

      at += 2 + length;
      if (certificate == NULL)
        continue;
      if (ders->len == 0)
        g_ptr_array_add (ders, g_bytes_ref (der));
      g_ptr_array_add (chain, certificate);
    }
  anchors = cpd_anchors_new (ders, NULL);
  validation = cpd_trust_validate (anchors, chain, &question);
  if ((validation->problem == CPD_PROBLEM_NONE) != (validation->paths->len > 0))
    abort ();
  return 0;
}
