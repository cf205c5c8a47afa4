/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The name of the file for the pin of a host, from which the host is known even if the file cannot
 * be read. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file-name.h"

#include <string.h>

#define NAME_MAX_BYTES 200
#define CUT_MARK       "~"

/* Returns: (transfer full): the name of the file for the pin of a host. Bytes outside [a-z0-9.-]
 * are written as %XX; a name that is too long is cut, and ends in a hash. */
char *
cpd_pin_file_name (CpdHost *host)
{
  const char *text = cpd_host_get_text (host);
  g_autoptr (GString) name = g_string_new (NULL);

  for (const char *c = text; *c != '\0'; c++)
    if (g_ascii_islower (*c) || g_ascii_isdigit (*c) || *c == '.' || *c == '-')
      g_string_append_c (name, *c);
    else
      g_string_append_printf (name, "%%%02X", (guint8)*c);
  if (name->len > NAME_MAX_BYTES)
    {
      g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

      g_string_truncate (name, NAME_MAX_BYTES - 33);
      g_string_append_printf (name, CUT_MARK "%.32s", hash);
    }
  return g_strconcat (name->str, CPD_PIN_FILE_SUFFIX, NULL);
}

/* Returns: (transfer full) (nullable): the host of a file's name, if the name is complete */
CpdHost *
cpd_pin_file_name_to_host (const char *name)
{
  g_autofree char *stem = NULL, *text = NULL;

  if (!g_str_has_suffix (name, CPD_PIN_FILE_SUFFIX) || strstr (name, CUT_MARK) != NULL)
    return NULL;
  stem = g_strndup (name, strlen (name) - strlen (CPD_PIN_FILE_SUFFIX));
  text = g_uri_unescape_string (stem, NULL);
  return text != NULL ? cpd_host_new (text, NULL) : NULL;
}
