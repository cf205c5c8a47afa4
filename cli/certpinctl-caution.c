/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is always said of a request or a connection that passes: that it may do so with a wrong key,
 * and what should be done soon about a pin. */

#include "config.h"

#include "certpinctl-caution.h"

#include "certpinctl-failure.h"
#include "certpinctl-output.h"
#include "certpinctl-time.h"

#include <glib/gi18n.h>

static void
print_pause (CtlStream *stream, GVariant *info)
{
  gint64 until = 0;
  g_autofree char *time = NULL, *text = NULL;

  if (!g_variant_lookup (info, "paused-until", "x", &until))
    return;
  time = ctl_time_to_text (until);
  text
      = g_strdup_printf (_ ("a pin of this host is paused until %s; see certpinctl explain"), time);
  ctl_print_message (stream, C_ ("message", "warning"), text);
}

/* A mismatch that was only reported. */
static void
print_report (CtlStream *stream, GVariant *info)
{
  g_autoptr (GVariant) report = g_variant_lookup_value (info, "report", G_VARIANT_TYPE_VARDICT);
  const char *message = _ ("a pin that only reports did not match");

  if (report == NULL)
    return;
  g_variant_lookup (report, "message", "&s", &message);
  ctl_print_message (stream, C_ ("message", "warning"), message);
  ctl_print_failure (stream, report);
}

/* What somebody should do soon about a pin. */
static void
print_warnings (CtlStream *stream, GVariant *info)
{
  g_autofree const char **warnings = NULL;

  g_variant_lookup (info, "warnings", "^a&s", &warnings);
  for (size_t i = 0; warnings != NULL && warnings[i] != NULL; i++)
    ctl_print_message (stream, C_ ("message", "warning"), warnings[i]);
}

/* `info`: of a request or a connection */
void
ctl_print_cautions (CtlStream *stream, GVariant *info)
{
  print_pause (stream, info);
  print_report (stream, info);
  print_warnings (stream, info);
}
