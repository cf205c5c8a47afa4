/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a request, from the command line. It must not surprise users of curl(1): -d and
 * --data-raw mean what they mean there, and --data-file is its --data-binary @FILE. */

#include "config.h"

#include "certpinctl-body.h"

#include "certpinctl-input.h"
#include "certpinctl-trouble.h"

#include <certpin.h>

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of what is kept in memory. */
#define BODY_MAX_BYTES (64 * 1024 * 1024)

void
ctl_body_clear (CtlBody *given)
{
  g_strfreev (given->data);
  g_strfreev (given->data_raw);
  g_free (given->data_file);
  g_free (given->upload);
}

/* As curl does, leaves out line ends and null bytes: a file of form fields is text, and editors end
 * it with a newline. */
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

/* `raw`: @ has no special meaning. Returns: (transfer full) (nullable): the parts, joined with & */
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
                       "the body is larger than %d bytes; send it from a file with -T",
                       BODY_MAX_BYTES);
          return NULL;
        }
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&body));
}

/* Opens the file of -T. Only a regular file has a size that is known before it is read; standard
 * input may be one, too.
 * Errors: CERTPIN_ERROR_FILE_NOT_FOUND, CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full) (nullable) */
GInputStream *
ctl_body_open (const CtlBody *given, goffset *length, GError **error)
{
  gboolean standard = strcmp (given->upload, "-") == 0;
  g_autofree char *shown = ctl_input_show (given->upload);
  int descriptor = standard ? fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                            : open (given->upload, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  int number = errno;
  struct stat state;
  off_t from;

  if (descriptor >= 0 && fstat (descriptor, &state) == 0 && S_ISREG (state.st_mode)
      && (from = lseek (descriptor, 0, SEEK_CUR)) >= 0)
    {
      *length = MAX (state.st_size - from, 0);
      return g_unix_input_stream_new (descriptor, /* close_fd= */ TRUE);
    }
  if (descriptor >= 0)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "%s is not a regular file, whose size -T needs; send it with --data-file",
                   shown);
      close (descriptor);
    }
  else
    {
      g_autofree char *trouble = ctl_trouble_read (given->upload, number);

      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND, "cannot read %s: %s", shown,
                   trouble);
    }
  return NULL;
}

/* `body`: stays NULL where none is given, or where it is a file of any size.
 * Errors: G_OPTION_ERROR where there are several; CERTPIN_ERROR_FILE_NOT_FOUND,
 * CERTPIN_ERROR_INVALID_ARGUMENT where it is too large. */
gboolean
ctl_body_read (const CtlBody *given, GBytes **body, GError **error)
{
  if ((given->data != NULL) + (given->data_raw != NULL) + (given->data_file != NULL)
          + (given->upload != NULL)
      > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "give only one of -d, --data-raw, --data-file and -T");
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
