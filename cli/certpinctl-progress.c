/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shows how far something is, in one line of a terminal that is removed at the end. Of a transfer:
 * how much is there, how fast it goes, and how long it will take. Nothing is shown of what is over
 * at once. */

#include "config.h"

#include "certpinctl-progress.h"

#include "certpinctl-text.h"

#include <glib/gi18n.h>

#include <string.h>

#define DELAY_US    500000
#define INTERVAL_US 200000
#define LINE_WIDTH  78
#define BAR_WIDTH   20
#define BAR_MIN     4

/* `stream`: (nullable): where to show it, if that is a terminal */
void
ctl_progress_init (CtlProgress *progress, CtlStream *stream)
{
  gint64 now_us = g_get_monotonic_time ();

  *progress = (CtlProgress){ .begun_us = now_us, .begun_at = -1, .next_us = now_us + DELAY_US };
  if (stream != NULL && stream->terminal)
    progress->stream = stream;
  progress->width = progress->stream != NULL ? MIN (stream->columns - 1, LINE_WIDTH) : LINE_WIDTH;
}

/* Always as wide, so that it covers the one before. */
static void
print_line (CtlProgress *progress, const char *text)
{
  glong length = MIN (g_utf8_strlen (text, -1), progress->width);
  g_autofree char *shown = g_utf8_substring (text, 0, length);
  g_autofree char *line = g_strdup_printf ("\r%s%*s\r", shown, (int)(progress->width - length), "");

  ctl_stream_write (progress->stream, line, strlen (line));
  ctl_stream_flush (progress->stream, /* error= */ NULL);
}

static char *
format_rest (goffset done, goffset total, double rate)
{
  gint64 left_s = (gint64)((double)(total - done) / rate);
  g_autofree char *left = NULL;

  if (left_s >= 360000)
    return g_strdup ("");
  left = left_s >= 3600 ? g_strdup_printf ("%d:%02d:%02d", (int)(left_s / 3600),
                                           (int)(left_s / 60 % 60), (int)(left_s % 60))
                        : g_strdup_printf ("%d:%02d", (int)(left_s / 60), (int)(left_s % 60));
  return g_strdup_printf (_ (", %s left"), left);
}

/* Returns: (transfer full): the text behind a bar as wide as there is room, if there is any */
static char *
add_bar (const char *text, double part, int width)
{
  int room = MIN (width - (int)g_utf8_strlen (text, -1) - (int)strlen ("[] "), BAR_WIDTH);
  int filled = (int)(part * room);
  char bar[BAR_WIDTH + 1];

  if (room < BAR_MIN)
    return g_strdup (text);
  memset (bar, '#', (size_t)filled);
  memset (bar + filled, '.', (size_t)(room - filled));
  bar[room] = '\0';
  return g_strdup_printf ("[%s] %s", bar, text);
}

/* If the width is not enough for all of it, it is the percentage and the rate. */
static char *
format_line (goffset done, goffset total, double rate, int width)
{
  const GFormatSizeFlags flags = G_FORMAT_SIZE_IEC_UNITS;
  g_autofree char *so_far = g_format_size_full ((guint64)done, flags);
  g_autofree char *per_s = g_format_size_full ((guint64)rate, flags);
  g_autofree char *all = NULL, *rest = NULL, *text = NULL;
  double part;

  if (total <= 0 || done > total)
    return g_strdup_printf ("%s, %s/s", so_far, per_s);
  all = g_format_size_full ((guint64)total, flags);
  rest = rate >= 1 ? format_rest (done, total, rate) : g_strdup ("");
  part = (double)done / (double)total;
  text
      = g_strdup_printf (_ ("%3d%% %s of %s, %s/s%s"), (int)(part * 100), so_far, all, per_s, rest);
  if (g_utf8_strlen (text, -1) > width)
    return g_strdup_printf (_ ("%3d%% %s/s"), (int)(part * 100), per_s);
  return add_bar (text, part, width);
}

static gboolean
is_due (const CtlProgress *progress)
{
  return progress->stream != NULL && g_get_monotonic_time () >= progress->next_us;
}

static void
show (CtlProgress *progress, const char *line)
{
  print_line (progress, line);
  progress->shown = TRUE;
  progress->next_us = g_get_monotonic_time () + INTERVAL_US;
}

/* Shows a plain text, if it is time for that. */
void
ctl_progress_say (CtlProgress *progress, const char *text)
{
  g_autofree char *clean = ctl_text_clean (text);

  if (is_due (progress))
    show (progress, clean);
}

/* `total`: -1 if it is not known. `width`: the characters that there is room for.
 * Returns: (transfer full): how far it is, and how fast */
char *
ctl_progress_format (const CtlProgress *progress, goffset done, goffset total, int width)
{
  gint64 now_us = g_get_monotonic_time ();
  double rate = (double)(done - progress->begun_at) * G_USEC_PER_SEC
                / (double)MAX (now_us - progress->begun_us, 1);

  return format_line (done, total, rate, width);
}

/* A GFileProgressCallback. `total`: -1 if it is not known */
void
ctl_progress_show (goffset done, goffset total, gpointer user_data)
{
  CtlProgress *progress = user_data;
  g_autofree char *line = NULL;

  if (progress->begun_at < 0)
    progress->begun_at = done;
  if (!is_due (progress))
    return;
  line = ctl_progress_format (progress, done, total, progress->width);
  show (progress, line);
}

/* Removes the line. */
void
ctl_progress_end (CtlProgress *progress)
{
  if (progress->shown)
    print_line (progress, "");
  progress->shown = FALSE;
}
