/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `pin` would do, without doing it. */

#include "config.h"

#include "certpinctl-dry-run.h"

#include "certpinctl-lookup.h"
#include "certpinctl-outage.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-scope.h"

#include <glib/gi18n.h>

#include <string.h>

/* The judgement of the service about a certificate that is well-formed. */
static gboolean
check_certificate (const CtlPlan *plan, GError **error)
{
  gboolean authority = FALSE, self_signed = FALSE;
  const char *match = "leaf", *subject = "";

  g_variant_lookup (plan->options, "match", "&s", &match);
  g_variant_lookup (plan->description, "subject", "&s", &subject);
  g_variant_lookup (plan->description, "authority", "b", &authority);
  g_variant_lookup (plan->description, "self-signed", "b", &self_signed);
  if (authority && strcmp (match, "path") == 0)
    return TRUE;
  if (!authority && !self_signed)
    return TRUE;
  g_set_error (
      error, CERTPIN_ERROR, authority ? CERTPIN_ERROR_INVALID_ARGUMENT : CERTPIN_ERROR_SELF_SIGNED,
      authority ? _ ("the certificate ‘%s’ would be refused: it belongs to an authority; to pin "
                     "that, add --match=path")
                : _ ("the certificate ‘%s’ would be refused: it is self-signed; pin one that an "
                     "authority issued"),
      subject);
  return FALSE;
}

static void
copy (GVariantDict *to, GVariant *from, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (from, name, NULL);

  if (value != NULL)
    g_variant_dict_insert_value (to, name, value);
}

/* Returns: (transfer full): the pin that there would be */
static GVariant *
describe (Ctl *ctl, const CtlPlan *plan, const char *scope, char **keys)
{
  static const char *const of_options[] = { "mode", "expires", "note" };
  static const char *const of_certificate[] = { "subject", "issuer", "not-after", "warnings" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) anchors
      = g_variant_lookup_value (plan->options, "trust-anchors", G_VARIANT_TYPE ("aay"));

  g_variant_dict_insert (&dict, "host", "s", plan->host);
  g_variant_dict_insert (&dict, "scope", "s", scope);
  if (ctl->app != NULL)
    g_variant_dict_insert (&dict, "app", "s", ctl->app);
  g_variant_dict_insert (&dict, "match", "s", "leaf");
  g_variant_dict_insert (&dict, "mode", "s", "enforce");
  copy (&dict, plan->options, "match");
  for (size_t i = 0; i < G_N_ELEMENTS (of_options); i++)
    copy (&dict, plan->options, of_options[i]);
  for (size_t i = 0; plan->description != NULL && i < G_N_ELEMENTS (of_certificate); i++)
    copy (&dict, plan->description, of_certificate[i]);
  g_variant_dict_insert (&dict, "keys", "^as", keys);
  if (anchors != NULL)
    g_variant_dict_insert (&dict, "trust-anchors", "u", (guint32)g_variant_n_children (anchors));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Returns: (transfer full): the pin with one more warning */
static GVariant *
with_warning (GVariant *pin, const char *text)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (pin);
  g_autoptr (GStrvBuilder) warnings = g_strv_builder_new ();
  g_auto (GStrv) before = NULL, all = NULL;

  if (g_variant_dict_lookup (&dict, "warnings", "^as", &before))
    g_strv_builder_addv (warnings, (const char **)before);
  g_strv_builder_add (warnings, text);
  all = g_strv_builder_end (warnings);
  g_variant_dict_insert (&dict, "warnings", "^as", all);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* `wanted`, `old`: (nullable): pins. */
CtlExit
ctl_dry_run_print (Ctl *ctl, GVariant *wanted, GVariant *old)
{
  const char *host = "", *scope = "";
  gboolean system;

  g_variant_lookup (wanted, "host", "&s", &host);
  g_variant_lookup (wanted, "scope", "&s", &scope);
  system = strcmp (scope, "system") == 0;
  if (ctl->json)
    {
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

      g_variant_dict_insert_value (&dict, "pin", wanted);
      if (old != NULL)
        g_variant_dict_insert_value (&dict, "replaced", old);
      ctl_print_json (&ctl->out,
                      g_variant_new_parsed ("{'dry-run': %v}", g_variant_dict_end (&dict)));
      return CTL_EXIT_OK;
    }
  if (strcmp (scope, "app") == 0)
    ctl_print_line (&ctl->out,
                    old == NULL ? _ ("Would pin %s for the app:")
                                : _ ("Would replace the app's pin of %s by:"),
                    host);
  else if (old == NULL)
    ctl_print_line (&ctl->out, _ ("Would pin %s for %s:"), host,
                    system ? _ ("all users") : _ ("you"));
  else
    ctl_print_line (&ctl->out, _ ("Would replace %s pin of %s by:"),
                    system ? _ ("the system's") : _ ("your"), host);
  ctl_print_pin (&ctl->out, wanted, ctl_pin_fields);
  if (old != NULL)
    {
      ctl_print_blank (&ctl->out);
      ctl_print_line (&ctl->out, _ ("The pin that there is now:"));
      ctl_print_pin (&ctl->out, old, ctl_pin_fields);
    }
  ctl_print_blank (&ctl->out);
  ctl_print_line (&ctl->out, _ ("Nothing was changed."));
  return CTL_EXIT_OK;
}

/* Errors: those of the call that is not made, but for NotAuthorized, LimitExceeded and StoreFailed,
 * which only the service knows. */
CtlExit
ctl_dry_run (Ctl *ctl, CtlPlan *plan, GError **error)
{
  g_autoptr (GVariant) old = NULL, wanted = NULL;
  g_auto (GStrv) keys = NULL;
  g_autofree char *outage = NULL;
  const char *scope;

  if (!ctl_lookup_exact_pin (ctl, plan->host, plan->system, &old, error))
    return CTL_EXIT_FAILED;
  keys = ctl_plan_read_keys (ctl, plan, error);
  if (keys == NULL || (plan->description != NULL && !check_certificate (plan, error)))
    return CTL_EXIT_FAILED;
  scope = ctl_scope_find_name (ctl, plan->system, error);
  if (scope == NULL)
    return CTL_EXIT_FAILED;
  wanted = describe (ctl, plan, scope, keys);
  if (plan->system
      && !ctl_outage_find (ctl, &(CtlOutage){ plan->host, keys, plan->options }, &outage, error))
    return CTL_EXIT_FAILED;
  if (outage != NULL)
    {
      g_autoptr (GVariant) unwarned = g_steal_pointer (&wanted);

      wanted = with_warning (unwarned, outage);
    }
  return ctl_dry_run_print (ctl, wanted, old);
}
