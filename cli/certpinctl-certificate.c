/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates from files in any usual format. A program of its own reads them, certpin-reader, so
 * that certpinctl does not load GnuTLS: that would double the time that it takes to start. What may
 * be a certificate in DER goes to the service unread, which judges it. */

#include "config.h"

#include "certpinctl-certificate.h"

#include "certpinctl-input.h"

#include <glib/gi18n.h>

#include <string.h>

/* The tag of a SEQUENCE in DER. */
#define SEQUENCE 0x30

/* Beside this program in a build tree, or where it is installed. Returns: (transfer full) */
static char *
find_reader (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = self != NULL ? g_path_get_dirname (self) : NULL;
  g_autofree char *beside
      = folder != NULL ? g_build_filename (folder, "reader", "certpin-reader", NULL) : NULL;

  if (beside != NULL && g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&beside);
  return g_strdup (CTL_READER_FILE);
}

/* Whether it begins like a certificate or something else that is signed (RFC 5280, section 4.1). A
 * PKCS#7 or PKCS#12 file has no second SEQUENCE there. */
static gboolean
may_be_der (GBytes *file)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (file, &length);
  gsize header;

  if (length < 2 || data[0] != SEQUENCE)
    return FALSE;
  header = 2 + ((data[1] & 0x80) != 0 ? (data[1] & 0x7f) : 0);
  return header < length && data[header] == SEQUENCE;
}

static gboolean
contains (GBytes *file, const char *marker)
{
  gsize length;
  const char *data = g_bytes_get_data (file, &length);

  return data != NULL && g_strstr_len (data, (gssize)length, marker) != NULL;
}

/* Whether it is something like PKCS#7 or PKCS#12. */
gboolean
ctl_certificate_is_container (GBytes *file)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (file, &length);

  return contains (file, "-----BEGIN PKCS7-----")
         || (length > 0 && data[0] == SEQUENCE && !may_be_der (file));
}

/* Whether it is in another format, that certpin-reader may know. */
static gboolean
needs_conversion (GBytes *file)
{
  return contains (file, "-----BEGIN ") || ctl_certificate_is_container (file);
}

/* `said`: what the program printed. Returns: (transfer full) (nullable) */
static GVariant *
take_value (GBytes *said, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE ("(saa{sv})"), said, /* trusted= */ FALSE));

  if (g_variant_is_normal_form (value))
    return g_steal_pointer (&value);
  g_set_error_literal (
      error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
      _ ("certpin-reader did not finish; check that it has the version of certpinctl"));
  return NULL;
}

/* `host`: (nullable): what the certificates would be pinned for.
 * Errors: CERTPIN_ERROR_WRONG_FORMAT, CERTPIN_ERROR_FAILED.
 * Returns: (transfer full): `(saa{sv})`: the format, and the certificates */
static GVariant *
run_reader (GBytes *file, const char *path, const char *host, GError **error)
{
  g_autofree char *program = find_reader (), *shown = ctl_input_show (path);
  g_autoptr (GError) reason = NULL;
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                   | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) reader = NULL;
  g_autoptr (GBytes) said = NULL, problem = NULL;
  g_autofree char *text = NULL;

  g_subprocess_launcher_unsetenv (launcher, "LOCPATH"); /* it reads only the system's own locale */
  reader = g_subprocess_launcher_spawn (launcher, &reason, program, host, NULL);
  if (reader == NULL
      || !g_subprocess_communicate (reader, file, /* cancellable= */ NULL, &said, &problem,
                                    &reason))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED, _ ("cannot run ‘%s’: %s"), program,
                   reason->message);
      return NULL;
    }
  if (g_subprocess_get_successful (reader))
    return take_value (said, error);
  text = g_strndup (g_bytes_get_data (problem, NULL), g_bytes_get_size (problem));
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT, _ ("cannot use %s: %s"), shown,
               *text != '\0' ? text : _ ("certpin-reader failed"));
  return NULL;
}

/* Returns: (transfer full): the DER of a described certificate */
GBytes *
ctl_certificate_get_der (GVariant *described)
{
  g_autoptr (GVariant) der = g_variant_lookup_value (described, "der", G_VARIANT_TYPE_BYTESTRING);

  return der != NULL ? g_variant_get_data_as_bytes (der) : g_bytes_new (NULL, 0);
}

static void
add_row (GPtrArray *rows, const char *number, const char *key, const char *subject)
{
  g_ptr_array_add (rows,
                   g_strdupv ((char *[]){ (char *)number, (char *)key, (char *)subject, NULL }));
}

/* `described`: `aa{sv}`. Returns: (transfer full): a table with three columns */
GPtrArray *
ctl_certificate_rows (GVariant *described)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);

  add_row (rows, "", _ ("KEY"), _ ("SUBJECT"));
  for (gsize i = 0; i < g_variant_n_children (described); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (described, i);
      g_autofree char *number = g_strdup_printf ("%" G_GSIZE_FORMAT, i + 1);
      const char *subject = "", *key = "";

      g_variant_lookup (one, "fault", "&s", &subject);
      g_variant_lookup (one, "subject", "&s", &subject);
      g_variant_lookup (one, "key", "&s", &key);
      add_row (rows, number, key, subject);
    }
  return g_steal_pointer (&rows);
}

/* Only what is shown. Returns: `aa{sv}`, floating */
static GVariant *
without_ders (GVariant *described)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; i < g_variant_n_children (described); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (described, i);
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (one);

      g_variant_dict_remove (&dict, "der");
      g_variant_builder_add_value (&builder, g_variant_dict_end (&dict));
    }
  return g_variant_builder_end (&builder);
}

/* Returns: (transfer full) (nullable): the only certificate, an `a{sv}` */
static GVariant *
take_only (Ctl *ctl, GVariant *described, const char *path, GError **error)
{
  g_autofree char *shown = ctl_input_show (path);
  gsize n = g_variant_n_children (described);

  if (n == 1)
    return g_variant_get_child_value (described, 0);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT,
               _ ("%s has %u certificates; give the one that you mean in a file of "
                  "its own, or its key: the server's own is probably number 1"),
               shown, (unsigned int)n);
  g_clear_pointer (&ctl->certificates, g_variant_unref);
  ctl->certificates = g_variant_ref_sink (without_ders (described));
  return NULL;
}

/* Says which format a file had, if it was not DER: the reader may have meant another file. */
static void
tell_format (Ctl *ctl, const char *path, const char *format)
{
  g_autofree char *shown = ctl_input_show (path);
  g_autofree char *text = g_strdup_printf (_ ("%s is %s; converted to DER"), shown, format);

  if (!ctl->json && strcmp (format, "DER") != 0)
    ctl_print_message (&ctl->err, C_ ("message", "note"), text);
}

/* `file`: what was read from `path`. `host`: (nullable): then `warnings` are those of a pin for it.
 * Errors: CERTPIN_ERROR_WRONG_FORMAT, also if there are several; CERTPIN_ERROR_FAILED.
 * Returns: (transfer full): an `a{sv}`, see certpin-reader */
GVariant *
ctl_certificate_describe (Ctl *ctl, GBytes *file, const char *path, const char *host,
                          GError **error)
{
  g_autoptr (GVariant) value = run_reader (file, path, host, error);
  g_autoptr (GVariant) described = value != NULL ? g_variant_get_child_value (value, 1) : NULL;

  return described != NULL ? take_only (ctl, described, path, error) : NULL;
}

/* Returns: (transfer full): `aa{sv}`: all certificates of the file, the server's own first */
GVariant *
ctl_certificate_describe_all (Ctl *ctl, GBytes *file, const char *path, GError **error)
{
  g_autoptr (GVariant) value = run_reader (file, path, /* host= */ NULL, error);

  return value != NULL ? g_variant_get_child_value (value, 1) : NULL;
}

/* Returns: (transfer full): the one certificate of the file in DER; the file itself, if that may
 * be one or is in no known format: the service says what is wrong with it */
GBytes *
ctl_certificate_convert (Ctl *ctl, GBytes *file, const char *path, GError **error)
{
  g_autoptr (GVariant) value = NULL, described = NULL, only = NULL;
  const char *format;

  if (!needs_conversion (file))
    return g_bytes_ref (file);
  value = run_reader (file, path, /* host= */ NULL, error);
  if (value == NULL)
    return NULL;
  g_variant_get (value, "(&s@aa{sv})", &format, &described);
  only = take_only (ctl, described, path, error);
  if (only == NULL)
    return NULL;
  tell_format (ctl, path, format);
  return ctl_certificate_get_der (only);
}

/* Errors: those of ctl_input_read() and ctl_certificate_convert(). */
GBytes *
ctl_certificate_read (Ctl *ctl, const char *path, GError **error)
{
  g_autoptr (GBytes) file = ctl_input_read (path, CTL_CERTIFICATE_FILE_MAX_BYTES, error);

  return file != NULL ? ctl_certificate_convert (ctl, file, path, error) : NULL;
}
