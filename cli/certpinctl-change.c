/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `pin --add` and `pin --remove-key`: change the keys of a pin, and leave the rest of it. */

#include "config.h"

#include "certpinctl-change.h"

#include "certpinctl-certificate.h"
#include "certpinctl-dry-run.h"
#include "certpinctl-input.h"
#include "certpinctl-lookup.h"
#include "certpinctl-outage.h"
#include "certpinctl-outcome.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

/* `word`: a key, or else the name of a file.
 * Returns: (transfer full) (nullable): the key in the usual spelling */
static char *
read_key (Ctl *ctl, const char *word, GError **error)
{
  g_autoptr (CertpinKey) key = certpin_key_new_from_text (word, NULL);
  g_autoptr (GBytes) file = NULL;
  g_autoptr (GVariant) certificate = NULL;
  char *text = NULL;

  if (key != NULL)
    return certpin_key_to_text (key);
  file = ctl_input_read (word, CTL_CERTIFICATE_FILE_MAX_BYTES, error);
  certificate
      = file != NULL ? ctl_certificate_describe (ctl, file, word, /* host= */ NULL, error) : NULL;
  if (certificate != NULL)
    g_variant_lookup (certificate, "key", "s", &text);
  else
    g_prefix_error (error, _ ("‘%s’ is not a key, and as a file: "), word);
  return text;
}

/* Returns: (transfer full) (nullable): the argument behind the host, and those of --key */
static char **
read_keys (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  g_autoptr (GStrvBuilder) keys = g_strv_builder_new ();

  for (char **word = ctl->arguments + 1; *word != NULL; word++)
    {
      g_autofree char *key = read_key (ctl, *word, error);

      if (key == NULL)
        return NULL;
      g_strv_builder_add (keys, key);
    }
  for (size_t i = 0; given->keys != NULL && given->keys[i] != NULL; i++)
    {
      g_autoptr (CertpinKey) key = certpin_key_new_from_text (given->keys[i], error);
      g_autofree char *text = key != NULL ? certpin_key_to_text (key) : NULL;

      if (text == NULL)
        return NULL;
      g_strv_builder_add (keys, text);
    }
  return g_strv_builder_end (keys);
}

/* Returns: (transfer full): the keys of the pin after the change */
static char **
change (GVariant *pin, char **keys, gboolean remove)
{
  g_autoptr (GStrvBuilder) changed = g_strv_builder_new ();
  g_auto (GStrv) old = NULL;

  g_variant_lookup (pin, "keys", "^as", &old);
  for (size_t i = 0; old[i] != NULL; i++)
    if (!remove || !g_strv_contains ((const char *const *)keys, old[i]))
      g_strv_builder_add (changed, old[i]);
  for (size_t i = 0; !remove && keys[i] != NULL; i++)
    if (!g_strv_contains ((const char *const *)old, keys[i]))
      g_strv_builder_add (changed, keys[i]);
  return g_strv_builder_end (changed);
}

/* Returns: (transfer full): the pin after the change */
GVariant *
ctl_change_describe (GVariant *pin, char **keys, gboolean remove)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (pin);
  g_auto (GStrv) changed = change (pin, keys, remove);

  g_variant_dict_insert (&dict, "keys", "^as", changed);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* A pin that has its own trust anchors cannot be tried: only the service has them. */
static gboolean
confirm_removal (Ctl *ctl, GVariant *pin, char **left, gboolean yes, GError **error)
{
  g_autoptr (GVariant) anchors = g_variant_lookup_value (pin, "trust-anchors", NULL);

  return anchors != NULL
         || ctl_outage_confirm (ctl, &(CtlOutage){ ctl->arguments[0], left, pin }, yes, error);
}

static GVariant *
call (Ctl *ctl, char **keys, const CtlPinOptions *given, GError **error)
{
  const char *host = ctl->arguments[0];
  const char *const *words = (const char *const *)keys;
  GVariant *options = ctl_scope_options (ctl, given->system);
  g_autoptr (GAsyncResult) result = NULL;
  CertpinPin *reply;

  ctl_outcome_begin (ctl, given->system);
  if (given->add)
    certpin_client_add_keys_async (ctl->client, host, words, options, ctl->cancellable,
                                   ctl_on_result, ctl);
  else
    certpin_client_remove_keys_async (ctl->client, host, words, options, ctl->cancellable,
                                      ctl_on_result, ctl);
  result = ctl_wait (ctl);
  reply = given->add ? certpin_client_add_keys_finish (ctl->client, result, error)
                     : certpin_client_remove_keys_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, host, error);
  return ctl_reply_take_record (reply, CTL_REPLY_PIN, error);
}

/* Whether the pin has these keys, and no other, already. If it is refused for something else, the
 * service says so. */
static gboolean
is_done (GVariant *pin, char **keys)
{
  g_auto (GStrv) old = NULL;
  const char *state = "";

  g_variant_lookup (pin, "state", "&s", &state);
  g_variant_lookup (pin, "keys", "^as", &old);
  return strcmp (state, "expired") != 0
         && g_strv_equal ((const char *const *)old, (const char *const *)keys);
}

/* Returns: (transfer full): the pin */
static GVariant *
say_unchanged (Ctl *ctl, GVariant *pin)
{
  g_autofree char *text = g_strdup_printf (
      _ ("the pin of ‘%s’ has what is to be added, so nothing was changed"), ctl->arguments[0]);

  if (!ctl->json)
    ctl_print_message (&ctl->err, C_ ("message", "note"), text);
  return g_variant_ref (pin);
}

/* What the service would refuse. `left`: the keys after the change */
static gboolean
check_removal (Ctl *ctl, GVariant *pin, char **keys, char **left, GError **error)
{
  const char *host = ctl->arguments[0];
  g_autofree const char **old = NULL;

  g_variant_lookup (pin, "keys", "^a&s", &old);
  for (size_t i = 0; keys[i] != NULL; i++)
    if (!g_strv_contains (old, keys[i]))
      {
        g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                     _ ("the pin of ‘%s’ does not have the key %s; give one that it has"), host,
                     keys[i]);
        return FALSE;
      }
  if (left[0] != NULL)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               _ ("no key of ‘%s’ would remain; to remove the pin itself, unpin the host"), host);
  return FALSE;
}

/* Returns: (transfer full) (nullable): the pin in force; NULL without error after --dry-run */
GVariant *
ctl_change_keys (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  g_auto (GStrv) keys = read_keys (ctl, given, error), changed = NULL;
  g_autoptr (GVariant) pin = NULL, wanted = NULL;

  if (keys == NULL || !ctl_lookup_exact_pin (ctl, ctl->arguments[0], given->system, &pin, error))
    return NULL;
  /* If there is no pin to change, the service says what to do. */
  if (pin == NULL)
    return call (ctl, keys, given, error);
  changed = change (pin, keys, given->remove);
  if (given->dry_run && given->remove && !check_removal (ctl, pin, keys, changed, error))
    return NULL;
  if (given->dry_run)
    {
      wanted = ctl_change_describe (pin, keys, given->remove);
      ctl_dry_run_print (ctl, wanted, pin);
      return NULL;
    }
  if (given->add && is_done (pin, changed))
    return say_unchanged (ctl, pin);
  if (given->system && given->remove && changed[0] != NULL
      && !confirm_removal (ctl, pin, changed, given->yes, error))
    return NULL;
  return call (ctl, keys, given, error);
}
