/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a request that is in a file, or comes by a stream. The service must know how long a
 * body is before it comes. So one of unknown length is first copied to a temporary file. */

#include "config.h"

#include "certpin-content.h"

#include "certpin-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct _CertpinContent
{
  GObject parent;

  GFile *file;          /* NULL: it is a stream */
  GInputStream *stream; /* NULL: it is a file */
  goffset length;       /* of the stream; -1: not known */
  int taken;            /* atomic: whether the stream was */
};

G_DEFINE_FINAL_TYPE (CertpinContent, certpin_content, G_TYPE_OBJECT)

static void
certpin_content_finalize (GObject *object)
{
  CertpinContent *content = CERTPIN_CONTENT (object);

  g_clear_object (&content->file);
  g_clear_object (&content->stream);
  G_OBJECT_CLASS (certpin_content_parent_class)->finalize (object);
}

static void
certpin_content_class_init (CertpinContentClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = certpin_content_finalize;
}

static void
certpin_content_init (CertpinContent *content)
{
  content->length = -1;
}

/* Returns: (transfer full): all of the file, each time that it is opened */
CertpinContent *
certpin_content_new_for_file (GFile *file)
{
  CertpinContent *content = g_object_new (CERTPIN_TYPE_CONTENT, NULL);

  content->file = g_object_ref (file);
  return content;
}

/* `length`: how many bytes of it; -1: what is left of it.
 * Returns: (transfer full): can be opened once */
CertpinContent *
certpin_content_new_for_stream (GInputStream *stream, goffset length)
{
  CertpinContent *content = g_object_new (CERTPIN_TYPE_CONTENT, NULL);

  content->stream = g_object_ref (stream);
  content->length = length;
  return content;
}

/* To open a FIFO could block forever, which nothing could cancel. */
static GInputStream *
open_file (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_TYPE,
                                                  G_FILE_QUERY_INFO_NONE, cancellable, error);
  g_autofree char *name = g_file_get_parse_name (file);

  if (info == NULL)
    return NULL;
  if (g_file_info_get_file_type (info) == G_FILE_TYPE_REGULAR)
    return (GInputStream *)g_file_read (file, cancellable, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
               "‘%s’ is not a regular file; pass a stream of it instead", name);
  return NULL;
}

/* What it had is gone, and the rest of it must not be sent as if it were the whole. */
static GInputStream *
take_stream (CertpinContent *content, GError **error)
{
  if (g_atomic_int_compare_and_exchange (&content->taken, FALSE, TRUE))
    return g_object_ref (content->stream);
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "the body of this request is a stream that was sent already; build a new "
                       "request with a new stream");
  return NULL;
}

/* Returns: how many bytes a file has behind those that were read; 0 if it does not say: files of
 * the kernel and FIFOs seem to be empty */
static goffset
find_rest (GInputStream *stream, GCancellable *cancellable)
{
  g_autoptr (GFileInfo) info = NULL;

  if (G_IS_FILE_INPUT_STREAM (stream) && G_IS_SEEKABLE (stream))
    info = g_file_input_stream_query_info (G_FILE_INPUT_STREAM (stream),
                                           G_FILE_ATTRIBUTE_STANDARD_SIZE, cancellable, NULL);
  if (info == NULL || !g_file_info_has_attribute (info, G_FILE_ATTRIBUTE_STANDARD_SIZE))
    return 0;
  return MAX (g_file_info_get_size (info) - g_seekable_tell (G_SEEKABLE (stream)), 0);
}

/* Returns: the descriptor of a file that has no name any more; -1: `error` is set */
static int
open_temporary (GError **error)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "certpin-XXXXXX", NULL);
  int descriptor = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);

  if (descriptor >= 0)
    g_unlink (path);
  else
    g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (errno),
                 "cannot make a temporary file in ‘%s’: %s", g_get_tmp_dir (), g_strerror (errno));
  return descriptor;
}

/* Reads what is left of the stream.
 * Returns: (transfer full) (nullable): the same bytes. `length`: how many */
static GInputStream *
copy (GInputStream *stream, goffset *length, GCancellable *cancellable, GError **error)
{
  int descriptor = open_temporary (error);
  g_autoptr (GInputStream) copied = NULL;
  g_autoptr (GOutputStream) target = NULL;

  if (descriptor < 0)
    return NULL;
  copied = g_unix_input_stream_new (descriptor, /* close_fd= */ TRUE);
  target = g_unix_output_stream_new (descriptor, /* close_fd= */ FALSE);
  if (g_output_stream_splice (target, stream, G_OUTPUT_STREAM_SPLICE_NONE, cancellable, error) < 0)
    return NULL;
  *length = lseek (descriptor, 0, SEEK_CUR);
  lseek (descriptor, 0, SEEK_SET);
  return g_steal_pointer (&copied);
}

/* Blocks meanwhile. `length`: how many bytes of the result are the body.
 * Errors: those of the file or the stream; CERTPIN_ERROR_INVALID_ARGUMENT: it was opened before.
 * Returns: (transfer full) (nullable) */
GInputStream *
certpin_content_open (CertpinContent *content, goffset *length, GCancellable *cancellable,
                      GError **error)
{
  g_autoptr (GInputStream) stream = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  stream = content->file != NULL ? open_file (content->file, cancellable, error)
                                 : take_stream (content, error);
  if (stream == NULL)
    return NULL;
  *length = content->length >= 0 ? content->length : find_rest (stream, cancellable);
  if (content->length >= 0 || *length > 0)
    return g_steal_pointer (&stream);
  return copy (stream, length, cancellable, error);
}
