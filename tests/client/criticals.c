/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts critical messages instead of ending the test. Only the library's own functions may log
 * any: a critical message of GLib means that the library passed a bad argument on to it. */

#include "config.h"

#include "criticals.h"

static unsigned int criticals;

static void
on_log (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_WARNING)
    return;
  g_test_message ("%s", message);
  g_assert_true (g_str_has_prefix (message, "certpin_"));
  criticals++;
}

void
criticals_init (void)
{
  g_log_set_always_fatal (0);
  g_log_set_default_handler (on_log, NULL);
}

/* Since the last time. */
void
assert_criticals (unsigned int count)
{
  g_assert_cmpuint (criticals, ==, count);
  criticals = 0;
}
