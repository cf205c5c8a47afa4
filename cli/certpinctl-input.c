/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the files that the command line names; - is standard input. */

#include "config.h"

#include "certpinctl-input.h"

#include "certpinctl-trouble.h"

#include <glib/gi18n.h>

#include <certpin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Returns: (transfer full): the name of the file for messages */
char *
ctl_input_show (const char *path)
{
  return strcmp (path, "-") == 0 ? g_strdup (_ ("standard input"))
                                 : g_strdup_printf (_ ("‘%s’"), path);
}

/* Says which file the error is about. */
void
ctl_input_prefix_error (const char *path, GError **error)
{
  g_autofree char *shown = ctl_input_show (path);

  g_prefix_error (error, _ ("cannot use %s: "), shown);
}

/* Returns: (transfer full): the word as it is typed in a shell, in quotes only if it needs them */
char *
ctl_input_quote (const char *word)
{
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "-._/:=+,@";

  return *word != '\0' && strspn (word, plain) == strlen (word) ? g_strdup (word)
                                                                : g_shell_quote (word);
}

/* Returns: (transfer full): the contents of the file; of standard input if `path` is - */
GBytes *
ctl_input_read (const char *path, size_t max_bytes, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gboolean standard = strcmp (path, "-") == 0;
  g_autofree char *shown = ctl_input_show (path);
  FILE *file = standard ? stdin : fopen (path, "rbe");
  guint8 buffer[16 * 1024];
  size_t length = 0;
  int failure = file == NULL ? errno : 0;

  while (failure == 0 && bytes->len <= max_bytes
         && (length = fread (buffer, 1, sizeof buffer, file)) > 0)
    g_byte_array_append (bytes, buffer, length);
  if (failure == 0 && ferror (file))
    failure = errno;
  if (file != NULL && !standard)
    fclose (file);
  if (failure == 0 && bytes->len <= max_bytes)
    return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));

  if (failure != 0)
    {
      g_autofree char *trouble = ctl_trouble_read (path, failure);

      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND, _ ("cannot read %s: %s"),
                   shown, trouble);
    }
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                 _ ("%s is larger than %u bytes; check that it is the right file"), shown,
                 (unsigned int)max_bytes);
  return NULL;
}

/* D-Bus strings are UTF-8 without null bytes.
 * Returns: (transfer full) (nullable): what was read as text; NULL: it is none */
char *
ctl_input_get_text (GBytes *bytes)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  if (length == 0)
    return g_strdup ("");
  return g_utf8_validate_len (data, length, NULL) ? g_strndup (data, length) : NULL;
}
