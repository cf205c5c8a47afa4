/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file while it is downloaded: a temporary file beside it, which replaces it when it is whole.
 * If the download is cut, the temporary file is kept as FILE.certpin-part, with a trailer: what it
 * was downloaded from, which version of that, and which key the server had. It is on disk before
 * it gets that name, so its contents can be relied on even after a power failure. A later download
 * takes it over by renaming it, so that only one can. */

#include "config.h"

#include "certpin-part.h"

#include "certpin-error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".certpin-part"

/* The trailer: a newline, four lines (what it is, URL, validator, key), and the number of its bytes
 * up to here, as 8 hexadecimal digits. */
#define MAGIC             "certpin-part 1"
#define LENGTH_DIGITS     8
#define TRAILER_MAX_BYTES (64 * 1024)

struct _CertpinPart
{
  char *path;
  char *temporary; /* NULL: it is not there any more */
  char *url;
  int descriptor;
  goffset length;
  char *validator; /* (nullable): of what was taken over */
  char *key;       /* (nullable): of the server that sent that */
};

/* Sets the error from errno, and returns FALSE. */
static gboolean
fail (CertpinPart *part, const char *what, GError **error)
{
  int number = errno;
  g_autofree char *shown = g_filename_display_name (part->path);

  g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (number), "cannot %s ‘%s’: %s", what,
               shown, g_strerror (number));
  return FALSE;
}

/* Nobody else may have prepared what is taken over. */
static gboolean
is_own (int descriptor, struct stat *state)
{
  return fstat (descriptor, state) == 0 && S_ISREG (state->st_mode) && state->st_nlink == 1
         && state->st_uid == geteuid ();
}

/* Returns: (transfer full) (nullable): the lines of the trailer; NULL: there is none.
 * `length`: of what is before it */
static GStrv
read_trailer (int descriptor, goffset size, goffset *length)
{
  char digits[LENGTH_DIGITS + 1] = "";
  guint64 trailer;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (size < LENGTH_DIGITS
      || pread (descriptor, digits, LENGTH_DIGITS, size - LENGTH_DIGITS) != LENGTH_DIGITS
      || !g_ascii_string_to_unsigned (digits, 16, 1, TRAILER_MAX_BYTES, &trailer, NULL)
      || size - LENGTH_DIGITS < (goffset)trailer)
    return NULL;
  *length = size - LENGTH_DIGITS - (goffset)trailer;
  text = g_malloc0 (trailer + 1);
  if (pread (descriptor, text, trailer, *length) != (gssize)trailer)
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  if (g_strv_length (lines) != 6 || !g_str_equal (lines[1], MAGIC))
    return NULL;
  return g_steal_pointer (&lines);
}

/* Whether the kept file is of the same URL; if it is, `part` continues it. */
static gboolean
take_over (CertpinPart *part)
{
  g_autofree char *kept = g_strconcat (part->path, SUFFIX, NULL);
  int descriptor = open (kept, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  g_auto (GStrv) lines = NULL;
  struct stat state, now;
  goffset length;

  if (descriptor < 0)
    return FALSE;
  if (is_own (descriptor, &state))
    lines = read_trailer (descriptor, state.st_size, &length);
  if (lines == NULL || !g_str_equal (lines[2], part->url) || rename (kept, part->temporary) != 0)
    {
      close (descriptor);
      return FALSE;
    }
  /* Another process may have taken it over just before, and another one kept a new one. */
  if (lstat (part->temporary, &now) != 0 || now.st_ino != state.st_ino || now.st_dev != state.st_dev
      || ftruncate (descriptor, length) != 0 || lseek (descriptor, length, SEEK_SET) != length)
    {
      unlink (part->temporary);
      close (descriptor);
      return FALSE;
    }
  part->descriptor = descriptor;
  part->length = length;
  part->validator = g_strdup (lines[3]);
  part->key = g_strdup (lines[4]);
  return TRUE;
}

static gboolean
check_target (CertpinPart *part, GError **error)
{
  g_autofree char *shown = g_filename_display_name (part->path);
  struct stat state;

  if (lstat (part->path, &state) != 0)
    return errno == ENOENT || fail (part, "write to", error);
  if (S_ISREG (state.st_mode))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
               "cannot write to ‘%s’: it is not a regular file", shown);
  return FALSE;
}

/* `url`: what is downloaded. A part of it that was kept is taken over.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, G_IO_ERROR.
 * Returns: (transfer full) (nullable) */
CertpinPart *
certpin_part_new (GFile *file, const char *url, GError **error)
{
  g_autoptr (CertpinPart) part = g_new0 (CertpinPart, 1);
  g_autofree char *folder = NULL;

  part->descriptor = -1;
  part->url = g_strdup (url);
  part->path = g_file_get_path (file);
  if (part->path == NULL)
    {
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                           "the file of a download must be a file of this machine");
      return NULL;
    }
  if (!check_target (part, error))
    return NULL;
  folder = g_path_get_dirname (part->path);
  part->temporary
      = g_strdup_printf ("%s/.certpin-%08x%08x", folder, g_random_int (), g_random_int ());
  if (!take_over (part))
    part->descriptor
        = open (part->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (part->descriptor >= 0)
    return g_steal_pointer (&part);
  fail (part, "make a temporary file beside", error);
  g_clear_pointer (&part->temporary, g_free);
  return NULL;
}

/* Removes the temporary file, unless it was committed or kept. */
void
certpin_part_free (CertpinPart *part)
{
  if (part->descriptor >= 0)
    close (part->descriptor);
  if (part->temporary != NULL)
    unlink (part->temporary);
  g_free (part->path);
  g_free (part->temporary);
  g_free (part->url);
  g_free (part->validator);
  g_free (part->key);
  g_free (part);
}

/* Returns: (transfer none) (nullable): a strong entity tag (RFC 9110, section 8.8.3) of the part
 * that was taken over; NULL: none was */
const char *
certpin_part_get_validator (CertpinPart *part)
{
  return part->validator;
}

/* Returns: (transfer none) (nullable): the key of the server that sent the part that was taken
 * over; NULL: none was */
const char *
certpin_part_get_key (CertpinPart *part)
{
  return part->key;
}

/* Returns: how many bytes it has */
goffset
certpin_part_get_length (CertpinPart *part)
{
  return part->length;
}

/* Begins with nothing. */
gboolean
certpin_part_restart (CertpinPart *part, GError **error)
{
  g_clear_pointer (&part->validator, g_free);
  g_clear_pointer (&part->key, g_free);
  part->length = 0;
  if (ftruncate (part->descriptor, 0) != 0 || lseek (part->descriptor, 0, SEEK_SET) != 0)
    return fail (part, "write to", error);
  return TRUE;
}

/* Returns FALSE with errno set on failure. */
static gboolean
write_all (int descriptor, const char *bytes, gsize length)
{
  while (length > 0)
    {
      gssize written = write (descriptor, bytes, length);

      if (written < 0 && errno != EINTR)
        return FALSE;
      bytes += MAX (written, 0);
      length -= (gsize)MAX (written, 0);
    }
  return TRUE;
}

/* Errors: G_IO_ERROR */
gboolean
certpin_part_write (CertpinPart *part, const void *bytes, gsize length, GError **error)
{
  if (!write_all (part->descriptor, bytes, length))
    return fail (part, "write to", error);
  part->length += (goffset)length;
  return TRUE;
}

/* Replaces the file, whose permissions it keeps. A kept part of it has no use then.
 * Errors: G_IO_ERROR */
gboolean
certpin_part_commit (CertpinPart *part, GError **error)
{
  g_autofree char *kept = g_strconcat (part->path, SUFFIX, NULL);
  const mode_t permissions = S_IRWXU | S_IRWXG | S_IRWXO;
  struct stat old;

  if ((lstat (part->path, &old) == 0 && S_ISREG (old.st_mode)
       && fchmod (part->descriptor, old.st_mode & permissions) != 0)
      || fsync (part->descriptor) != 0)
    return fail (part, "write to", error);
  if (rename (part->temporary, part->path) != 0)
    return fail (part, "replace", error);
  g_clear_pointer (&part->temporary, g_free);
  unlink (kept);
  return TRUE;
}

/* Keeps it for a later download, if that is possible. `validator`: a strong entity tag. `key`: that
 * of the server that sent it */
void
certpin_part_keep (CertpinPart *part, const char *validator, const char *key)
{
  g_autofree char *kept = g_strconcat (part->path, SUFFIX, NULL);
  g_autofree char *trailer
      = g_strdup_printf ("\n%s\n%s\n%s\n%s\n", MAGIC, part->url, validator, key);
  g_autofree char *digits = g_strdup_printf ("%08zx", strlen (trailer));

  if (strlen (trailer) <= TRAILER_MAX_BYTES
      && write_all (part->descriptor, trailer, strlen (trailer))
      && write_all (part->descriptor, digits, strlen (digits)) && fsync (part->descriptor) == 0
      && rename (part->temporary, kept) == 0)
    g_clear_pointer (&part->temporary, g_free);
}
