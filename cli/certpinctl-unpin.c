/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that take a pin away: `unpin`, `block`. */

#include "config.h"

#include "certpinctl-unpin.h"

#include "certpinctl-each.h"
#include "certpinctl-lookup.h"
#include "certpinctl-options.h"
#include "certpinctl-outcome.h"
#include "certpinctl-scope.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

/* Only to say what the change does; if it cannot be asked for, the change says why.
 * Returns: (transfer full) (nullable): the pin or the block that is there before */
static GVariant *
look_before (Ctl *ctl, gboolean system)
{
  g_autoptr (GError) unknown = NULL;
  GVariant *pin = NULL;

  if (!ctl->json)
    ctl_lookup_exact_pin (ctl, ctl->arguments[0], system, &pin, &unknown);
  return pin;
}

static gboolean
is_block (GVariant *pin)
{
  const char *state = "";

  return pin != NULL && g_variant_lookup (pin, "state", "&s", &state)
         && g_str_equal (state, "blocked");
}

static void
print_removal (Ctl *ctl, gboolean system, gboolean block)
{
  const char *host = ctl->arguments[0];

  if (block && ctl->app != NULL)
    ctl_print_line (&ctl->out, _ ("Removed the app's block of %s; it has no pin of it now"), host);
  else if (block && system)
    ctl_print_line (&ctl->out, _ ("Removed the system's block of %s; it has no pin of it now"),
                    host);
  else if (block)
    ctl_print_line (&ctl->out, _ ("Removed your block of %s; you have no pin of it now"), host);
  else if (ctl->app != NULL)
    ctl_print_line (&ctl->out, _ ("Removed the app's pin of %s"), host);
  else
    ctl_print_line (&ctl->out, _ ("Removed %s pin of %s"), system ? _ ("the system's") : _ ("your"),
                    host);
}

/* A block has no keys: those of the pin that it replaced are gone. */
static void
print_loss (Ctl *ctl, gboolean system, GVariant *pin)
{
  g_autofree const char **keys = NULL;
  g_autofree char *option = ctl_scope_make_option (ctl, /* system= */ FALSE);
  g_autofree char *list = NULL, *text = NULL, *words = NULL;

  if (pin == NULL || !g_variant_lookup (pin, "keys", "^a&s", &keys) || keys[0] == NULL)
    return;
  words = g_strconcat (system ? "--scope=system " : option, ctl->arguments[0], NULL);
  list = g_strjoinv (", ", (char **)keys);
  text = g_strdup_printf (_ ("the pin of ‘%s’ is removed, with its keys: %s; to keep a pin for "
                             "later, export it before you block the host: certpinctl export %s"),
                          ctl->arguments[0], list, words);
  ctl_print_message (&ctl->err, C_ ("message", "note"), text);
}

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

/* A CtlOfHost. `data`: whether it is the system's pin */
static CtlExit
unpin (Ctl *ctl, gpointer data, gboolean first, GError **error)
{
  gboolean system = *(gboolean *)data, done;
  const char *scope = ctl->json ? ctl_scope_find_name (ctl, system, error) : "";
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) before = NULL;

  if (scope == NULL)
    return CTL_EXIT_FAILED;
  before = look_before (ctl, system);
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
  else
    print_removal (ctl, system, is_block (before));
  return CTL_EXIT_OK;
}

CtlExit
ctl_unpin (Ctl *ctl, GError **error)
{
  gboolean system = FALSE;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, N_ ("remove the system's pin"), NULL },
    CTL_OPTION_APP (ctl, N_ ("remove the pin of a sandboxed app")),
    { NULL },
  };

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  return ctl_each (ctl, unpin, &system, error);
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
  g_autoptr (GVariant) before = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  if (ctl->arguments[1][strspn (ctl->arguments[1], " ")] == '\0')
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _ ("the REASON ‘’ is empty; say why the host is blocked"));
      return CTL_EXIT_USAGE;
    }
  scope = ctl->json ? ctl_scope_find_name (ctl, system, error) : "";
  if (scope == NULL)
    return CTL_EXIT_FAILED;
  before = look_before (ctl, system);
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
  print_loss (ctl, system, before);
  return CTL_EXIT_OK;
}
