/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that take a pin away: `unpin`, `block`. */

#include "config.h"

#include "certpinctl-unpin.h"

#include "certpinctl-options.h"
#include "certpinctl-outcome.h"
#include "certpinctl-scope.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

/* `reason`: (nullable) */
static void
print_change_json (Ctl *ctl, const char *scope, const char *state, const char *reason)
{
  g_auto (GVariantBuilder) pin = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add_parsed (&pin, "{'host', <%s>}", ctl->arguments[0]);
  g_variant_builder_add_parsed (&pin, "{'scope', <%s>}", scope);
  if (ctl->app != NULL)
    g_variant_builder_add_parsed (&pin, "{'app', <%s>}", ctl->app);
  g_variant_builder_add_parsed (&pin, "{'state', <%s>}", state);
  if (reason != NULL)
    g_variant_builder_add_parsed (&pin, "{'reason', <%s>}", reason);
  ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pin': %v}", g_variant_builder_end (&pin)));
}

CtlExit
ctl_unpin (Ctl *ctl, GError **error)
{
  gboolean system = FALSE, done;
  const char *scope;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, N_ ("remove the system's pin"), NULL },
    CTL_OPTION_APP (ctl, N_ ("remove the pin of a sandboxed app")),
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  scope = ctl->json ? ctl_scope_find_name (ctl, system, error) : "";
  if (scope == NULL)
    return CTL_EXIT_FAILED;
  ctl_outcome_begin (ctl, system);
  certpin_client_unpin_async (ctl->client, ctl->arguments[0], ctl_scope_options (ctl, system),
                              ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  done = certpin_client_unpin_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, ctl->arguments[0], error);
  if (!done)
    return CTL_EXIT_FAILED;
  if (ctl->json)
    print_change_json (ctl, scope, "removed", /* reason= */ NULL);
  else if (ctl->app != NULL)
    ctl_print_line (&ctl->out, _ ("Removed the app's pin of %s"), ctl->arguments[0]);
  else
    ctl_print_line (&ctl->out, _ ("Removed %s pin of %s"), system ? _ ("the system's") : _ ("your"),
                    ctl->arguments[0]);
  return CTL_EXIT_OK;
}

CtlExit
ctl_block (Ctl *ctl, GError **error)
{
  gboolean system = FALSE, done;
  const char *scope;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, N_ ("block the host for all users"), NULL },
    CTL_OPTION_APP (ctl, N_ ("block the host for a sandboxed app")),
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  scope = ctl->json ? ctl_scope_find_name (ctl, system, error) : "";
  if (scope == NULL)
    return CTL_EXIT_FAILED;
  ctl_outcome_begin (ctl, system);
  certpin_client_block_host_async (ctl->client, ctl->arguments[0], ctl->arguments[1],
                                   ctl_scope_options (ctl, system), ctl->cancellable, ctl_on_result,
                                   ctl);
  result = ctl_wait (ctl);
  done = certpin_client_block_host_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, ctl->arguments[0], error);
  if (!done)
    return CTL_EXIT_FAILED;
  if (ctl->json)
    print_change_json (ctl, scope, "blocked", ctl->arguments[1]);
  else if (ctl->app != NULL)
    ctl_print_line (&ctl->out, _ ("Blocked %s for %s"), ctl->arguments[0], ctl->app);
  else
    ctl_print_line (&ctl->out, _ ("Blocked %s for %s"), ctl->arguments[0],
                    system ? _ ("all users") : _ ("you"));
  return CTL_EXIT_OK;
}
