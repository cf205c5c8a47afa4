/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that change pins: `pin`, `unpin`, `block`. The service checks hosts, certificates and
 * options. */

#include "config.h"

#include "certpinctl-pin.h"

#include "certpinctl-input.h"
#include "certpinctl-options.h"
#include "certpinctl-pin-text.h"
#include "certpinctl-reply.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <string.h>

/* The limit of the service. */
#define CERTIFICATE_MAX_BYTES (64 * 1024)

/* The options of `pin`. */
typedef struct
{
  gboolean system;
  char *match;
  char *mode;
  char *expires;
  char *note;
  char **backups; /* names of files */
  char **anchors; /* names of files */
  char **keys;
} PinOptions;

static void
pin_options_clear (PinOptions *options)
{
  g_free (options->match);
  g_free (options->mode);
  g_free (options->expires);
  g_free (options->note);
  g_strfreev (options->backups);
  g_strfreev (options->anchors);
  g_strfreev (options->keys);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PinOptions, pin_options_clear)

/* Adds the contents of the files as `aay`, if there are files. */
static gboolean
add_certificates (GVariantDict *dict, const char *name, char **files, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aay"));

  if (files == NULL)
    return TRUE;
  for (size_t i = 0; files[i] != NULL; i++)
    {
      g_autoptr (GBytes) bytes = ctl_input_read (files[i], CERTIFICATE_MAX_BYTES, error);

      if (bytes == NULL)
        return FALSE;
      g_variant_builder_add_value (
          &builder, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
    }
  g_variant_dict_insert_value (dict, name, g_variant_builder_end (&builder));
  return TRUE;
}

static void
add_text (GVariantDict *dict, const char *name, const char *text)
{
  if (text != NULL)
    g_variant_dict_insert (dict, name, "s", text);
}

static GVariant *
options_of_scope (gboolean system)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  add_text (&dict, "scope", system ? "system" : NULL);
  return g_variant_dict_end (&dict);
}

/* Returns: (nullable): `a{sv}`, floating */
static GVariant *
options_of_pin (const PinOptions *options, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  gint64 expires;

  add_text (&dict, "scope", options->system ? "system" : NULL);
  add_text (&dict, "match", options->match);
  add_text (&dict, "mode", options->mode);
  add_text (&dict, "note", options->note);
  if (options->expires != NULL)
    {
      if (!ctl_time_parse (options->expires, &expires, error))
        return NULL;
      g_variant_dict_insert (&dict, "expires", "x", expires);
    }
  if (!add_certificates (&dict, "backup-certificates", options->backups, error)
      || !add_certificates (&dict, "trust-anchors", options->anchors, error))
    return NULL;
  return g_variant_dict_end (&dict);
}

/* Accepts either a file or keys. */
static gboolean
check_usage (Ctl *ctl, const PinOptions *options, GError **error)
{
  gboolean file = g_strv_length (ctl->arguments) == 2;

  if (file != (options->keys != NULL) && (options->keys == NULL || options->backups == NULL))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               options->keys == NULL
                   ? "‘pin’ needs a FILE that holds the certificate, or a --key"
                   : "give either certificates or keys; to add a backup key, repeat --key");
  return FALSE;
}

static GVariant *
pin_keys (Ctl *ctl, char **keys, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_pin_keys_async (ctl->client, ctl->arguments[0], (const char *const *)keys, options,
                                 ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take (certpin_client_pin_keys_finish (ctl->client, result, error), CTL_REPLY_PIN,
                         error);
}

/* The library reads the file, and blocks the host if that fails. */
static GVariant *
pin_file (Ctl *ctl, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (ctl->arguments[1]);

  certpin_client_pin_certificate_from_file_async (ctl->client, ctl->arguments[0], file, options,
                                                  ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take (
      certpin_client_pin_certificate_from_file_finish (ctl->client, result, error), CTL_REPLY_PIN,
      error);
}

/* As the library does for a file: the host must not stay unpinned if its pin could not be read. */
static void
block_unread (Ctl *ctl, gboolean system, const GError *reason, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_block_host_async (ctl->client, ctl->arguments[0],
                                   "its certificate could not be read from standard input",
                                   options_of_scope (system), ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  if (certpin_client_block_host_finish (ctl->client, result, error))
    g_set_error (error, reason->domain, reason->code,
                 "%s; the host ‘%s’ is blocked until it is pinned", reason->message,
                 ctl->arguments[0]);
}

static GVariant *
pin_standard_input (Ctl *ctl, gboolean system, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  g_autoptr (GBytes) certificate = ctl_input_read ("-", CERTIFICATE_MAX_BYTES, &reason);

  if (certificate == NULL)
    {
      block_unread (ctl, system, reason, error);
      return NULL;
    }
  certpin_client_pin_certificate_async (ctl->client, ctl->arguments[0], certificate, options,
                                        ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take (certpin_client_pin_certificate_finish (ctl->client, result, error),
                         CTL_REPLY_PIN, error);
}

/* `options`: for the service */
static GVariant *
pin_as_chosen (Ctl *ctl, const PinOptions *chosen, GVariant *options, GError **error)
{
  if (chosen->keys != NULL)
    return pin_keys (ctl, chosen->keys, options, error);
  if (strcmp (ctl->arguments[1], "-") == 0)
    return pin_standard_input (ctl, chosen->system, options, error);
  return pin_file (ctl, options, error);
}

CtlExit
ctl_pin (Ctl *ctl, GError **error)
{
  g_auto (PinOptions) chosen = { 0 };
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &chosen.system, "pin for all users", NULL },
    { "match", 0, 0, G_OPTION_ARG_STRING, &chosen.match,
      "leaf: the server's key (default); path: any on its certification path", "leaf|path" },
    { "mode", 0, 0, G_OPTION_ARG_STRING, &chosen.mode,
      "enforce: refuse a mismatch (default); report: only report it", "enforce|report" },
    { "expires", 0, 0, G_OPTION_ARG_STRING, &chosen.expires,
      "when the pin expires, such as 2027-01-31; then requests are refused", "DATE" },
    { "backup", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &chosen.backups,
      "also accept the key of this certificate; may be repeated", "FILE" },
    { "trust-anchor", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &chosen.anchors,
      "trust this CA for the host, not the system's CAs; may be repeated", "FILE" },
    { "note", 0, 0, G_OPTION_ARG_STRING, &chosen.note, "a note that is shown with the pin",
      "TEXT" },
    { "key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chosen.keys,
      "pin this key instead of a certificate's; may be repeated", "KEY" },
    { NULL },
  };
  g_autoptr (GVariant) service_options = NULL;
  g_autoptr (GVariant) pin = NULL;

  if (!ctl_parse (ctl, options, error) || !check_usage (ctl, &chosen, error))
    return CTL_EXIT_OK;
  service_options = options_of_pin (&chosen, error);
  if (service_options == NULL)
    return CTL_EXIT_FAILED;
  g_variant_ref_sink (service_options);
  pin = pin_as_chosen (ctl, &chosen, service_options, error);
  if (pin == NULL)
    return CTL_EXIT_FAILED;
  if (ctl->json)
    ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pin': %v}", pin));
  else
    ctl_print_pin (&ctl->out, pin, ctl_pin_fields);
  return CTL_EXIT_OK;
}

/* `reason`: (nullable) */
static void
print_change_json (Ctl *ctl, gboolean system, const char *state, const char *reason)
{
  g_auto (GVariantBuilder) pin = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add_parsed (&pin, "{'host', <%s>}", ctl->arguments[0]);
  g_variant_builder_add_parsed (&pin, "{'scope', <%s>}", system ? "system" : "user");
  g_variant_builder_add_parsed (&pin, "{'state', <%s>}", state);
  if (reason != NULL)
    g_variant_builder_add_parsed (&pin, "{'reason', <%s>}", reason);
  ctl_print_json (&ctl->out, g_variant_new_parsed ("{'pin': %v}", g_variant_builder_end (&pin)));
}

CtlExit
ctl_unpin (Ctl *ctl, GError **error)
{
  gboolean system = FALSE;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, "remove the system's pin", NULL },
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  certpin_client_unpin_async (ctl->client, ctl->arguments[0], options_of_scope (system),
                              ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  if (!certpin_client_unpin_finish (ctl->client, result, error))
    return CTL_EXIT_FAILED;
  if (ctl->json)
    print_change_json (ctl, system, "removed", /* reason= */ NULL);
  else
    ctl_print_line (&ctl->out, "Removed %s pin of %s", system ? "the system's" : "your",
                    ctl->arguments[0]);
  return CTL_EXIT_OK;
}

CtlExit
ctl_block (Ctl *ctl, GError **error)
{
  gboolean system = FALSE;
  const GOptionEntry options[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &system, "block the host for all users", NULL },
    { NULL },
  };
  g_autoptr (GAsyncResult) result = NULL;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  certpin_client_block_host_async (ctl->client, ctl->arguments[0], ctl->arguments[1],
                                   options_of_scope (system), ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  if (!certpin_client_block_host_finish (ctl->client, result, error))
    return CTL_EXIT_FAILED;
  if (ctl->json)
    print_change_json (ctl, system, "blocked", ctl->arguments[1]);
  else
    ctl_print_line (&ctl->out, "Blocked %s for %s", ctl->arguments[0],
                    system ? "all users" : "you");
  return CTL_EXIT_OK;
}
