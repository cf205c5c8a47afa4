/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that let a pin only report for a while: `pause`, `resume`. */

#include "config.h"

#include "certpinctl-pause.h"

#include "certpinctl-lookup.h"
#include "certpinctl-options.h"
#include "certpinctl-outcome.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

/* Also of the service; no pause lasts longer. */
#define SECONDS_MAX 86400

/* A whole number and its unit. Errors: G_OPTION_ERROR. */
static gboolean
parse_duration (const char *text, guint32 *seconds, GError **error)
{
  static const struct
  {
    char unit;
    guint32 seconds;
  } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
  size_t digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  guint64 count = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (units); i++)
    if (text[digits] == units[i].unit && text[digits + 1] == '\0'
        && g_ascii_string_to_unsigned (number, 10, 1, SECONDS_MAX / units[i].seconds, &count, NULL))
      {
        *seconds = (guint32)count * units[i].seconds;
        return TRUE;
      }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is not a time of at most 24 hours; give one such as 90s, 30m or 1h"), text);
  return FALSE;
}

static gboolean
check_given (const char *duration, const char *reason, GError **error)
{
  if (duration != NULL && reason != NULL)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               duration == NULL ? _ ("‘pause’ needs --for, which says how long, such as --for=1h")
                                : _ ("‘pause’ needs --reason, which says why"));
  return FALSE;
}

static GVariant *
new_options (Ctl *ctl, guint32 seconds, const char *reason, gboolean system)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (seconds != 0)
    g_variant_dict_insert (&dict, "seconds", "u", seconds);
  if (reason != NULL)
    g_variant_dict_insert (&dict, "reason", "s", reason);
  ctl_scope_add (ctl, system, &dict);
  return g_variant_dict_end (&dict);
}

/* `until`: 0: it is not paused any more. `unpaused`: it was not before, either */
static void
print_text (Ctl *ctl, gboolean system, gint64 until, gboolean unpaused)
{
  g_autofree char *time = ctl_time_to_text (until);
  const char *whose = system ? _ ("the system's") : _ ("your"), *host = ctl->arguments[0];

  if (ctl->app != NULL)
    whose = _ ("the app's");
  if (until != 0)
    {
      ctl_print_line (&ctl->out, _ ("Paused %s pin of %s until %s"), whose, host, time);
      ctl_print_line (&ctl->out, _ ("Servers with other keys pass meanwhile"));
    }
  else if (unpaused && ctl->app != NULL)
    ctl_print_line (&ctl->out, _ ("The app's pin of %s was not paused, so nothing was changed"),
                    host);
  else if (unpaused)
    ctl_print_line (&ctl->out,
                    system ? _ ("The system's pin of %s was not paused, so nothing was changed")
                           : _ ("Your pin of %s was not paused, so nothing was changed"),
                    host);
  else
    ctl_print_line (&ctl->out, _ ("Resumed %s pin of %s: other keys are refused"), whose, host);
}

/* `reply`: (transfer full) (nullable) */
static CtlExit
print_pin (Ctl *ctl, CertpinPin *reply, gboolean system, gboolean unpaused, GError **error)
{
  g_autoptr (GVariant) pin = ctl_reply_take_record (reply, CTL_REPLY_PIN, error);
  gint64 until = 0;

  if (pin == NULL)
    return CTL_EXIT_FAILED;
  g_variant_lookup (pin, "paused-until", "x", &until);
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pin': %v}", pin));
  else
    print_text (ctl, system, until, unpaused);
  return CTL_EXIT_OK;
}

CtlExit
ctl_pause (Ctl *ctl, GError **error)
{
  gboolean system = FALSE;
  g_autofree char *duration = NULL, *reason = NULL;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, N_ ("pause the system's pin"), NULL },
    CTL_OPTION_APP (ctl, N_ ("pause the pin of a sandboxed app")),
    { "for", 0, 0, G_OPTION_ARG_STRING, &duration, N_ ("how long, such as 90s, 30m or 1h"),
      N_ ("TIME") },
    { "reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_ ("why; it is shown with the pin"),
      N_ ("TEXT") },
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;
  guint32 seconds = 0;
  CertpinPin *pin;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  if (!check_given (duration, reason, error) || !parse_duration (duration, &seconds, error))
    return CTL_EXIT_USAGE;
  ctl_outcome_begin (ctl, system);
  certpin_client_pause_pin_async (ctl->client, ctl->arguments[0],
                                  new_options (ctl, seconds, reason, system), ctl->cancellable,
                                  ctl_on_result, ctl);
  result = ctl_wait (ctl);
  pin = certpin_client_pause_pin_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, ctl->arguments[0], error);
  return print_pin (ctl, pin, system, /* unpaused= */ FALSE, error);
}

/* Whether it is known that there is such a pin, and that it is not paused. */
static gboolean
is_unpaused (Ctl *ctl, gboolean system)
{
  g_autoptr (GVariant) pin = NULL;
  gint64 until;

  return ctl_lookup_exact_pin (ctl, ctl->arguments[0], system, &pin, /* error= */ NULL)
         && pin != NULL && !g_variant_lookup (pin, "paused-until", "x", &until);
}

CtlExit
ctl_resume (Ctl *ctl, GError **error)
{
  gboolean system = FALSE;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, N_ ("resume the system's pin"), NULL },
    CTL_OPTION_APP (ctl, N_ ("resume the pin of a sandboxed app")),
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;
  gboolean unpaused;
  CertpinPin *pin;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  unpaused = !ctl->json && is_unpaused (ctl, system);
  ctl_outcome_begin (ctl, system);
  certpin_client_resume_pin_async (ctl->client, ctl->arguments[0],
                                   new_options (ctl, 0, /* reason= */ NULL, system),
                                   ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  pin = certpin_client_resume_pin_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, ctl->arguments[0], error);
  return print_pin (ctl, pin, system, unpaused, error);
}
