/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a request, from what the command line says of it. Whoever knows curl(1) must not be
 * surprised: -d is its -d, --data-raw its --data-raw; --data-file is its --data-binary with a file.
 */

#include "config.h"

#include "certpinctl-body.h"

#include "certpinctl-input.h"

#include <certpin.h>

#include <string.h>

/* As the service takes it. */
#define BODY_MAX_BYTES (16 * 1024 * 1024)

void
ctl_body_clear (CtlBody *given)
{
  g_strfreev (given->data);
  g_strfreev (given->data_raw);
  g_free (given->data_file);
}

/* A file of a form's fields is text, which an editor ends with a newline: as curl does, line ends
 * and null bytes are left out. */
static gboolean
append_file (GByteArray *body, const char *path, GError **error)
{
  g_autoptr (GBytes) file = ctl_input_read (path, BODY_MAX_BYTES, error);
  gsize length;
  const guint8 *bytes;

  if (file == NULL)
    return FALSE;
  bytes = g_bytes_get_data (file, &length);
  for (gsize i = 0; i < length; i++)
    if (bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != '\0')
      g_byte_array_append (body, &bytes[i], 1);
  return TRUE;
}

static gboolean
append_part (GByteArray *body, const char *part, gboolean raw, GError **error)
{
  if (!raw && *part == '@')
    return append_file (body, part + 1, error);
  g_byte_array_append (body, (const guint8 *)part, (guint)strlen (part));
  return TRUE;
}

/* `raw`: an @ has no meaning. Returns: (transfer full) (nullable): the parts, with a & between */
static GBytes *
join_parts (char **parts, gboolean raw, GError **error)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  for (size_t i = 0; parts[i] != NULL; i++)
    {
      if (i > 0)
        g_byte_array_append (body, (const guint8 *)"&", 1);
      if (!append_part (body, parts[i], raw, error))
        return NULL;
      if (body->len > BODY_MAX_BYTES)
        {
          g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "the body is larger than %d bytes", BODY_MAX_BYTES);
          return NULL;
        }
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&body));
}

/* `body`: stays NULL where none is given. Errors: G_OPTION_ERROR where there are several;
 * CERTPIN_ERROR_FILE_NOT_FOUND, CERTPIN_ERROR_INVALID_ARGUMENT where it is too large. */
gboolean
ctl_body_read (const CtlBody *given, GBytes **body, GError **error)
{
  if ((given->data != NULL) + (given->data_raw != NULL) + (given->data_file != NULL) > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "give only one of -d, --data-raw and --data-file");
      return FALSE;
    }
  if (given->data == NULL && given->data_raw == NULL && given->data_file == NULL)
    return TRUE;
  if (given->data != NULL)
    *body = join_parts (given->data, /* raw= */ FALSE, error);
  else if (given->data_raw != NULL)
    *body = join_parts (given->data_raw, /* raw= */ TRUE, error);
  else
    *body = ctl_input_read (given->data_file, BODY_MAX_BYTES, error);
  return *body != NULL;
}
