/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a request that is read from a caller's descriptor. The caller still shares it, so it
 * can change whether reading from it blocks, and can read from it, too. No read here ever waits all
 * the same: recv (2) takes a flag, and what is in a pipe is first moved to a pipe of our own, for
 * which splice (2) takes one. Other kinds of files are refused: a read could wait for a disk, or
 * for another program. */

#define _GNU_SOURCE /* splice */

#include "config.h"

#include "daemon/core/verdict/cpd-upload.h"

#include "daemon/core/base/cpd-refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct _CpdUpload
{
  int fd;
  int pipe[2]; /* of our own, if it is a pipe; otherwise -1 */
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

static gboolean
check_kind (CpdUpload *upload, GError **error)
{
  struct stat about;
  int flags = fcntl (upload->fd, F_GETFL);

  if (fstat (upload->fd, &about) == 0 && S_ISFIFO (about.st_mode)
      && (flags & O_ACCMODE) != O_WRONLY)
    return pipe2 (upload->pipe, O_CLOEXEC | O_NONBLOCK) == 0
           || cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                          "the service cannot open any more files");
  return is_stream_socket (upload->fd)
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                        "the descriptor of the body must be the reading end of a pipe, or a stream "
                        "socket");
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    g_close (*fd, NULL);
  *fd = -1;
}

static void
upload_clear (gpointer data)
{
  CpdUpload *upload = data;

  close_fd (&upload->fd);
  close_fd (&upload->pipe[0]);
  close_fd (&upload->pipe[1]);
}

/* `descriptor`: (transfer full). `length`: how many bytes are read from it.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_LIMIT_EXCEEDED.
 * Returns: (transfer full) */
CpdUpload *
cpd_upload_new (int descriptor, guint64 length, GError **error)
{
  g_autoptr (CpdUpload) upload = g_atomic_rc_box_new0 (CpdUpload);

  upload->fd = descriptor;
  upload->pipe[0] = upload->pipe[1] = -1;
  upload->length = length;
  return check_kind (upload, error) ? g_steal_pointer (&upload) : NULL;
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

/* Returns: (transfer none): to wait until there is something */
int
cpd_upload_get_fd (const CpdUpload *upload)
{
  return upload->fd;
}

/* Returns: as of read (2) */
static ssize_t
read_now (CpdUpload *upload, void *buffer, gsize size)
{
  ssize_t moved;

  if (upload->pipe[0] < 0)
    return recv (upload->fd, buffer, size, MSG_DONTWAIT);
  moved = splice (upload->fd, NULL, upload->pipe[1], NULL, size, SPLICE_F_NONBLOCK);
  return moved > 0 ? read (upload->pipe[0], buffer, (gsize)moved) : moved;
}

/* Never more than the body has.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT: it ended early.
 * Returns: how many bytes were taken; 0: none is there now, or all were taken; -1 on error */
gssize
cpd_upload_take (CpdUpload *upload, void *buffer, gsize size, GError **error)
{
  gsize most = (gsize)MIN (size, cpd_upload_count_left (upload));
  ssize_t length = most > 0 ? read_now (upload, buffer, most) : 0;

  if (most == 0 || (length < 0 && (errno == EAGAIN || errno == EINTR)))
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
