/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a request may be tried again, and when. It knows no clock: the time is a parameter. */

#include "config.h"

#include "certpinctl-retry.h"

#include <stdio.h>
#include <string.h>

/* As curl waits, and as long as a server may demand. */
#define WAIT_MAX_S 600

/* RFC 9110, section 9.2.2. */
static gboolean
may_go_twice (const char *method)
{
  static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", NULL };

  return g_strv_contains (methods, method);
}

static gint64
wait_of_attempt (unsigned int attempt)
{
  return attempt > 10 ? WAIT_MAX_S : MIN (G_GINT64_CONSTANT (1) << (attempt - 1), WAIT_MAX_S);
}

/* After the first group, no server has got the request. */
gint64
ctl_retry_after_error (const char *method, const GError *error, unsigned int attempt)
{
  static const int unsent[] = { CERTPIN_ERROR_UNREACHABLE, CERTPIN_ERROR_OFFLINE };
  static const int uncertain[]
      = { CERTPIN_ERROR_TIMED_OUT, CERTPIN_ERROR_TRUNCATED, CERTPIN_ERROR_PROXY_FAILED };
  gboolean again = FALSE;

  for (size_t i = 0; i < G_N_ELEMENTS (unsent); i++)
    again = again || g_error_matches (error, CERTPIN_ERROR, unsent[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (uncertain) && may_go_twice (method); i++)
    again = again || g_error_matches (error, CERTPIN_ERROR, uncertain[i]);
  return again ? wait_of_attempt (attempt) : -1;
}

static int
month_of (const char *name)
{
  static const char *const months[]
      = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

  for (int i = 0; i < (int)G_N_ELEMENTS (months); i++)
    if (strcmp (months[i], name) == 0)
      return i + 1;
  return 0;
}

/* RFC 9110, section 5.6.7. Returns: Unix seconds; -1: it is no such date */
static gint64
parse_date (const char *text)
{
  g_autoptr (GDateTime) time = NULL;
  char month[4];
  int day, year, hour, minute, second;

  if (sscanf (text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &hour, &minute,
              &second)
      != 6)
    return -1;
  time = g_date_time_new_utc (year, month_of (month), day, hour, minute, second);
  return time != NULL ? g_date_time_to_unix (time) : -1;
}

/* RFC 9110, section 10.2.3. Returns: seconds; -1: the header does not say */
static gint64
parse_retry_after (const char *text, gint64 now_s)
{
  guint64 seconds;
  gint64 date;

  if (text == NULL)
    return -1;
  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &seconds, NULL))
    return (gint64)seconds;
  date = parse_date (text);
  return date >= 0 ? MAX (date - now_s, 0) : -1;
}

/* A server that demands to wait longer than the bound is not asked again. */
gint64
ctl_retry_after_status (const char *method, CertpinResponse *response, unsigned int attempt,
                        gint64 now_s)
{
  static const unsigned int transient[] = { 408, 429, 500, 502, 503, 504 };
  unsigned int status = certpin_response_get_status (response);
  gboolean again = FALSE;
  gint64 demanded_s;

  for (size_t i = 0; i < G_N_ELEMENTS (transient); i++)
    again = again || transient[i] == status;
  if (!again || !may_go_twice (method))
    return -1;
  demanded_s = parse_retry_after (certpin_response_get_header (response, "Retry-After"), now_s);
  if (demanded_s > WAIT_MAX_S)
    return -1;
  return MAX (demanded_s, wait_of_attempt (attempt));
}
