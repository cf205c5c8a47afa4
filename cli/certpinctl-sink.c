/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the body of a response goes: to memory, a file, a terminal, or unchanged to a stream. */

#include "config.h"

#include "certpinctl-sink.h"

#include <glib/gi18n.h>

#include <certpin.h>

/* Of a body that is kept in memory. */
#define BODY_MAX_BYTES (64 * 1024 * 1024)

static gboolean
keep (CtlSink *sink, const char *bytes, gsize length, GError **error)
{
  if (sink->memory->len + length > BODY_MAX_BYTES)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_BODY_TOO_LARGE,
                   _ ("the response body has more than %d bytes; write it to a file with -o"),
                   BODY_MAX_BYTES);
      return FALSE;
    }
  g_byte_array_append (sink->memory, (const guint8 *)bytes, (guint)length);
  return TRUE;
}

/* Errors: G_FILE_ERROR; CERTPIN_ERROR_BODY_TOO_LARGE for memory, CERTPIN_ERROR_FAILED for a
 * terminal. */
gboolean
ctl_sink_write (CtlSink *sink, const char *bytes, gsize length, GError **error)
{
  sink->written += (goffset)length;
  if (sink->memory != NULL)
    return keep (sink, bytes, length, error);
  if (sink->file != NULL)
    return ctl_file_append (sink->file, bytes, length, error);
  if (sink->screen != NULL)
    return ctl_screen_write (sink->screen, bytes, length, error);
  ctl_stream_write (sink->stream, bytes, length);
  return ctl_stream_flush (sink->stream, error);
}

/* Everything has come. Errors: G_FILE_ERROR. */
gboolean
ctl_sink_end (CtlSink *sink, GError **error)
{
  if (sink->memory == NULL && sink->file != NULL)
    return ctl_file_commit (sink->file, error);
  if (sink->screen == NULL)
    return TRUE;
  ctl_screen_end (sink->screen);
  return ctl_stream_flush (sink->stream, error);
}

/* What a terminal shows of a body that was cut ends with a line end, too. */
void
ctl_sink_clear (CtlSink *sink)
{
  g_clear_pointer (&sink->memory, g_byte_array_unref);
  if (sink->screen != NULL)
    {
      ctl_screen_end (sink->screen);
      ctl_stream_flush (sink->stream, /* error= */ NULL);
      ctl_screen_clear (sink->screen);
      g_clear_pointer (&sink->screen, g_free);
    }
}
