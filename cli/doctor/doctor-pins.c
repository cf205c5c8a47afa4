/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The check of the list of pins, and the hosts in it that can be tried. */

#include "config.h"

#include "cli/doctor/doctor-pins.h"

#include "cli/certpinctl-reply.h"
#include "cli/certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

#define ANY_DEPTH "**."

/* Returns: (nullable): the host of a pin that can be tried; NULL: its pattern names none */
static const char *
host_of_pin (GVariant *pin)
{
  const char *pattern = "";

  g_variant_lookup (pin, "host", "&s", &pattern);
  if (g_str_has_prefix (pattern, ANY_DEPTH))
    return pattern + strlen (ANY_DEPTH);
  return *pattern != '*' ? pattern : NULL;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Returns: (transfer full): the hosts in their order, each once */
static GStrv
collect_hosts (GVariant *pins, unsigned int *patterns)
{
  g_autoptr (GPtrArray) hosts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  *patterns = 0;
  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      char *host = g_strdup (host_of_pin (pin));

      *patterns += host == NULL;
      if (host != NULL && g_hash_table_add (known, host))
        g_ptr_array_add (hosts, host);
      else
        g_free (host);
    }
  g_ptr_array_sort (hosts, compare);
  g_ptr_array_add (hosts, NULL);
  return (GStrv)g_ptr_array_steal (hosts, NULL);
}

static unsigned int
count_own (GVariant *pins)
{
  unsigned int count = 0;

  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      const char *scope = "";

      g_variant_lookup (pin, "scope", "&s", &scope);
      count += strcmp (scope, "user") == 0;
    }
  return count;
}

void
ctl_check_pins (CtlPatient *patient, CtlFinding *finding)
{
  Ctl *ctl = patient->ctl;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) pins = NULL;
  g_autoptr (GError) error = NULL;
  unsigned int own, patterns;

  certpin_client_list_pins_async (ctl->client, /* options= */ NULL, ctl->cancellable, ctl_on_result,
                                  ctl);
  result = ctl_wait (ctl);
  pins
      = ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, &error), &error);
  if (pins == NULL)
    {
      ctl_finding_fail (finding, _ ("the pins cannot be listed: %s"), error->message);
      ctl_finding_help (finding, /* meaning= */ NULL,
                        "journalctl --boot --unit=certpind --lines=20");
      return;
    }
  own = count_own (pins);
  patient->hosts = collect_hosts (pins, &patterns);
  ctl_finding_pass (finding, _ ("%u of the system, %u of yours"),
                    (unsigned int)g_variant_n_children (pins) - own, own);
  if (patterns > 0)
    ctl_finding_help (finding, _ ("Patterns with one * name no host, so they are not tried."),
                      NULL);
}
