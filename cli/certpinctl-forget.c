/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `forget`: removes all pins of an app, such as one that is no longer installed. Each is a
 * change of its own: if one cannot be removed, the others are. */

#include "config.h"

#include "certpinctl-forget.h"

#include "certpinctl-each.h"
#include "certpinctl-options.h"
#include "certpinctl-outcome.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-similar.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

/* Returns: (transfer full) (nullable): the app's pins */
static GVariant *
list_pins (Ctl *ctl, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_list_pins_async (ctl->client, ctl_scope_options (ctl, /* system= */ FALSE),
                                  ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take_pins (certpin_client_list_pins_finish (ctl->client, result, error), error);
}

/* Returns: (transfer full) (nullable): the question whether another app is meant */
static char *
ask_for_app (Ctl *ctl)
{
  g_auto (GStrv) apps = ctl_scope_list_apps (ctl, NULL), similar = NULL;

  if (apps == NULL)
    return NULL;
  similar = ctl_similar_find (ctl->app, (const char *const *)apps, CTL_SIMILAR_HOST);
  return similar[0] != NULL ? ctl_similar_ask ((const char *const *)similar) : NULL;
}

static void
set_no_pins (Ctl *ctl, GError **error)
{
  g_autofree char *question = ask_for_app (ctl);

  g_set_error (
      error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED, _ ("the app ‘%s’ has no pins; %s"), ctl->app,
      question != NULL ? question : _ ("to see which apps have some: certpinctl list --app"));
}

/* `data`: a GVariantBuilder, which gets the pin as it is now. A pin that the app itself has removed
 * is none. */
static CtlExit
remove_pin (Ctl *ctl, gpointer data, gboolean first, GError **error)
{
  GVariantBuilder *removed = data;
  const char *host = ctl->arguments[0];
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  gboolean done;

  ctl_outcome_begin (ctl, /* system= */ FALSE);
  certpin_client_unpin_async (ctl->client, host, ctl_scope_options (ctl, /* system= */ FALSE),
                              ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  done = certpin_client_unpin_finish (ctl->client, result, &reason);
  ctl_outcome_end (ctl, host, &reason);
  if (g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    return CTL_EXIT_OK;
  if (!done)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return CTL_EXIT_FAILED;
    }
  g_variant_builder_add_parsed (
      removed, "{'host': <%s>, 'scope': <'app'>, 'app': <%s>, 'state': <'removed'>}", host,
      ctl->app);
  if (!ctl->json)
    ctl_print_line (&ctl->out, _ ("Removed the app's pin of %s"), host);
  return CTL_EXIT_OK;
}

/* Returns: (transfer full) */
static GStrv
hosts_of (GVariant *pins)
{
  g_autoptr (GStrvBuilder) hosts = g_strv_builder_new ();

  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      const char *host = "";

      g_variant_lookup (pin, "host", "&s", &host);
      g_strv_builder_add (hosts, host);
    }
  return g_strv_builder_end (hosts);
}

static CtlExit
remove_all (Ctl *ctl, GVariant *pins, GError **error)
{
  g_auto (GVariantBuilder) removed = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GStrv) hosts = hosts_of (pins);
  CtlExit status;

  ctl->arguments = hosts;
  status = ctl_each (ctl, remove_pin, &removed, error);
  ctl->arguments = NULL;
  if (ctl->json && (error == NULL || *error == NULL))
    ctl_print_json (&ctl->out,
                    g_variant_new_parsed ("{'pins': %v}", g_variant_builder_end (&removed)));
  return status;
}

static gboolean
check (Ctl *ctl, GError **error)
{
  if (ctl->arguments != NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("‘forget’ gets the app as an option; give it as --app=%s"), ctl->arguments[0]);
  else if (ctl->app == NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("‘forget’ needs --app, which says of which app"));
  else
    return TRUE;
  return FALSE;
}

CtlExit
ctl_forget (Ctl *ctl, GError **error)
{
  const GOptionEntry options[] = {
    CTL_OPTION_APP (ctl, N_ ("the app, as ‘certpinctl list --app’ shows it")),
    { NULL },
  };
  g_autoptr (GVariant) pins = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  if (!check (ctl, error))
    return CTL_EXIT_USAGE;
  pins = list_pins (ctl, error);
  if (pins == NULL)
    return CTL_EXIT_FAILED;
  if (g_variant_n_children (pins) == 0)
    {
      set_no_pins (ctl, error);
      return CTL_EXIT_FAILED;
    }
  return remove_all (ctl, pins, error);
}
