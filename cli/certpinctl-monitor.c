/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `monitor`: a line for each change of a pin, each refusal and each key that is seen for
 * the first time, as it happens, until it is interrupted. A restart of the service does not end
 * it. */

#include "config.h"

#include "certpinctl-monitor.h"

#include "certpinctl-locale.h"

#include "certpinctl-options.h"
#include "certpinctl-service.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

/* What a PinChanged means for people. */
typedef struct
{
  const char *change; /* in the details; where they have none, their state */
  const char *what;
  const char *who; /* the detail that says who did it; "": none does */
} Change;

static const Change changes[] = {
  { "pinned", N_ ("pinned"), "created-by" },
  { "keys-added", N_ ("keys were added"), "created-by" },
  { "keys-removed", N_ ("keys were removed"), "created-by" },
  { "paused", N_ ("paused"), "paused-by" },
  { "resumed", N_ ("resumed"), "" },
  { "pause-ended", N_ ("the pause is over"), "" },
  { "blocked", N_ ("blocked"), "created-by" },
  { "removed", N_ ("unpinned"), "" },
  { "reloaded", N_ ("the pin files were read again"), "" },
  { "missed", N_ ("events may have been missed; see ‘certpinctl list’"), "" },
};

static const char *
find_text (GVariant *details, const char *name)
{
  const char *text = "";

  g_variant_lookup (details, name, "&s", &text);
  return text;
}

/* Returns: what is said of an unknown change: itself */
static Change
find_change (GVariant *details)
{
  const char *change = find_text (details, "change");

  if (*change == '\0')
    change = find_text (details, "state");
  for (size_t i = 0; i < G_N_ELEMENTS (changes); i++)
    if (strcmp (changes[i].change, change) == 0)
      return changes[i];
  return (Change){ change, change, "" };
}

/* `host`: may be empty. `text`: what happened */
static void
print_line (Ctl *ctl, const char *host, const char *text)
{
  g_autofree char *time = ctl_time_to_text (g_get_real_time () / G_USEC_PER_SEC);

  ctl_print_line (&ctl->out, "%s  %s%s%s", time, host, *host != '\0' ? "  " : "", text);
}

/* Returns: whether it was one, which is printed */
static gboolean
print_json (Ctl *ctl, const char *event, const char *host, GVariant *details)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'time': <%x>, 'event': <%s>, 'host': <%s>, "
                                                     "'details': %v}",
                                                     now, event, host, details));
  return ctl->json;
}

static void
on_pin_changed (CertpinClient *client, const char *host, CertpinPinChange *event,
                gpointer user_data)
{
  Ctl *ctl = user_data;
  GVariant *details = certpin_record_get_description (CERTPIN_RECORD (event));
  Change change = find_change (details);
  const char *scope = find_text (details, "scope"), *by = find_text (details, change.who);
  g_autofree char *text
      = g_strdup_printf ("%s%s%s%s%s", ctl_locale_translate (change.what),
                         *host != '\0' && *scope != '\0' ? _ (", scope ") : "",
                         *host != '\0' ? scope : "", *by != '\0' ? _ (", by ") : "", by);

  if (!print_json (ctl, "pin-changed", host, details))
    print_line (ctl, host, text);
}

static void
on_pin_failed (CertpinClient *client, const char *host, CertpinFailure *failure, gpointer user_data)
{
  Ctl *ctl = user_data;
  GVariant *details = certpin_record_get_description (CERTPIN_RECORD (failure));
  gboolean sent = strcmp (find_text (details, "mode"), "report") == 0;
  const char *by = find_text (details, "requested-by");
  g_autofree char *text = g_strdup_printf (
      "%s%s%s: %s", sent ? _ ("sent, and reported") : _ ("refused"),
      *by != '\0' ? _ (", asked for by ") : "", by, find_text (details, "message"));

  if (!print_json (ctl, "pin-failed", host, details))
    print_line (ctl, host, text);
}

static void
on_key_seen (CertpinClient *client, const char *host, CertpinSighting *sighting, gpointer user_data)
{
  Ctl *ctl = user_data;
  GVariant *details = certpin_record_get_description (CERTPIN_RECORD (sighting));
  g_autofree char *text
      = g_strdup_printf (certpin_sighting_get_position (sighting) > 0
                             ? _ ("the backup key %s was seen for the first time, scope %s")
                             : _ ("the key %s was seen for the first time, scope %s"),
                         find_text (details, "key"), find_text (details, "scope"));

  if (!print_json (ctl, "key-seen", host, details))
    print_line (ctl, host, text);
}

/* The service gets the subscription before this call, and answers in order.
 * Returns: whether it answered */
static gboolean
reach_service (Ctl *ctl, GError **error)
{
  g_autoptr (GVariant) status = ctl_service_ask (ctl, error);

  return status != NULL;
}

/* It also ends if its output cannot be written. */
static gboolean
is_over (gpointer data)
{
  Ctl *ctl = data;

  return g_cancellable_is_cancelled (ctl->cancellable) || ctl->out.failure != 0;
}

CtlExit
ctl_monitor (Ctl *ctl, GError **error)
{
  static const GOptionEntry no_options[] = { { NULL } };

  if (!ctl_parse (ctl, no_options, error))
    return CTL_EXIT_OK;
  ctl->out.by_line = TRUE;
  g_signal_connect (ctl->client, "pin-changed", G_CALLBACK (on_pin_changed), ctl);
  g_signal_connect (ctl->client, "pin-failed", G_CALLBACK (on_pin_failed), ctl);
  g_signal_connect (ctl->client, "key-seen", G_CALLBACK (on_key_seen), ctl);
  certpin_client_set_watching (ctl->client, TRUE);
  if (!reach_service (ctl, error))
    return CTL_EXIT_FAILED;
  ctl_print_message (&ctl->err, C_ ("message", "note"),
                     _ ("watching; an interrupt (Ctrl-C) ends it"));
  ctl_stream_flush (&ctl->err, NULL);
  ctl_wait_until (ctl, is_over, ctl);
  return ctl->out.failure != 0 ? CTL_EXIT_FAILED : CTL_EXIT_INTERRUPTED;
}
