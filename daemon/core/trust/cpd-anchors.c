/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Trust anchors, found by their subject. A system trusts some 150 of them, and its servers use a
 * few, so each is parsed only when a path first leads to it. */

#include "config.h"

#include "daemon/core/trust/cpd-anchors.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/trust/cpd-profile.h"

typedef struct
{
  GBytes *der;
  CpdCertificate *certificate; /* atomic; NULL until it is needed */
} Anchor;

struct _CpdAnchors
{
  GPtrArray *ders;        /* of GBytes, in the order given */
  GHashTable *by_subject; /* GBytes (the raw Name) → GPtrArray of Anchor */
  GPtrArray *local;       /* of GBytes: certificates that the administrator added: few */
};

static void
anchor_free (gpointer data)
{
  Anchor *anchor = data;

  g_bytes_unref (anchor->der);
  cpd_certificate_unref (anchor->certificate);
  g_free (anchor);
}

static gboolean
add (CpdAnchors *anchors, GBytes *der)
{
  CpdCertificateShape shape;
  gsize length;
  const guint8 *data = g_bytes_get_data (der, &length);
  g_autoptr (GBytes) subject = NULL;
  GPtrArray *namesakes;
  Anchor *anchor;

  if (!cpd_der_parse_certificate (data, length, &shape))
    return FALSE;

  subject = g_bytes_new_from_bytes (der, (gsize)(shape.subject.data - data), shape.subject.length);
  namesakes = g_hash_table_lookup (anchors->by_subject, subject);
  if (namesakes == NULL)
    {
      namesakes = g_ptr_array_new_with_free_func (anchor_free);
      g_hash_table_insert (anchors->by_subject, g_bytes_ref (subject), namesakes);
    }
  anchor = g_new0 (Anchor, 1);
  anchor->der = g_bytes_ref (der);
  g_ptr_array_add (namesakes, anchor);
  g_ptr_array_add (anchors->ders, g_bytes_ref (der));
  return TRUE;
}

/* Trusts nothing. */
CpdAnchors *
cpd_anchors_new_empty (void)
{
  CpdAnchors *anchors = g_atomic_rc_box_new0 (CpdAnchors);

  anchors->ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  anchors->by_subject
      = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                               (GDestroyNotify)g_ptr_array_unref);
  anchors->local = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  return anchors;
}

static gboolean
check_use (CpdCertificate *certificate, GError **error)
{
  const char *fault = cpd_profile_find_anchor_fault (certificate);
  g_autofree char *subject = fault != NULL ? cpd_certificate_dup_subject (certificate) : NULL;

  return fault == NULL
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                        "the certificate ‘%s’ %s, so no server could pass; give the CA certificate "
                        "that its issuer has",
                        subject, fault);
}

/* `useful`: whether a path may end at each of them */
static CpdAnchors *
make (GPtrArray *ders, gboolean useful, GError **error)
{
  g_autoptr (CpdAnchors) anchors = cpd_anchors_new_empty ();

  if (!cpd_certificates_are_few (ders, error))
    return NULL;
  for (unsigned int i = 0; i < ders->len; i++)
    {
      g_autoptr (CpdCertificate) certificate = cpd_certificate_new (ders->pdata[i], error);

      if (certificate == NULL || (useful && !check_use (certificate, error)))
        {
          g_prefix_error (error, "trust anchor %u: ", i + 1);
          return NULL;
        }
      add (anchors, ders->pdata[i]);
    }
  return g_steal_pointer (&anchors);
}

/* `ders`: of GBytes, each one DER certificate.
 * Errors: CERTPIN_ERROR_WRONG_FORMAT for the first invalid one, or if they are too large. */
CpdAnchors *
cpd_anchors_new (GPtrArray *ders, GError **error)
{
  return make (ders, /* useful= */ FALSE, error);
}

/* Those that somebody gives for a pin. `ders`: likewise.
 * Errors: likewise, and CERTPIN_ERROR_INVALID_ARGUMENT for one at which no path can end. */
CpdAnchors *
cpd_anchors_new_of_pin (GPtrArray *ders, GError **error)
{
  return make (ders, /* useful= */ TRUE, error);
}

/* The machine's trust anchors. `ders`: of GBytes; invalid ones are ignored. `local`: of GBytes:
 * those that the administrator added. */
CpdAnchors *
cpd_anchors_new_of_machine (GPtrArray *ders, GPtrArray *local)
{
  CpdAnchors *anchors = cpd_anchors_new_empty ();

  for (unsigned int i = 0; i < ders->len; i++)
    add (anchors, ders->pdata[i]);
  g_ptr_array_unref (anchors->local);
  anchors->local = g_ptr_array_ref (local);
  return anchors;
}

/* Returns: (transfer full): another set of the same certificates, which shares no handle with this
 * one, so that another thread can use it */
CpdAnchors *
cpd_anchors_detach (CpdAnchors *anchors)
{
  return cpd_anchors_new_of_machine (anchors->ders, anchors->local);
}

CpdAnchors *
cpd_anchors_ref (CpdAnchors *anchors)
{
  return g_atomic_rc_box_acquire (anchors);
}

static void
anchors_clear (gpointer data)
{
  CpdAnchors *anchors = data;

  g_ptr_array_unref (anchors->ders);
  g_hash_table_unref (anchors->by_subject);
  g_ptr_array_unref (anchors->local);
}

void
cpd_anchors_unref (CpdAnchors *anchors)
{
  if (anchors != NULL)
    g_atomic_rc_box_release_full (anchors, anchors_clear);
}

unsigned int
cpd_anchors_get_count (CpdAnchors *anchors)
{
  return anchors->ders->len;
}

/* Returns: (transfer none): of GBytes, in the order given */
GPtrArray *
cpd_anchors_get_ders (CpdAnchors *anchors)
{
  return anchors->ders;
}

static GPtrArray *
lookup_namesakes (CpdAnchors *anchors, CpdSlice subject)
{
  g_autoptr (GBytes) key = g_bytes_new_static (subject.data, subject.length);

  return g_hash_table_lookup (anchors->by_subject, key);
}

/* If several threads parse it at a time, the certificate of the first one is kept.
 * Returns: (transfer none) (nullable) */
static CpdCertificate *
get_certificate (Anchor *anchor)
{
  CpdCertificate *parsed;

  if (g_atomic_pointer_get (&anchor->certificate) != NULL)
    return g_atomic_pointer_get (&anchor->certificate);
  parsed = cpd_certificate_new (anchor->der, NULL);
  if (!g_atomic_pointer_compare_and_exchange (&anchor->certificate, NULL, parsed))
    cpd_certificate_unref (parsed);
  return g_atomic_pointer_get (&anchor->certificate);
}

/* `subject`: a raw Name.
 * Returns: (transfer full): of CpdCertificate: the anchors of that subject */
GPtrArray *
cpd_anchors_find (CpdAnchors *anchors, CpdSlice subject)
{
  GPtrArray *namesakes = lookup_namesakes (anchors, subject);
  GPtrArray *found = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);

  for (unsigned int i = 0; namesakes != NULL && i < namesakes->len; i++)
    {
      CpdCertificate *certificate = get_certificate (namesakes->pdata[i]);

      if (certificate != NULL)
        g_ptr_array_add (found, cpd_certificate_ref (certificate));
    }
  return found;
}

gboolean
cpd_anchors_contain (CpdAnchors *anchors, CpdCertificate *certificate)
{
  GPtrArray *namesakes = lookup_namesakes (anchors, cpd_certificate_get_raw_subject (certificate));

  for (unsigned int i = 0; namesakes != NULL && i < namesakes->len; i++)
    if (g_bytes_equal (((Anchor *)namesakes->pdata[i])->der, cpd_certificate_get_der (certificate)))
      return TRUE;
  return FALSE;
}

/* Whether the administrator of this machine added it, rather than the system. */
gboolean
cpd_anchors_is_local (CpdAnchors *anchors, CpdCertificate *anchor)
{
  return g_ptr_array_find_with_equal_func (anchors->local, cpd_certificate_get_der (anchor),
                                           g_bytes_equal, NULL);
}
