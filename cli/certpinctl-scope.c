/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose pins a command is about: the caller's own, which are the user's or, in a sandbox, the
 * app's; with --system, those of all users; with --app, those of one sandboxed app of the user. */

#include "config.h"

#include "certpinctl-scope.h"

#include "certpinctl-input.h"
#include "certpinctl-service.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

#define FLATPAK "flatpak:"

/* A Flatpak's id has at least two dots, and the name of a snap has none. A single word may be meant
 * as either, and must not make a pin that no app has.
 * `text`: as it is typed.
 * Errors: G_OPTION_ERROR.
 * Returns: (transfer full) (nullable): the name as the service has it, which may be wrong */
static char *
complete_name (const char *text, GError **error)
{
  const char *dot = strchr (text, '.');

  if (strchr (text, ':') != NULL)
    return g_strdup (text);
  if (dot != NULL && strchr (dot + 1, '.') != NULL)
    return g_strconcat (FLATPAK, text, NULL);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ does not say whether it is a Flatpak or a snap; give --app=flatpak:ID, "
                  "with the id that "
                  "‘flatpak list’ shows, or --app=snap:NAME"),
               text);
  return NULL;
}

static gboolean
is_given (const GOptionEntry *options, const char *name)
{
  for (; options->long_name != NULL; options++)
    if (strcmp (options->long_name, name) == 0)
      return *(gboolean *)options->arg_data;
  return FALSE;
}

/* Completes the name of the app, if one is given. `options`: of the verb, which are parsed.
 * Errors: G_OPTION_ERROR. */
gboolean
ctl_scope_check (Ctl *ctl, const GOptionEntry *options, GError **error)
{
  g_autofree char *typed = g_steal_pointer (&ctl->app);

  if (typed == NULL)
    return TRUE;
  if (is_given (options, "system"))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("give only one of --system and --app"));
      return FALSE;
    }
  ctl->app = complete_name (typed, error);
  return ctl->app != NULL;
}

/* Only the service knows whether this program is in a sandbox, and so what it calls the caller's
 * own pins: it counts these alone.
 * Returns: (transfer none) (nullable): “user” or “app”; NULL with error set */
static const char *
find_own_name (Ctl *ctl, GError **error)
{
  g_autoptr (GVariant) status = ctl_service_ask (ctl, error);
  g_autoptr (GVariant) counts = NULL, own = NULL;

  if (status == NULL)
    return NULL;
  counts = g_variant_lookup_value (status, "pins", G_VARIANT_TYPE ("a{sa{su}}"));
  own = g_variant_lookup_value (counts, "app", NULL);
  return own != NULL ? "app" : "user";
}

/* Returns: (transfer none) (nullable): “system”, “user” or “app”; NULL with error set */
const char *
ctl_scope_find_name (Ctl *ctl, gboolean system, GError **error)
{
  if (ctl->app != NULL)
    return "app";
  return system ? "system" : find_own_name (ctl, error);
}

/* Whether this program is itself in the sandbox of an app, as far as the service says so. */
gboolean
ctl_scope_is_inside (Ctl *ctl)
{
  return g_strcmp0 (find_own_name (ctl, NULL), "app") == 0;
}

/* Adds what says so to the options of a call. */
void
ctl_scope_add (const Ctl *ctl, gboolean system, GVariantDict *options)
{
  if (ctl->app != NULL)
    g_variant_dict_insert (options, "app", "s", ctl->app);
  else if (system)
    g_variant_dict_insert (options, "scope", "s", "system");
}

/* Returns: `a{sv}`, floating: for calls that need nothing else */
GVariant *
ctl_scope_options (const Ctl *ctl, gboolean system)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  ctl_scope_add (ctl, system, &dict);
  return g_variant_dict_end (&dict);
}

/* Returns: (transfer full): the option that makes another command be about the same, and a space;
 * empty: none is needed */
char *
ctl_scope_make_option (const Ctl *ctl, gboolean system)
{
  g_autofree char *word = ctl->app != NULL ? ctl_input_quote (ctl->app) : NULL;

  if (word != NULL)
    return g_strconcat ("--app=", word, " ", NULL);
  return g_strdup (system ? "--system " : "");
}

/* Returns: (transfer full) (nullable): the user's apps that have pins */
GStrv
ctl_scope_list_apps (Ctl *ctl, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_list_apps_async (ctl->client, /* options= */ NULL, ctl->cancellable, ctl_on_result,
                                  ctl);
  result = ctl_wait (ctl);
  return certpin_client_list_apps_finish (ctl->client, result, error);
}
