/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part that owns the pins and the name on the bus: certpind without transport/. Takes
 * certpind's options, and starts the worker that lies beside it. */

#include "config.h"

#include "daemon/bus/cpd-bus.h"
#include "daemon/cpd-arguments.h"
#include "tests/trials/split/split-fetcher.h"

#include <glib-unix.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static void
start_worker (const char *self, const char *trust_file, const char *const *pins_dirs, int fds[2])
{
  g_autofree char *folder = g_path_get_dirname (self);
  g_autofree char *path = g_build_filename (folder, "split-worker", NULL);
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_auto (GStrv) command = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) worker = NULL;
  g_autoptr (GError) error = NULL;
  int orders[2], pins[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, orders) != 0
      || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pins) != 0)
    g_error ("no sockets");
  g_subprocess_launcher_take_fd (launcher, orders[1], SPLIT_FD_ORDERS);
  g_subprocess_launcher_take_fd (launcher, pins[1], SPLIT_FD_PINS);
  g_strv_builder_add_many (argv, path, trust_file, NULL);
  g_strv_builder_addv (argv, (const char **)pins_dirs);
  command = g_strv_builder_end (argv);
  worker = g_subprocess_launcher_spawnv (launcher, (const char *const *)command, &error);
  if (worker == NULL)
    g_error ("%s", error->message);
  fds[0] = orders[0];
  fds[1] = pins[0];
}

/* All that was on disk when the store was loaded. */
static void
send_pins (SplitFetcher *fetcher, const char *state_dir)
{
  g_autofree char *folder = g_build_filename (state_dir, "users", NULL);
  g_autoptr (GDir) users = g_dir_open (folder, 0, NULL);

  split_fetcher_send_pins (fetcher, CPD_ALL_UIDS);
  for (const char *uid; users != NULL && (uid = g_dir_read_name (users)) != NULL;)
    split_fetcher_send_pins (fetcher, (guint32)g_ascii_strtoull (uid, NULL, 10));
}

static gboolean
on_terminate (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  static const char *const no_dirs[] = { NULL };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (CpdConfig) config = cpd_config_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdTrustSource) trust = NULL;
  g_autoptr (GPtrArray) problems = NULL;
  g_auto (CpdArguments) arguments = { 0 };
  CpdStoreSettings store_settings = { 0 };
  SplitFetcher *fetcher;
  CpdBusSettings settings = { .config = config };
  CpdBus *bus;
  int fds[2];

  prctl (PR_SET_DUMPABLE, 0);
  if (!cpd_arguments_parse (&arguments, argc, argv, &error))
    g_error ("%s", error->message);
  trust = cpd_trust_source_new (
      arguments.trust_file != NULL ? arguments.trust_file : config->trust_file, no_dirs);
  store_settings.pins_dirs
      = arguments.pins_dirs != NULL ? (const char *const *)arguments.pins_dirs : no_dirs;
  start_worker (argv[0], cpd_trust_source_get_file (trust), store_settings.pins_dirs, fds);
  store_settings.trust = trust;
  store_settings.state_dir = arguments.state_dir;
  settings.store = cpd_store_new (&store_settings);
  problems = cpd_store_load (settings.store);
  fetcher = split_fetcher_new (settings.store, fds[0], fds[1]);
  send_pins (fetcher, arguments.state_dir);
  settings.fetcher = CPD_FETCHER (fetcher);
  settings.connection = cpd_arguments_connect (&arguments, &error);
  if (settings.connection == NULL)
    g_error ("%s", error->message);
  bus = cpd_bus_new (&settings);
  cpd_bus_own_name (bus);
  cpd_bus_start_serving (bus);
  g_signal_connect_swapped (bus, "lost", G_CALLBACK (g_main_loop_quit), loop);
  g_unix_signal_add (SIGTERM, on_terminate, loop);
  g_main_loop_run (loop);
  return 0;
}
