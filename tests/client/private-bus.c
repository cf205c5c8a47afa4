/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bus that the library takes for the system bus, with the limits of a system bus. A test can
 * stop and start it. Its address stays the same, because the environment must not change while
 * other threads run. */

#include "config.h"

#include "private-bus.h"

#include <glib/gstdio.h>

#include <signal.h>
#include <sys/prctl.h>

static char *folder, *config, *address;
static GSubprocess *bus; /* NULL: it does not run */

static const char config_text[]
    = "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN'\n"
      "  'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n"
      "<busconfig>\n"
      "  <listen>%s</listen>\n"
      "  <auth>EXTERNAL</auth>\n"
      "  <policy context='default'>\n"
      "    <allow send_destination='*' eavesdrop='true'/>\n"
      "    <allow eavesdrop='true'/>\n"
      "    <allow own='*'/>\n"
      "  </policy>\n"
      "  <limit name='max_message_size'>33554432</limit>\n"
      "  <limit name='max_replies_per_connection'>128</limit>\n"
      "  <limit name='max_connections_per_user'>256</limit>\n"
      "</busconfig>\n";

/* In the place of g_test_init (). */
void
private_bus_init (int *argc, char ***argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL, *text = NULL;

  g_test_init (argc, argv, NULL);
  if (g_test_subprocess ())
    return; /* the environment names the bus of the parent */
  folder = g_dir_make_tmp ("certpin-bus-XXXXXX", &error);
  g_assert_no_error (error);
  path = g_build_filename (folder, "bus", NULL);
  address = g_strconcat ("unix:path=", path, NULL);
  text = g_strdup_printf (config_text, address);
  config = g_build_filename (folder, "bus.conf", NULL);
  g_file_set_contents (config, text, -1, &error);
  g_assert_no_error (error);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", address, /* overwrite= */ TRUE);
}

void
private_bus_finish (void)
{
  g_autofree char *path = NULL;

  if (folder == NULL)
    return;
  path = g_build_filename (folder, "bus", NULL);
  if (bus != NULL)
    private_bus_stop ();
  g_unlink (path);
  g_unlink (config);
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&config, g_free);
  g_clear_pointer (&address, g_free);
}

/* Makes room for something else at the address of the bus, which does not run. */
void
private_bus_clear (void)
{
  g_autofree char *path = g_build_filename (folder, "bus", NULL);

  g_unlink (path);
}

/* Runs in the new process, which must not outlive the test. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

void
private_bus_start (void)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;
  g_autofree char *option = g_strconcat ("--config-file=", config, NULL);
  g_autofree char *line = NULL;
  g_autoptr (GDataInputStream) output = NULL;

  private_bus_clear ();
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  bus = g_subprocess_launcher_spawn (launcher, &error, "dbus-daemon", option, "--nofork",
                                     "--nopidfile", "--nosyslog", "--print-address=1", NULL);
  g_assert_no_error (error);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (bus));
  line = g_data_input_stream_read_line (output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);
}

/* Kills the bus, as if it had crashed. */
void
private_bus_stop (void)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_force_exit (bus);
  g_subprocess_wait (bus, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&bus);
}

const char *
private_bus_get_address (void)
{
  return address;
}

GDBusConnection *
private_bus_connect (void)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  g_assert_no_error (error);
  return connection;
}
