/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `show`: the pins of a host in each scope, and why the last request to it was refused. */

#include "config.h"

#include "certpinctl-show.h"

#include "certpinctl-accept.h"
#include "certpinctl-each.h"
#include "certpinctl-failure.h"
#include "certpinctl-lookup.h"
#include "certpinctl-options.h"
#include "certpinctl-pager.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-scope.h"

#include <glib/gi18n.h>

/* Returns: (transfer full) (nullable): the pins in the order in which they apply, the system's
 * before the caller's own; with --app, only that of the app; NULL with error set */
static GVariant *
get_pins (Ctl *ctl, const char *host, GError **error)
{
  g_auto (GVariantBuilder) pins = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (int system = ctl->app == NULL; system >= 0; system--)
    {
      g_autoptr (GError) reason = NULL;
      g_autoptr (GVariant) pin = ctl_lookup_pin (ctl, host, system != 0, &reason);

      if (reason != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&reason));
          return NULL;
        }
      if (pin != NULL)
        g_variant_builder_add_value (&pins, pin);
    }
  return g_variant_ref_sink (g_variant_builder_end (&pins));
}

/* Whether the mismatch was only reported, and the request sent. */
static gboolean
is_report (GVariant *failure)
{
  const char *mode = "";

  g_variant_lookup (failure, "mode", "&s", &mode);
  return g_str_equal (mode, "report");
}

static void
print_document (Ctl *ctl, GVariant *pins, GVariant *failure)
{
  g_auto (GVariantBuilder) document = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&document, "{sv}", "pins", pins);
  if (failure != NULL)
    g_variant_builder_add (&document, "{sv}", "failure", failure);
  ctl_print_json (&ctl->out, g_variant_builder_end (&document));
}

static void
print_text (Ctl *ctl, GVariant *pins, GVariant *failure, gboolean first)
{
  g_autofree char *accept = NULL;

  if (!first)
    ctl_print_blank (&ctl->out);
  for (gsize i = 0; i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);

      if (i > 0)
        ctl_print_blank (&ctl->out);
      ctl_print_pin (&ctl->out, pin, ctl_pin_fields);
    }
  if (failure == NULL)
    return;
  if (g_variant_n_children (pins) > 0)
    ctl_print_blank (&ctl->out);
  ctl_print_heading (&ctl->out, is_report (failure) ? _ ("Last mismatch (only reported)")
                                                    : _ ("Last refused request"));
  ctl_print_whole_failure (&ctl->out, failure);
  accept = ctl_accept_find (ctl, ctl->arguments[0], failure);
  if (accept != NULL)
    ctl_print_accept (&ctl->out, accept);
}

/* A CtlOfHost. */
static CtlExit
show (Ctl *ctl, gpointer data, gboolean first, GError **error)
{
  g_autoptr (GVariant) pins = get_pins (ctl, ctl->arguments[0], error);
  g_autoptr (GVariant) failure = NULL;
  g_autoptr (GError) reason = NULL;

  if (pins == NULL)
    return CTL_EXIT_FAILED;
  if (ctl->app == NULL) /* what an app was refused, it alone can ask for */
    failure = ctl_lookup_failure (ctl, ctl->arguments[0], &reason);
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return CTL_EXIT_FAILED;
    }
  if (g_variant_n_children (pins) == 0 && ctl->app != NULL)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                   _ ("the app ‘%s’ has no pin of ‘%s’"), ctl->app, ctl->arguments[0]);
      return CTL_EXIT_NOT_PINNED;
    }
  if (g_variant_n_children (pins) == 0 && failure == NULL)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                   _ ("host ‘%s’ has no pin, and no request to it was refused"), ctl->arguments[0]);
      return CTL_EXIT_NOT_PINNED;
    }
  ctl_pager_open (ctl);
  if (ctl->json)
    print_document (ctl, pins, failure);
  else
    print_text (ctl, pins, failure, first);
  return CTL_EXIT_OK;
}

CtlExit
ctl_show (Ctl *ctl, GError **error)
{
  const GOptionEntry options[] = {
    CTL_OPTION_APP (ctl, N_ ("only the pin of a sandboxed app")),
    { NULL },
  };

  return ctl_parse (ctl, options, error) ? ctl_each (ctl, show, /* data= */ NULL, error)
                                         : CTL_EXIT_OK;
}
