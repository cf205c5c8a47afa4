/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command that would accept the key of a mismatch. It is shown with the warning that comes
 * first: nothing that this machine sees can tell whether the key is right. */

#include "config.h"

#include "certpinctl-accept.h"

#include "certpinctl-input.h"
#include "certpinctl-lookup.h"

#include <glib/gi18n.h>

#include <string.h>

/* Pin files of the administrator and of packages are changed by hand. */
#define PIN_FILES "/pins.d"
#define INDENT    2

static gboolean
is_of_file (GVariant *pin)
{
  const char *source = "";
  g_autofree char *folder = NULL;

  g_variant_lookup (pin, "source", "&s", &source);
  folder = g_path_get_dirname (source);
  return g_str_has_suffix (folder, PIN_FILES);
}

/* A pin that is for any key of the path was most likely for the authority's.
 * Returns: (transfer full) (nullable): NULL: none that could be added */
static char *
choose_key (GVariant *pin, GVariant *failure)
{
  g_auto (GStrv) offered = NULL, pinned = NULL;
  const char *match = "", *key = NULL;

  if (!g_variant_lookup (failure, "offered-keys", "^as", &offered)
      || !g_variant_lookup (pin, "keys", "^as", &pinned))
    return NULL;
  g_variant_lookup (pin, "match", "&s", &match);
  key = offered[0];
  if (key != NULL && offered[1] != NULL && strcmp (match, "path") == 0)
    key = offered[1];
  if (key == NULL || g_strv_contains ((const char *const *)pinned, key))
    return NULL;
  return g_strdup (key);
}

static char *
make_command (GVariant *pin, gboolean system, const char *key)
{
  const char *pattern = "";
  g_autofree char *quoted = NULL;

  g_variant_lookup (pin, "host", "&s", &pattern);
  quoted = ctl_input_quote (pattern);
  return g_strdup_printf ("certpinctl pin --add %s%s %s", system ? "--system " : "", quoted, key);
}

/* `failure`: the evidence of a refused or reported request to the host.
 * Returns: (transfer full) (nullable): the command; NULL: the key is not what is wrong, or the pin
 * is not one that a command changes */
char *
ctl_accept_find (Ctl *ctl, const char *host, GVariant *failure)
{
  const char *error = "", *scope = "", *state = "";
  gboolean system;
  g_autoptr (GVariant) pin = NULL;
  g_autoptr (GError) ignored = NULL;
  g_autofree char *key = NULL;

  g_variant_lookup (failure, "error", "&s", &error);
  g_variant_lookup (failure, "scope", "&s", &scope);
  if (strcmp (error, certpin_error_get_name (CERTPIN_ERROR_PIN_MISMATCH)) != 0
      || (strcmp (scope, "user") != 0 && strcmp (scope, "system") != 0))
    return NULL;
  system = strcmp (scope, "system") == 0;
  pin = ctl_lookup_pin (ctl, host, system, &ignored);
  if (pin == NULL)
    return NULL;
  g_variant_lookup (pin, "state", "&s", &state);
  key = (strcmp (state, "active") == 0 || strcmp (state, "paused") == 0) && !is_of_file (pin)
            ? choose_key (pin, failure)
            : NULL;
  return key != NULL ? make_command (pin, system, key) : NULL;
}

void
ctl_print_accept (CtlStream *stream, const char *command)
{
  ctl_print_cell (stream, "", INDENT);
  ctl_print_wrapped (
      stream,
      _ ("Only the operator of the server can say whether its new key is right. If it "
         "is, this command accepts it:"),
      INDENT, INDENT);
  ctl_print_command (stream, "    ", command);
}
