/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `pin` would do, without doing it. The service says what the pin would be, as of one in a pin
 * file that is only looked at: it alone knows how it would name the host, and what it would refuse
 * or warn of. */

#include "config.h"

#include "certpinctl-dry-run.h"

#include "certpinctl-lookup.h"
#include "certpinctl-outage.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

/* Of the pin in its file. */
#define GROUP "pin"

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

/* A pin file may have a pin that has expired. */
static gboolean
check_expiry (const CtlPlan *plan, GError **error)
{
  gint64 expires;
  g_autofree char *time = NULL;

  if (!g_variant_lookup (plan->options, "expires", "x", &expires)
      || expires > g_get_real_time () / G_USEC_PER_SEC)
    return TRUE;
  time = ctl_time_to_text (expires);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               _ ("option ‘--expires’ is %s, which is in the past; give a time in the future"),
               time);
  return FALSE;
}

static void
add_anchors (GKeyFile *file, const CtlPlan *plan)
{
  g_autoptr (GVariant) anchors
      = g_variant_lookup_value (plan->options, "trust-anchors", G_VARIANT_TYPE ("aay"));
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; anchors != NULL && i < g_variant_n_children (anchors); i++)
    {
      g_autoptr (GVariant) der = g_variant_get_child_value (anchors, i);

      g_ptr_array_add (texts, g_base64_encode (g_variant_get_data (der), g_variant_get_size (der)));
    }
  if (texts->len > 0)
    g_key_file_set_string_list (file, GROUP, "TrustAnchors", (const char *const *)texts->pdata,
                                texts->len);
}

/* Adds texts and times of a dictionary. */
static void
add_values (GKeyFile *file, GVariant *values)
{
  static const struct
  {
    const char *key, *name;
  } shared[] = { { "Match", "match" },     { "Mode", "mode" },     { "Note", "note" },
                 { "Expires", "expires" }, { "Issuer", "issuer" }, { "Subject", "subject" } };
  const char *text;
  gint64 time;

  for (size_t i = 0; values != NULL && i < G_N_ELEMENTS (shared); i++)
    if (g_variant_lookup (values, shared[i].name, "&s", &text))
      g_key_file_set_string (file, GROUP, shared[i].key, text);
    else if (g_variant_lookup (values, shared[i].name, "x", &time))
      g_key_file_set_int64 (file, GROUP, shared[i].key, time);
}

/* Returns: (transfer full): the pin as a pin file */
static char *
make_file (const CtlPlan *plan, char **keys)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();

  g_key_file_set_integer (file, "Pin File", "Version", 1);
  g_key_file_set_string (file, GROUP, "Host", plan->host);
  g_key_file_set_string_list (file, GROUP, "Keys", (const char *const *)keys, g_strv_length (keys));
  add_values (file, plan->options);
  add_values (file, plan->description);
  add_anchors (file, plan);
  return g_key_file_to_data (file, NULL, NULL);
}

/* Nobody has typed the file that the service speaks of. */
static void
reword (GError *error)
{
  static const struct
  {
    const char *key, *option;
  } typed[] = { { "Host=", "HOST" },
                { "Keys=", "--key" },
                { "Match=", "--match" },
                { "Mode=", "--mode" },
                { "Note=", "--note" },
                { "Expires=", "--expires" },
                { "TrustAnchors=", "--trust-anchor" } };
  const char *line = g_strrstr (error->message, "line "), *behind = ": ";
  const char *reason = line != NULL ? strstr (line, behind) : NULL;
  g_autoptr (GString) text
      = g_string_new (reason != NULL ? reason + strlen (behind) : error->message);

  for (size_t i = 0; i < G_N_ELEMENTS (typed); i++)
    if (g_str_has_prefix (text->str, typed[i].key))
      {
        g_string_erase (text, 0, (gssize)strlen (typed[i].key));
        g_string_prepend (text, typed[i].option);
      }
  g_free (error->message);
  error->message = g_strdup_printf (_ ("the pin would be refused: %s"), text->str);
}

/* Returns: (transfer full) (nullable): the pin that there would be, as the service describes it */
static GVariant *
ask (Ctl *ctl, const CtlPlan *plan, char **keys, GError **error)
{
  g_autofree char *file = make_file (plan, keys);
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) changes = NULL, change = NULL;
  g_autoptr (GError) reason = NULL;

  ctl_scope_add (ctl, plan->system, &options);
  g_variant_dict_insert (&options, "dry-run", "b", TRUE);
  certpin_client_import_pins_async (ctl->client, file, g_variant_dict_end (&options),
                                    ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  changes = ctl_reply_take_records (
      certpin_client_import_pins_finish (ctl->client, result, &reason), CTL_REPLY_CHANGE, &reason);
  if (changes != NULL && g_variant_n_children (changes) == 1)
    {
      change = g_variant_get_child_value (changes, 0);
      return g_variant_lookup_value (change, "pin", G_VARIANT_TYPE_VARDICT);
    }
  if (reason == NULL)
    g_set_error_literal (&reason, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                         _ ("the certpin service did not say what would change; check that "
                            "certpinctl and certpind have the same version"));
  if (g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT))
    reword (reason);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

/* `pin`: as the service describes it. What is known only when it is made is not shown.
 * Returns: (transfer full): with what its certificate is warned of */
static GVariant *
describe (Ctl *ctl, const CtlPlan *plan, GVariant *pin)
{
  static const char *const unknown[]
      = { "created", "created-by", "generation", "state", "stored", "source" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (pin);
  g_autoptr (GStrvBuilder) warnings = g_strv_builder_new ();
  g_auto (GStrv) of_certificate = NULL, of_pin = NULL, all = NULL;
  gint64 expires = 0, not_after;

  for (size_t i = 0; i < G_N_ELEMENTS (unknown); i++)
    g_variant_dict_remove (&dict, unknown[i]);
  if (g_variant_dict_lookup (&dict, "expires", "x", &expires) && expires == 0)
    g_variant_dict_remove (&dict, "expires");
  /* Of its end, the certificate is warned once. */
  if (plan->description != NULL
      && g_variant_lookup (plan->description, "not-after", "x", &not_after))
    g_variant_dict_insert (&dict, "not-after", "x", not_after);
  if (plan->description != NULL
      && g_variant_lookup (plan->description, "warnings", "^as", &of_certificate))
    g_strv_builder_addv (warnings, (const char **)of_certificate);
  if (g_variant_dict_lookup (&dict, "warnings", "^as", &of_pin))
    g_strv_builder_addv (warnings, (const char **)of_pin);
  all = g_strv_builder_end (warnings);
  if (all[0] != NULL)
    g_variant_dict_insert (&dict, "warnings", "^as", all);
  if (ctl->app != NULL)
    g_variant_dict_insert (&dict, "app", "s", ctl->app);
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
  g_autoptr (GVariant) old = NULL, pin = NULL, wanted = NULL;
  g_auto (GStrv) keys = NULL;
  g_autofree char *outage = NULL;

  if (!ctl_lookup_exact_pin (ctl, plan->host, plan->system, &old, error))
    return CTL_EXIT_FAILED;
  keys = ctl_plan_read_keys (ctl, plan, error);
  if (keys == NULL || (plan->description != NULL && !check_certificate (plan, error))
      || !check_expiry (plan, error))
    return CTL_EXIT_FAILED;
  pin = ask (ctl, plan, keys, error);
  if (pin == NULL)
    return CTL_EXIT_FAILED;
  wanted = describe (ctl, plan, pin);
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
