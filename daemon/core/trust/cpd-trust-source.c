/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the machine's trust anchors: from a PEM bundle, or from p11-kit by a PKCS#11 URL. The local
 * folders show which of them the administrator added. These are trusted like all others, but if one
 * vouches for a wrong key, a proxy probably inspects the connection. */

#include "config.h"

#include "daemon/core/trust/cpd-trust-source.h"

#include "client-lib/certpin-error.h"
#include "client-lib/certpin-pem.h"

#include <gnutls/pkcs11.h>
#include <gnutls/x509-ext.h>
#include <string.h>

/* update-ca-certificates also reads subfolders. */
#define FOLDERS_DEEP 4

struct _CpdTrustSource
{
  char *location;
  GStrv local_dirs;
};

/* `location`: the path of a PEM bundle, or a URL that begins with “pkcs11:”. `local_dirs`: folders
 * of certificates, PEM or DER, that the administrator added; they need not exist. */
CpdTrustSource *
cpd_trust_source_new (const char *location, const char *const *local_dirs)
{
  CpdTrustSource *source = g_atomic_rc_box_new0 (CpdTrustSource);

  source->location = g_strdup (location);
  source->local_dirs = g_strdupv ((GStrv)local_dirs);
  return source;
}

CpdTrustSource *
cpd_trust_source_ref (CpdTrustSource *source)
{
  return g_atomic_rc_box_acquire (source);
}

static void
trust_source_clear (gpointer data)
{
  CpdTrustSource *source = data;

  g_free (source->location);
  g_strfreev (source->local_dirs);
}

void
cpd_trust_source_unref (CpdTrustSource *source)
{
  if (source != NULL)
    g_atomic_rc_box_release_full (source, trust_source_clear);
}

static gboolean
is_pkcs11 (const char *location)
{
  return g_str_has_prefix (location, "pkcs11:");
}

/* Returns: (transfer none): the path of a file, or a URL */
const char *
cpd_trust_source_get_location (CpdTrustSource *source)
{
  return source->location;
}

/* Returns: (transfer none) (nullable): the file that can be watched for changes */
const char *
cpd_trust_source_get_file (CpdTrustSource *source)
{
  return is_pkcs11 (source->location) ? NULL : source->location;
}

static GBytes *
take_datum (gnutls_datum_t datum)
{
  GBytes *bytes = g_bytes_new (datum.data, datum.size);

  gnutls_free (datum.data);
  return bytes;
}

static GPtrArray *
read_bundle (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;
  GPtrArray *ders;

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  certpin_pem_read (text, length, ders);
  return ders;
}

static gboolean
allow_servers (const gnutls_datum_t *purposes)
{
  gnutls_x509_key_purposes_t list = NULL;
  gnutls_datum_t oid;
  gboolean allowed = FALSE;

  if (gnutls_x509_key_purpose_init (&list) < 0)
    return FALSE;
  if (gnutls_x509_ext_import_key_purposes (purposes, list, 0) >= 0)
    for (unsigned int i = 0; gnutls_x509_key_purpose_get (list, i, &oid) >= 0; i++)
      allowed = allowed || g_str_equal (oid.data, GNUTLS_KP_TLS_WWW_SERVER)
                || g_str_equal (oid.data, GNUTLS_KP_ANY);
  gnutls_x509_key_purpose_deinit (list);
  return allowed;
}

/* p11-kit attaches extensions to a certificate, which limit the trust in it.
 * Returns: whether all of them allow it to vouch for servers; an unknown one does not. */
static gboolean
is_for_servers (gnutls_pkcs11_obj_t object)
{
  gnutls_x509_ext_st *extensions = NULL;
  unsigned int count = 0;
  gboolean is = gnutls_pkcs11_obj_get_exts (object, &extensions, &count, 0) >= 0;

  for (unsigned int i = 0; i < count; i++)
    {
      is = is && g_str_equal (extensions[i].oid, GNUTLS_X509EXT_OID_EXTENDED_KEY_USAGE)
           && allow_servers (&extensions[i].data);
      gnutls_x509_ext_deinit (&extensions[i]);
    }
  gnutls_free (extensions);
  return is;
}

/* p11-kit also has distrusted certificates, which are not returned as trusted. */
static GPtrArray *
read_pkcs11 (const char *url, GError **error)
{
  const unsigned int flags = GNUTLS_PKCS11_OBJ_FLAG_CRT | GNUTLS_PKCS11_OBJ_FLAG_MARK_CA
                             | GNUTLS_PKCS11_OBJ_FLAG_MARK_TRUSTED
                             | GNUTLS_PKCS11_OBJ_FLAG_PRESENT_IN_TRUSTED_MODULE;
  gnutls_pkcs11_obj_t *objects = NULL;
  unsigned int count = 0;
  int status = gnutls_pkcs11_obj_list_import_url4 (&objects, &count, url, flags);
  GPtrArray *ders;

  if (status < 0)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                   "trust store ‘%s’ cannot be read: %s", url, gnutls_strerror (status));
      return NULL;
    }
  ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (unsigned int i = 0; i < count; i++)
    {
      gnutls_datum_t der = { NULL, 0 };

      if (is_for_servers (objects[i]) && gnutls_pkcs11_obj_export2 (objects[i], &der) >= 0)
        g_ptr_array_add (ders, take_datum (der));
      gnutls_pkcs11_obj_deinit (objects[i]);
    }
  gnutls_free (objects);
  return ders;
}

/* PEM, or else it is taken for DER. */
static void
read_local_file (GPtrArray *ders, const char *path)
{
  unsigned int before = ders->len;
  g_autofree char *text = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, NULL))
    return;
  certpin_pem_read (text, length, ders);
  if (ders->len == before)
    g_ptr_array_add (ders, g_bytes_new_take (g_steal_pointer (&text), length));
}

/* Unreadable files there are ignored: they affect only messages, not trust. */
static void
read_local (GPtrArray *ders, const char *path, unsigned int deep)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);

      if (!g_file_test (inner, G_FILE_TEST_IS_DIR))
        read_local_file (ders, inner);
      else if (deep > 1)
        read_local (ders, inner, deep - 1);
    }
}

/* Invalid certificates are ignored: a set with fewer anchors trusts less. A set without any is an
 * error. Blocks on the disk.
 * Errors: G_FILE_ERROR, CERTPIN_ERROR_FAILED, or CERTPIN_ERROR_WRONG_FORMAT. */
CpdAnchors *
cpd_trust_source_load (CpdTrustSource *source, GError **error)
{
  g_autoptr (GPtrArray) ders = is_pkcs11 (source->location) ? read_pkcs11 (source->location, error)
                                                            : read_bundle (source->location, error);
  g_autoptr (GPtrArray) local = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_autoptr (CpdAnchors) anchors = NULL;

  if (ders == NULL)
    return NULL;
  for (size_t i = 0; source->local_dirs != NULL && source->local_dirs[i] != NULL; i++)
    read_local (local, source->local_dirs[i], FOLDERS_DEEP);
  anchors = cpd_anchors_new_of_machine (ders, local);
  if (cpd_anchors_get_count (anchors) == 0)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT,
                   "trust store ‘%s’ has no readable certificate", source->location);
      return NULL;
    }
  return g_steal_pointer (&anchors);
}
