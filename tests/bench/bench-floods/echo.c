/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The other service on the same bus, which does nothing: what its callers lose in a flood, the bus
 * and the machine have lost. It says "ready".
 *
 * usage: echo ADDRESS */

#include "config.h"

#include "tests/bench/bench-floods/echo.h"

#include <gio/gio.h>

static const char echo_xml[] = "<node><interface name='" ECHO_NAME "'><method name='Echo'>"
                               "<arg type='s' direction='in'/><arg type='s' direction='out'/>"
                               "</method></interface></node>";

static void
echo (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
      const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
      gpointer user_data)
{
  g_dbus_method_invocation_return_value (invocation, parameters);
}

static void
on_ready (GDBusConnection *connection, const char *name, gpointer user_data)
{
  g_print ("ready\n");
}

static void
on_lost (GDBusConnection *connection, const char *name, gpointer user_data)
{
  g_main_loop_quit (user_data);
}

int
main (int argc, char **argv)
{
  const GDBusInterfaceVTable vtable = { .method_call = echo };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (echo_xml, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_dbus_connection_new_for_address_sync (
      argv[argc - 1],
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  if (bus == NULL
      || g_dbus_connection_register_object (bus, "/", info->interfaces[0], &vtable, NULL, NULL,
                                            &error)
             == 0)
    {
      g_printerr ("echo: %s\n", error->message);
      return 1;
    }
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  g_bus_own_name_on_connection (bus, ECHO_NAME, G_BUS_NAME_OWNER_FLAGS_NONE, on_ready, on_lost,
                                loop, NULL);
  g_main_loop_run (loop);
  return 1;
}
