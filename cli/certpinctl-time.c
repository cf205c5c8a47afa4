/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Points in time as people write and read them. */

#include "config.h"

#include "certpinctl-time.h"

#include <glib/gi18n.h>

#include <string.h>

#define DAY_S 86400

/* A hundred years: more is a mistake. */
#define SPAN_MAX_S (36500 * (guint64)DAY_S)

/* GLib requires a time of day with seconds.
 * Returns: (transfer full): the text with what is missing of them, as 0; a day gets UTC as its
 * time zone */
static char *
complete (const char *text)
{
  const char *time = strpbrk (text, "Tt ");
  size_t length = time != NULL ? strspn (time + 1, "0123456789:") : 0;
  const char *zone = time != NULL ? time + 1 + length : "";
  gboolean extended = length == strlen ("12:00"), basic = length == strlen ("1200");

  if (time == NULL)
    return g_strconcat (text, "T00:00:00Z", NULL);
  return g_strdup_printf ("%.*s%s%s", (int)(zone - text), text,
                          extended ? ":00" : (basic ? "00" : ""), zone);
}

/* Accepts Unix seconds, a day (its first second in UTC), and a point in time in ISO 8601, with
 * or without seconds and time zone (default: UTC). It must be after 1970-01-01T00:00Z.
 * Errors: G_OPTION_ERROR. */
gboolean
ctl_time_parse (const char *text, gint64 *unix_s, GError **error)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autofree char *whole = complete (text);
  g_autoptr (GDateTime) time = NULL;

  if (g_ascii_string_to_signed (text, 10, 1, G_MAXINT64, unix_s, NULL))
    return TRUE;
  time = g_date_time_new_from_iso8601 (whole, utc);
  if (time == NULL || g_date_time_to_unix (time) < 1)
    {
      g_set_error (
          error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          _ ("‘%s’ is not a date; give one such as 2027-01-31 or 2027-01-31T12:00Z, or Unix "
             "seconds"),
          text);
      return FALSE;
    }
  *unix_s = g_date_time_to_unix (time);
  return TRUE;
}

/* Accepts a number of days, hours, minutes or seconds, such as 30d, 12h, 90m or 45s.
 * Errors: G_OPTION_ERROR. */
gboolean
ctl_time_parse_span (const char *text, gint64 *seconds, GError **error)
{
  static const struct
  {
    char unit;
    gint64 seconds;
  } units[] = { { 'd', DAY_S }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
  size_t length = strlen (text);
  g_autofree char *digits = g_strndup (text, length > 0 ? length - 1 : 0);
  guint64 number;

  for (size_t i = 0; length > 1 && i < G_N_ELEMENTS (units); i++)
    if (text[length - 1] == units[i].unit
        && g_ascii_string_to_unsigned (digits, 10, 0, SPAN_MAX_S / units[i].seconds, &number, NULL))
      {
        *seconds = (gint64)number * units[i].seconds;
        return TRUE;
      }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is not a time; give a number with its unit, such as 30d, 12h, 90m or 45s"),
               text);
  return FALSE;
}

/* Accepts a time that has passed, or a point in time. `now`: Unix seconds.
 * Errors: G_OPTION_ERROR. */
gboolean
ctl_time_parse_past (const char *text, gint64 now, gint64 *unix_s, GError **error)
{
  gint64 span;

  if (!ctl_time_parse_span (text, &span, NULL))
    return ctl_time_parse (text, unix_s, error);
  *unix_s = now - span;
  return TRUE;
}

/* Returns: (transfer full): the day in UTC */
char *
ctl_time_to_day (gint64 unix_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_s);

  return time != NULL ? g_date_time_format (time, "%Y-%m-%d") : ctl_time_to_text (unix_s);
}

/* Returns: (transfer full): the time in ISO 8601 and UTC; a number if it is beyond the calendar of
 * GLib */
char *
ctl_time_to_text (gint64 unix_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_s);

  return time != NULL ? g_date_time_format_iso8601 (time)
                      : g_strdup_printf ("%" G_GINT64_FORMAT, unix_s);
}
