/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Standard output and standard error. Output is collected and written in few pieces; the first
 * failure is kept, to be reported at the end. Text is cleaned before it gets here, in
 * certpinctl-output.c. */

#include "config.h"

#include "certpinctl-stream.h"

#include "certpinctl-signals.h"
#include "certpinctl-trouble.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PENDING_MAX_BYTES (64 * 1024)
/* Of a terminal that does not say, or that is too narrow for tables. */
#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN     40
#define COLUMNS_MAX     10000

static int
columns_of_terminal (int fd)
{
  const char *wanted = g_getenv ("COLUMNS");
  struct winsize size = { 0 };
  guint64 columns;

  if (wanted != NULL
      && g_ascii_string_to_unsigned (wanted, 10, COLUMNS_MIN, COLUMNS_MAX, &columns, NULL))
    return (int)columns;
  if (ioctl (fd, TIOCGWINSZ, &size) != 0 || size.ws_col < COLUMNS_MIN)
    return COLUMNS_DEFAULT;
  return size.ws_col;
}

/* Whether a terminal takes the escape sequences that move its cursor and change its colours. */
gboolean
ctl_terminal_takes_escapes (void)
{
  const char *kind = g_getenv ("TERM");

  return kind != NULL && *kind != '\0' && !g_str_equal (kind, "dumb");
}

void
ctl_stream_init (CtlStream *stream, int fd, const char *name)
{
  const char *no_colour = g_getenv ("NO_COLOR");
  gboolean plain = (no_colour != NULL && *no_colour != '\0') || !ctl_terminal_takes_escapes ();

  *stream = (CtlStream){ .fd = fd, .name = name, .terminal = isatty (fd) == 1 };
  stream->colour = stream->terminal && !plain;
  stream->columns = stream->terminal ? columns_of_terminal (fd) : 0;
  stream->by_line = fd == STDERR_FILENO;
  stream->pending = g_string_new (NULL);
}

void
ctl_stream_clear (CtlStream *stream)
{
  g_string_free (stream->pending, TRUE);
}

/* Writes everything. Returns FALSE with errno set on failure. */
gboolean
ctl_fd_write (int fd, const char *bytes, gsize length)
{
  while (length > 0)
    {
      gssize written = write (fd, bytes, length);

      /* Another process that has the pipe or terminal open may have made it non-blocking. */
      if (written < 0 && errno == EAGAIN)
        poll (&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
      else if (written < 0 && errno != EINTR)
        return FALSE;
      bytes += MAX (written, 0);
      length -= (gsize)MAX (written, 0);
    }
  return TRUE;
}

/* After a failure nothing more is written: output with a gap could be misread. */
static void
write_now (CtlStream *stream, const char *bytes, gsize length)
{
  if (stream->failure == 0 && !ctl_fd_write (stream->fd, bytes, length))
    stream->failure = errno;
  if (stream->failure == EPIPE && stream->ends_quietly && !stream->may_end)
    ctl_signals_end_by_pipe ();
}

static void
write_pending (CtlStream *stream)
{
  write_now (stream, stream->pending->str, stream->pending->len);
  g_string_truncate (stream->pending, 0);
}

void
ctl_stream_write (CtlStream *stream, const char *bytes, gsize length)
{
  gboolean large = length > PENDING_MAX_BYTES;

  if (!large)
    g_string_append_len (stream->pending, bytes, (gssize)length);
  if (large || stream->pending->len > PENDING_MAX_BYTES
      || (stream->by_line && length > 0 && bytes[length - 1] == '\n'))
    write_pending (stream);
  if (large)
    write_now (stream, bytes, length);
}

/* Reports the first failure to write, now or earlier. Errors: G_FILE_ERROR. */
gboolean
ctl_stream_flush (CtlStream *stream, GError **error)
{
  g_autofree char *trouble = NULL;

  write_pending (stream);
  if (stream->failure == 0 || (stream->failure == EPIPE && stream->may_end))
    return TRUE;
  trouble = ctl_trouble_write (stream->failure);
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (stream->failure),
               _ ("cannot write to %s: %s"), stream->name, trouble);
  return FALSE;
}
