/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moves bytes both ways between a connection and a client, with a thread for each direction, so
 * that neither waits for the other. Each direction ends on its own. */

#include "config.h"

#include "certpinctl-pump.h"

#include "certpinctl-stream.h"

#include <glib/gi18n.h>

#include <certpin.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES (64 * 1024)

/* As read (), but it waits even if somebody else has made the descriptor non-blocking. */
static gssize
read_some (int fd, char *bytes, gsize size)
{
  gssize length;

  while ((length = read (fd, bytes, size)) < 0 && (errno == EAGAIN || errno == EINTR))
    poll (&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1);
  return length;
}

/* Returns: 0: up to the end; otherwise what failed: `*writing`: to write */
static int
carry (int from, int to, gboolean *writing)
{
  g_autofree char *piece = g_malloc (PIECE_BYTES);
  gssize length;

  *writing = FALSE;
  while ((length = read_some (from, piece, PIECE_BYTES)) > 0)
    if (!ctl_fd_write (to, piece, (gsize)length))
      {
        *writing = TRUE;
        return errno;
      }
  return length < 0 ? errno : 0;
}

/* From the client. What cannot be sent any more is not told here: the other direction ends, too. */
static gpointer
carry_up (gpointer data)
{
  CtlPump *pump = data;
  gboolean writing;

  if (carry (pump->in, pump->connection, &writing) == 0)
    g_atomic_int_set (&pump->ended, TRUE);
  shutdown (pump->connection, SHUT_WR);
  return NULL;
}

static gboolean
set_error (int failure, gboolean writing, GError **error)
{
  if (writing)
    g_set_error (error, G_FILE_ERROR, (int)g_file_error_from_errno (failure),
                 _ ("cannot write what the server sent: %s"), g_strerror (failure));
  else
    g_set_error_literal (
        error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED,
        _ ("the connection was cut, and data may be missing; see ‘certpinctl show’"));
  return FALSE;
}

/* Runs until the server has sent everything. If the client is a socket, it is told of the end, and
 * this waits for its own end, too.
 * Errors: G_FILE_ERROR; CERTPIN_ERROR_TRUNCATED: the connection was cut. */
gboolean
ctl_pump_run (CtlPump *pump, GError **error)
{
  GThread *up = g_thread_new ("up", carry_up, pump);
  const struct linger at_once = { .l_onoff = 1 };
  gboolean writing;
  int failure = carry (pump->connection, pump->out, &writing);

  if (pump->in != pump->out)
    g_thread_unref (up); /* it ends with the program */
  else if (failure == 0)
    {
      shutdown (pump->out, SHUT_WR);
      g_thread_join (up);
    }
  else
    {
      setsockopt (pump->out, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); /* it sees a cut */
      shutdown (pump->in, SHUT_RD);
      shutdown (pump->connection, SHUT_RDWR);
      /* Many servers do not end TLS once the client has: it sees that itself, if it still reads. */
      if (g_atomic_int_get (&pump->ended))
        failure = 0;
      g_thread_join (up);
    }
  return failure == 0 || set_error (failure, writing, error);
}
