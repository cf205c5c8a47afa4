/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs `status` and `reload`: how the service is, on one screen, and what to do about each
 * fault; and reading its files again. */

#include "config.h"

#include "certpinctl-status.h"

#include "certpinctl-agent.h"
#include "certpinctl-options.h"
#include "certpinctl-service.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

/* So many of a list fit on the screen. */
#define SHOWN_MAX 3

/* The service lists so many, and only counts the others. */
#define LISTED_MAX 50

static guint32
count_of (GVariant *status, const char *scope, const char *state)
{
  g_autoptr (GVariant) pins = g_variant_lookup_value (status, "pins", NULL);
  g_autoptr (GVariant) states = g_variant_lookup_value (pins, scope, G_VARIANT_TYPE ("a{su}"));
  guint32 count = 0;

  if (states != NULL)
    g_variant_lookup (states, state, "u", &count);
  return count;
}

static void
print_pins (Ctl *ctl, GVariant *status, const char *scope, const char *label)
{
  ctl_print_line (&ctl->out, _ ("  %-9s %u active, %u paused, %u blocked, %u expired"), label,
                  count_of (status, scope, "active"), count_of (status, scope, "paused"),
                  count_of (status, scope, "blocked"), count_of (status, scope, "expired"));
}

static void
print_summary (Ctl *ctl, GVariant *status)
{
  const char *version = "";
  gint64 started = 0, reloaded = 0;
  guint64 requests = 0, refusals = 0;
  g_autofree char *since = NULL, *read = NULL, *all = NULL, *refused = NULL;

  g_variant_lookup (status, "version", "&s", &version);
  g_variant_lookup (status, "started", "x", &started);
  g_variant_lookup (status, "last-reload", "x", &reloaded);
  g_variant_lookup (status, "requests-today", "t", &requests);
  g_variant_lookup (status, "refusals-today", "t", &refusals);
  since = ctl_time_to_text (started);
  read = reloaded != 0 ? ctl_time_to_text (reloaded) : g_strdup (_ ("not since the start"));
  ctl_print_line (&ctl->out, _ ("certpind %s, running since %s"), version, since);
  print_pins (ctl, status, "system", _ ("System:"));
  print_pins (ctl, status, "user", _ ("You:"));
  all = g_strdup_printf ("%" G_GUINT64_FORMAT, requests);
  refused = g_strdup_printf ("%" G_GUINT64_FORMAT, refusals);
  ctl_print_line (&ctl->out, _ ("  Today:    %s of your requests, %s refused"), all, refused);
  ctl_print_line (&ctl->out, _ ("  Reloaded: %s"), read);
}

/* Returns: (transfer full): a line about a block */
static char *
describe_block (GVariant *block)
{
  const char *host = "", *scope = "", *reason = "", *by = "";
  gboolean system;

  g_variant_lookup (block, "host", "&s", &host);
  g_variant_lookup (block, "scope", "&s", &scope);
  g_variant_lookup (block, "reason", "&s", &reason);
  g_variant_lookup (block, "created-by", "&s", &by);
  system = g_str_equal (scope, "system");
  return g_strdup_printf ("%s%s: %s%s%s", host, system ? _ (" (system)") : "", reason,
                          *by != '\0' ? _ ("; by ") : "", by);
}

/* `list`: as, or aa{sv} of blocks */
static char *
text_of_child (GVariant *list, gsize index)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (list, index);

  return g_variant_is_of_type (child, G_VARIANT_TYPE_STRING) ? g_variant_dup_string (child, NULL)
                                                             : describe_block (child);
}

static void
print_rest (Ctl *ctl, gsize length)
{
  if (length >= LISTED_MAX)
    ctl_print_line (&ctl->out, _ ("  and at least %u more; certpinctl list shows them"),
                    LISTED_MAX - SHOWN_MAX);
  else if (length > SHOWN_MAX)
    ctl_print_line (&ctl->out, _ ("  and %u more; --json shows them"),
                    (unsigned int)(length - SHOWN_MAX));
}

/* Returns: whether there are any */
static gboolean
print_faults (Ctl *ctl, GVariant *status, const char *name, const char *heading, const char *remedy)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (status, name, NULL);
  gsize length = g_variant_n_children (list);

  if (length == 0)
    return FALSE;
  ctl_print_heading (&ctl->out, heading);
  for (gsize i = 0; i < MIN (length, SHOWN_MAX); i++)
    {
      g_autofree char *text = text_of_child (list, i);

      ctl_print_cell (&ctl->out, "", 2);
      ctl_print_wrapped (&ctl->out, text, 2, 4);
    }
  print_rest (ctl, length);
  ctl_print_line (&ctl->out, "  → %s", remedy);
  return TRUE;
}

static gboolean
has_faults (GVariant *status, const char *name)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (status, name, NULL);

  return g_variant_n_children (list) > 0;
}

static void
print_status (Ctl *ctl, GVariant *status)
{
  gboolean faults;

  print_summary (ctl, status);
  faults = print_faults (ctl, status, "problems", _ ("Broken files"),
                         _ ("fix the files, then: certpinctl reload"));
  faults |= print_faults (ctl, status, "blocked", _ ("Blocked hosts"),
                          _ ("to allow requests, pin the host again, or: certpinctl unpin HOST"));
  faults |= print_faults (ctl, status, "warnings", _ ("Warnings"),
                          _ ("see the pin: certpinctl show HOST"));
  print_faults (ctl, status, "advice", _ ("Good to know"), _ ("see the pin: certpinctl show HOST"));
  if (!faults)
    ctl_print_line (&ctl->out, _ ("All is well."));
}

/* Expired pins, broken files and a failed reload are among the problems and warnings. */
static gboolean
is_well (GVariant *status)
{
  return !has_faults (status, "problems") && !has_faults (status, "blocked")
         && !has_faults (status, "warnings");
}

static const GOptionEntry no_options[] = { { NULL } };

CtlExit
ctl_status (Ctl *ctl, GError **error)
{
  g_autoptr (GVariant) status = NULL;

  if (!ctl_parse (ctl, no_options, error))
    return CTL_EXIT_OK;
  status = ctl_service_ask (ctl, error);
  if (status == NULL)
    return CTL_EXIT_FAILED;
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'status': %v}", status));
  else
    print_status (ctl, status);
  return is_well (status) ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}

CtlExit
ctl_reload (Ctl *ctl, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (!ctl_parse (ctl, no_options, error))
    return CTL_EXIT_OK;
  ctl_agent_open (ctl);
  certpin_client_reload_async (ctl->client, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  if (!certpin_client_reload_finish (ctl->client, result, error))
    return CTL_EXIT_FAILED;
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'state': <'reloaded'>}"));
  else
    ctl_print_line (&ctl->out, _ ("Reloaded the pin files and the trust anchors"));
  return CTL_EXIT_OK;
}
