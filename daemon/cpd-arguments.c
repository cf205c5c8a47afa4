/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of certpind, and the connection to the bus that it names. */

#include "config.h"

#include "daemon/cpd-arguments.h"

#include "client-lib/certpin-error.h"

/* Errors: G_OPTION_ERROR. */
gboolean
cpd_arguments_parse (CpdArguments *arguments, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "bus", 0, 0, G_OPTION_ARG_STRING, &arguments->bus,
      "the bus to serve: system (default), session, or a D-Bus address", "BUS" },
    { "authority", 0, 0, G_OPTION_ARG_STRING, &arguments->authority,
      "who authorizes callers: polkit (default); uid is for private buses", "WHO" },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &arguments->config_file,
      "configuration file (default: " CPD_CONFIG_FILE ")", "FILE" },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &arguments->state_dir,
      "folder for stored pins (default: " CPD_STATE_DIR ")", "DIR" },
    { "pins-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->pins_dirs,
      "folder of pin files; may be repeated, the first has priority", "DIR" },
    { "trust-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->trust_file,
      "PEM bundle of trust anchors, instead of the one in the configuration", "FILE" },
    { "replace", 0, 0, G_OPTION_ARG_NONE, &arguments->replace, "take over from a running instance",
      NULL },
    { "check", 0, 0, G_OPTION_ARG_NONE, &arguments->check,
      "check the configuration and all pin files, then exit", NULL },
    { "verbose", 0, 0, G_OPTION_ARG_NONE, &arguments->verbose, "log more details", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &arguments->version, "print the version and exit", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("— service for pinned HTTPS requests");

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unexpected argument ‘%s’",
                 argv[1]);
  else if (arguments->authority != NULL && !g_str_equal (arguments->authority, "polkit")
           && !g_str_equal (arguments->authority, "uid"))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "--authority=%s is neither polkit nor uid", arguments->authority);
  else
    return TRUE;
  return FALSE;
}

/* Whether polkit, and not the uid, decides what a caller may do. */
gboolean
cpd_arguments_want_polkit (const CpdArguments *arguments)
{
  return g_strcmp0 (arguments->authority, "uid") != 0;
}

/* Returns: (transfer full) (nullable): the address of the requested bus */
static char *
get_address (const CpdArguments *arguments, GError **error)
{
  const char *bus = arguments->bus != NULL ? arguments->bus : "system";

  if (g_str_equal (bus, "system"))
    return g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  if (cpd_arguments_want_polkit (arguments))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "polkit knows only callers on the system bus; on ‘%s’ use --authority=uid", bus);
      return NULL;
    }
  if (g_str_equal (bus, "session"))
    return g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SESSION, NULL, error);
  return g_strdup (bus);
}

/* polkit's library always uses the process's own connection to the system bus. */
static GDBusConnection *
connect_quietly (const CpdArguments *arguments, const char *address, GError **error)
{
  if (cpd_arguments_want_polkit (arguments))
    return g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  return g_dbus_connection_new_for_address_sync (
      address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, error);
}

/* Returns: (transfer full) (nullable): a connection to the requested bus. `quiet`: (out) (transfer
 * full): another one, as in CpdBusSettings */
CpdLink *
cpd_arguments_connect (const CpdArguments *arguments, GDBusConnection **quiet, GError **error)
{
  g_autofree char *address = get_address (arguments, error);

  if (address == NULL)
    return NULL;
  *quiet = connect_quietly (arguments, address, error);
  if (*quiet == NULL)
    return NULL;
  g_dbus_connection_set_exit_on_close (*quiet, FALSE);
  return cpd_link_new (address, error);
}

void
cpd_arguments_clear (CpdArguments *arguments)
{
  g_free (arguments->bus);
  g_free (arguments->authority);
  g_free (arguments->config_file);
  g_free (arguments->state_dir);
  g_strfreev (arguments->pins_dirs);
  g_free (arguments->trust_file);
}
