/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `rotate`: changes the key of a pinned server step by step. The next key is added as a
 * backup; the server begins to use it; the old key is removed once it is not seen any more. */

#include "config.h"

#include "certpinctl-rotate.h"

#include "certpinctl-ask.h"
#include "certpinctl-change.h"
#include "certpinctl-dry-run.h"
#include "certpinctl-lookup.h"
#include "certpinctl-options.h"
#include "certpinctl-outcome.h"
#include "certpinctl-reply.h"
#include "certpinctl-rotation.h"
#include "certpinctl-scope.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

typedef struct
{
  gboolean system, finish, dry_run, yes;
  char *not_seen_since;
  char **keys;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->not_seen_since);
  g_strfreev (options->keys);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
  return FALSE;
}

static gboolean
adds (Ctl *ctl, const Options *options)
{
  return ctl->arguments[1] != NULL || options->keys != NULL;
}

static gboolean
check (Ctl *ctl, const Options *options, GError **error)
{
  if (options->finish && adds (ctl, options))
    return refuse (error,
                   _ ("--finish removes keys that are not used any more; give it no NEW key"));
  if (options->not_seen_since != NULL && !options->finish)
    return refuse (error, _ ("--not-seen-since is only for --finish"));
  if (options->dry_run && !options->finish && !adds (ctl, options))
    return refuse (error, _ ("without NEW and --finish, nothing is changed; leave out --dry-run"));
  return TRUE;
}

/* Returns FALSE without an error after --help and --version. */
static gboolean
parse (Ctl *ctl, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &options->system, N_ ("the pin for all users"), NULL },
    CTL_OPTION_APP (ctl, N_ ("the pin of a sandboxed app")),
    { "key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->keys,
      N_ ("the next key, instead of NEW; may be repeated"), N_ ("KEY") },
    { "finish", 0, 0, G_OPTION_ARG_NONE, &options->finish,
      N_ ("remove the keys that are not used any more"), NULL },
    { "not-seen-since", 0, 0, G_OPTION_ARG_STRING, &options->not_seen_since,
      N_ ("which keys are not: a date, or a time such as 7d (default: 30d)"), N_ ("DATE") },
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry_run, N_ ("only say what would happen"),
      NULL },
    { "yes", 'y', 0, G_OPTION_ARG_NONE, &options->yes, N_ ("do not ask"), NULL },
    { NULL },
  };

  return ctl_parse (ctl, entries, error) && check (ctl, options, error);
}

/* Returns: (transfer full) (nullable): the pin of exactly this host */
static GVariant *
get_pin (Ctl *ctl, const Options *options, GError **error)
{
  const char *host = ctl->arguments[0];
  GVariant *pin = NULL;

  if (!ctl_lookup_exact_pin (ctl, host, options->system, &pin, error) || pin != NULL)
    return pin;
  if (ctl->app != NULL)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                 _ ("the app ‘%s’ has no pin of ‘%s’; pin it first, with ‘certpinctl pin’"),
                 ctl->app, host);
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                 _ ("%s of ‘%s’; pin it first, with ‘certpinctl pin’"),
                 options->system ? _ ("the system has no pin") : _ ("you have no pin"), host);
  return NULL;
}

/* `removed`: (nullable) */
static void
print (Ctl *ctl, GVariant *pin, char **removed)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (!ctl->json)
    {
      for (size_t i = 0; removed != NULL && removed[i] != NULL; i++)
        ctl_print_line (&ctl->out, _ ("Removed %s"), removed[i]);
      ctl_rotation_print (ctl, pin);
      return;
    }
  g_variant_dict_insert_value (&dict, "pin", pin);
  if (removed != NULL)
    g_variant_dict_insert (&dict, "removed", "^as", removed);
  ctl_print_json (&ctl->out, g_variant_dict_end (&dict));
}

static CtlExit
add_next (Ctl *ctl, const Options *options, GError **error)
{
  const CtlPinOptions given = {
    .add = TRUE, .system = options->system, .dry_run = options->dry_run, .keys = options->keys
  };
  g_autoptr (GVariant) pin = ctl_change_keys (ctl, &given, error);

  if (pin != NULL)
    print (ctl, pin, /* removed= */ NULL);
  return CTL_EXIT_OK;
}

static gboolean
find_date (const Options *options, gint64 *since, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  *since = now - CTL_ROTATION_REST_S;
  return options->not_seen_since == NULL
         || ctl_time_parse_past (options->not_seen_since, now, since, error);
}

/* Asks before keys are removed, where somebody can be asked. */
static gboolean
confirm (Ctl *ctl, const Options *options, char **unused, GError **error)
{
  const char *host = ctl->arguments[0];

  if (options->yes)
    return TRUE;
  if (!ctl_can_ask (ctl))
    {
      g_set_error (
          error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
          _ ("nobody can be asked whether to remove keys of ‘%s’; nothing was changed; add "
             "--yes"),
          host);
      return FALSE;
    }
  for (size_t i = 0; unused[i] != NULL; i++)
    {
      g_autofree char *text = g_strdup_printf (_ ("the key %s is not used any more"), unused[i]);

      ctl_print_message (&ctl->err, /* kind= */ NULL, text);
    }
  return ctl_ask (ctl, _ ("Remove what is not used any more?"), error);
}

/* Returns: (transfer full) (nullable): the pin that is in force then */
static GVariant *
remove_keys (Ctl *ctl, const Options *options, char **unused, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  CertpinPin *reply;

  ctl_outcome_begin (ctl, options->system);
  certpin_client_remove_keys_async (ctl->client, ctl->arguments[0], (const char *const *)unused,
                                    ctl_scope_options (ctl, options->system), ctl->cancellable,
                                    ctl_on_result, ctl);
  result = ctl_wait (ctl);
  reply = certpin_client_remove_keys_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, ctl->arguments[0], error);
  return ctl_reply_take_record (reply, CTL_REPLY_PIN, error);
}

/* Shows what would be left. */
static void
print_dry_run (Ctl *ctl, GVariant *pin, char **unused)
{
  g_autoptr (GVariant) left = ctl_change_describe (pin, unused, /* remove= */ TRUE);

  ctl_dry_run_print (ctl, left, pin);
}

static CtlExit
finish (Ctl *ctl, const Options *options, GError **error)
{
  g_autoptr (GVariant) pin = NULL, left = NULL;
  g_auto (GStrv) unused = NULL;
  gint64 since;

  if (!find_date (options, &since, error))
    return CTL_EXIT_USAGE;
  pin = get_pin (ctl, options, error);
  unused = pin != NULL ? ctl_rotation_find_unused (pin, since, error) : NULL;
  if (unused == NULL)
    return CTL_EXIT_FAILED;
  if (unused[0] == NULL)
    {
      g_autofree char *why = ctl_rotation_explain_rest (pin);

      if (!ctl->json)
        ctl_print_message (&ctl->err, /* kind= */ NULL, why);
      print (ctl, pin, unused);
      return CTL_EXIT_OK;
    }
  if (options->dry_run)
    {
      print_dry_run (ctl, pin, unused);
      return CTL_EXIT_OK;
    }
  if (confirm (ctl, options, unused, error))
    left = remove_keys (ctl, options, unused, error);
  if (left != NULL)
    print (ctl, left, unused);
  return CTL_EXIT_OK;
}

CtlExit
ctl_rotate (Ctl *ctl, GError **error)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GVariant) pin = NULL;

  if (!parse (ctl, &options, error))
    return CTL_EXIT_OK;
  if (options.finish)
    return finish (ctl, &options, error);
  if (adds (ctl, &options))
    return add_next (ctl, &options, error);
  pin = get_pin (ctl, &options, error);
  if (pin != NULL)
    print (ctl, pin, /* removed= */ NULL);
  return CTL_EXIT_OK;
}
