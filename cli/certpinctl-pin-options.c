/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of `pin`: its options, and which of them go together. */

#include "config.h"

#include "certpinctl-pin-options.h"

#include "certpinctl-input.h"
#include "certpinctl-options.h"
#include "certpinctl-scope.h"

#include <glib/gi18n.h>

#include <string.h>

void
ctl_pin_options_clear (CtlPinOptions *options)
{
  g_free (options->match);
  g_free (options->mode);
  g_free (options->expires);
  g_free (options->note);
  g_strfreev (options->backups);
  g_strfreev (options->anchors);
  g_strfreev (options->keys);
}

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
  return FALSE;
}

/* What makes a pin is not what changes its keys. */
static gboolean
check_change (const CtlPinOptions *options, gboolean file, GError **error)
{
  if (options->match != NULL || options->mode != NULL || options->expires != NULL
      || options->note != NULL || options->backups != NULL || options->anchors != NULL
      || options->block_on_failure)
    return refuse (error, _ ("--add and --remove-key change only the keys of a pin; to change "
                             "anything else, pin the host again"));
  if (!file && options->keys == NULL)
    return refuse (error, _ ("give the KEY, or a FILE that holds its certificate, after the HOST"));
  return TRUE;
}

static gboolean
check_fetch (const CtlPinOptions *options, gboolean file, GError **error)
{
  if (file || options->block_on_failure)
    return refuse (error, _ ("--fetch pins what the server presents; give it no FILE"));
  if (options->yes && options->keys == NULL)
    return refuse (error, _ ("with --fetch, --yes needs a --key to compare with what the server "
                             "presents"));
  return TRUE;
}

static gboolean
is_key (const char *word)
{
  g_autoptr (CertpinKey) key = certpin_key_new_from_text (word, NULL);

  return key != NULL;
}

/* Accepts either a file or keys. */
static gboolean
check_pin (const CtlPinOptions *options, gboolean file, GError **error)
{
  if (!file && options->keys == NULL)
    return refuse (error, _ ("‘pin’ needs a FILE that holds the certificate, a --key or --fetch"));
  if (options->keys != NULL && (file || options->backups != NULL))
    return refuse (error,
                   _ ("give either certificates or keys; to add a backup key, repeat --key"));
  if (options->block_on_failure && !file)
    return refuse (error, _ ("--block-on-failure is only for a FILE"));
  return TRUE;
}

/* A word that begins as a key and names no file is said to be a wrong key, not a file that is not
 * there. With --block-on-failure, it is a file.
 * Errors: CERTPIN_ERROR_INVALID_KEY. */
static gboolean
is_wrong_key (const char *word, GError **error)
{
  g_autoptr (CertpinKey) key = NULL;

  if (!g_str_has_prefix (word, "sha256/") || g_file_test (word, G_FILE_TEST_EXISTS))
    return FALSE;
  key = certpin_key_new_from_text (word, error);
  return key == NULL;
}

static gboolean
check (Ctl *ctl, const CtlPinOptions *options, GError **error)
{
  gboolean file = g_strv_length (ctl->arguments) == 2;

  if (options->fetch + options->add + options->remove > 1)
    return refuse (error, _ ("give only one of --fetch, --add and --remove-key"));
  if (options->fetch)
    return check_fetch (options, file, error);
  if (options->add || options->remove)
    return check_change (options, file, error);
  if (file && !options->block_on_failure && is_wrong_key (ctl->arguments[1], error))
    return FALSE;
  if (file && is_key (ctl->arguments[1]) && !g_file_test (ctl->arguments[1], G_FILE_TEST_EXISTS))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("‘%s’ is a key, not a file; give it as --key=%s, or use --add to keep the "
                      "others"),
                   ctl->arguments[1], ctl->arguments[1]);
      return FALSE;
    }
  return check_pin (options, file, error);
}

static gboolean
has_certificate (const char *path)
{
  g_autoptr (GBytes) file = ctl_input_read (path, 1024 * 1024, NULL);
  gsize length;
  const char *data = file != NULL ? g_bytes_get_data (file, &length) : NULL;

  return data != NULL
         && (data[0] == '\x30' || g_strstr_len (data, (gssize)length, "-----BEGIN ") != NULL);
}

/* Nobody pins a host that is called like a file with a certificate, to a file that is not there. */
static gboolean
check_order (Ctl *ctl, GError **error)
{
  char **given = ctl->arguments;
  g_autofree char *host = NULL, *file = NULL;

  if (g_strv_length (given) != 2 || strcmp (given[1], "-") == 0 || is_key (given[1])
      || g_file_test (given[1], G_FILE_TEST_EXISTS)
      || !g_file_test (given[0], G_FILE_TEST_IS_REGULAR) || !has_certificate (given[0]))
    return TRUE;
  host = ctl_input_quote (given[1]);
  file = ctl_input_quote (given[0]);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is a file and ‘%s’ is not: the HOST comes before the FILE, as in "
                  "‘certpinctl pin %s %s’"),
               given[0], given[1], host, file);
  return FALSE;
}

/* Returns FALSE without an error after --help and --version. */
gboolean
ctl_pin_options_parse (Ctl *ctl, CtlPinOptions *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "fetch", 0, 0, G_OPTION_ARG_NONE, &options->fetch,
      N_ ("look at the server, ask, pin, and try the pin"), NULL },
    { "key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->keys, N_ ("pin this key; may be repeated"),
      N_ ("KEY") },
    { "add", 0, 0, G_OPTION_ARG_NONE, &options->add, N_ ("add the key of FILE, or KEY, to the pin"),
      NULL },
    { "remove-key", 0, 0, G_OPTION_ARG_NONE, &options->remove,
      N_ ("remove the key of FILE, or KEY, from the pin"), NULL },
    { "system", 0, 0, G_OPTION_ARG_NONE, &options->system, N_ ("pin for all users"), NULL },
    CTL_OPTION_APP (ctl, N_ ("pin for a sandboxed app, such as flatpak:ID")),
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry_run, N_ ("only say what would happen"),
      NULL },
    { "yes", 'y', 0, G_OPTION_ARG_NONE, &options->yes, N_ ("do not ask"), NULL },
    { "backup", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->backups,
      N_ ("also pin the key of this one; may be repeated"), N_ ("FILE") },
    { "match", 0, 0, G_OPTION_ARG_STRING, &options->match,
      N_ ("the server's key (leaf), or any on its path"), "leaf|path" },
    { "expires", 0, 0, G_OPTION_ARG_STRING, &options->expires,
      N_ ("such as 2027-01-31; then requests are refused"), N_ ("DATE") },
    { "note", 0, 0, G_OPTION_ARG_STRING, &options->note, N_ ("a note that is shown with the pin"),
      N_ ("TEXT") },
    { "mode", 0, 0, G_OPTION_ARG_STRING, &options->mode, N_ ("refuse a mismatch, or report it"),
      "enforce|report" },
    { "trust-anchor", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->anchors,
      N_ ("trust this CA, not the system's; may be repeated"), N_ ("FILE") },
    { "block-on-failure", 0, 0, G_OPTION_ARG_NONE, &options->block_on_failure,
      N_ ("block HOST if FILE cannot be pinned"), NULL },
    { NULL },
  };

  return ctl_parse (ctl, entries, error) && check_order (ctl, error) && check (ctl, options, error);
}
