/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a request that is read from a caller's descriptor. The caller still shares it, and
 * can make each call on it wait: so a pump moves the body into a pipe of our own, once somebody
 * wants it, and only that is read here. Kinds of files other than pipes and sockets are refused: a
 * read could wait for a disk, or for another program. */

#define _GNU_SOURCE /* pipe2, statx */

#include "config.h"

#include "daemon/core/verdict/cpd-upload.h"

#include "daemon/core/base/cpd-closer.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/verdict/cpd-pump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct _CpdUpload
{
  CpdPump pump; /* its descriptors: -1: it runs */
  int fd;       /* what it moves into */
  guint64 length, taken;
};

static gboolean
get_option (int fd, int option, int *value)
{
  socklen_t size = sizeof *value;

  return getsockopt (fd, SOL_SOCKET, option, value, &size) == 0;
}

static gboolean
is_stream_socket (int fd)
{
  int type, domain;

  return get_option (fd, SO_TYPE, &type) && type == SOCK_STREAM
         && get_option (fd, SO_DOMAIN, &domain)
         && (domain == AF_UNIX || domain == AF_INET || domain == AF_INET6);
}

/* No file system is asked: another program may provide it. */
static gboolean
is_readable_pipe (int fd)
{
  struct statx about;

  return statx (fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &about) == 0
         && S_ISFIFO (about.stx_mode) && (fcntl (fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
}

static gboolean
check_kind (int fd, GError **error)
{
  return is_readable_pipe (fd) || is_stream_socket (fd)
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                        "the descriptor of the body must be the reading end of a pipe, or a stream "
                        "socket");
}

static void
upload_clear (gpointer data)
{
  CpdUpload *upload = data;

  cpd_closer_close (upload->pump.from);
  if (upload->pump.into >= 0)
    close (upload->pump.into);
  if (upload->fd >= 0)
    close (upload->fd);
}

static gboolean
make_pipe (CpdUpload *upload, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "the service cannot open any more files");
  upload->fd = ends[0];
  upload->pump.into = ends[1];
  return TRUE;
}

/* `source->from`: (transfer full). `source->bytes`: how many are read. `source->into`: not used.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_LIMIT_EXCEEDED.
 * Returns: (transfer full) */
CpdUpload *
cpd_upload_new (const CpdPump *source, GError **error)
{
  g_autoptr (CpdUpload) upload = g_atomic_rc_box_new0 (CpdUpload);

  upload->pump = *source;
  upload->pump.into = upload->fd = -1;
  upload->length = source->bytes;
  return check_kind (source->from, error) && make_pipe (upload, error) ? g_steal_pointer (&upload)
                                                                       : NULL;
}

CpdUpload *
cpd_upload_ref (CpdUpload *upload)
{
  return g_atomic_rc_box_acquire (upload);
}

/* `upload`: (nullable) */
void
cpd_upload_unref (CpdUpload *upload)
{
  if (upload != NULL)
    g_atomic_rc_box_release_full (upload, upload_clear);
}

/* Returns: how many bytes the body has */
guint64
cpd_upload_get_length (const CpdUpload *upload)
{
  return upload->length;
}

/* Returns: how many of them were not taken yet */
guint64
cpd_upload_count_left (const CpdUpload *upload)
{
  return upload->length - upload->taken;
}

/* Whether all of it could still be sent. */
gboolean
cpd_upload_is_untouched (const CpdUpload *upload)
{
  return upload->taken == 0;
}

/* Returns: (transfer none): to wait until there is something, after nothing was taken */
int
cpd_upload_get_fd (const CpdUpload *upload)
{
  return upload->fd;
}

static gboolean
start_pump (CpdUpload *upload, GError **error)
{
  if (upload->pump.from < 0)
    return TRUE;
  if (!cpd_pump_start (&upload->pump, error))
    return FALSE;
  upload->pump.from = upload->pump.into = -1;
  return TRUE;
}

/* Never more than the body has.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT: it ended early; CERTPIN_ERROR_LIMIT_EXCEEDED.
 * Returns: how many bytes were taken; 0: none is there now, or all were taken; -1 on error */
gssize
cpd_upload_take (CpdUpload *upload, void *buffer, gsize size, GError **error)
{
  gsize most = (gsize)MIN (size, cpd_upload_count_left (upload));
  ssize_t length;

  if (most == 0)
    return 0;
  if (!start_pump (upload, error))
    return -1;
  length = read (upload->fd, buffer, most);
  if (length < 0 && (errno == EAGAIN || errno == EINTR))
    return 0;
  if (length > 0)
    {
      upload->taken += (guint64)length;
      return length;
    }
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               "got only %" G_GUINT64_FORMAT " of the %" G_GUINT64_FORMAT
               " bytes of the body, because its descriptor ended there",
               upload->taken, upload->length);
  return -1;
}
