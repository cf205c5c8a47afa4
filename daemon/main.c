/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* certpind: reads the command line, the configuration and the store, joins the layers, and runs
 * until it is told to end. The only place that knows the environment and the process. */

#include "config.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-bus.h"
#include "daemon/cpd-arguments.h"
#include "daemon/cpd-reloader.h"
#include "daemon/transport/cpd-soup-fetcher.h"

#include <glib-unix.h>

#include <locale.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* TRANSPORT: no TLS session may ever be resumed, since a resumed one passes over the database's
 * answer; and only HTTP/1.1 keeps a cancelled request from being sent. Both must be set before the
 * first use of TLS. */
#define TLS_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%COMPAT:%NO_TICKETS"

/* How long requests that are under way may hold up the end. */
#define DRAIN_MS 500

typedef struct
{
  GMainLoop *loop;
  GDBusConnection *connection;
  gboolean ready; /* the name was owned */
  int status;
} Service;

static CpdConfig *
load_config (const CpdArguments *arguments, GError **error)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  const char *path = arguments->config_file != NULL ? arguments->config_file : CPD_CONFIG_FILE;
  CpdConfig *config = cpd_config_load (path, warnings, error);

  for (unsigned int i = 0; i < warnings->len; i++)
    g_warning ("%s", (char *)warnings->pdata[i]);
  if (config != NULL && arguments->trust_file != NULL)
    {
      g_free (config->trust_file);
      config->trust_file = g_strdup (arguments->trust_file);
    }
  return config;
}

static CpdStore *
load_store (const CpdArguments *arguments, const CpdConfig *config, unsigned int *problems)
{
  static const char *const usual_dirs[] = { CPD_PINS_DIR_ADMIN, CPD_PINS_DIR_VENDOR, NULL };
  g_autoptr (CpdTrustSource) trust
      = cpd_trust_source_new (config->trust_file, (const char *const *)config->local_trust_dirs);
  const CpdStoreSettings settings = {
    .trust = trust,
    .state_dir = arguments->state_dir != NULL ? arguments->state_dir : CPD_STATE_DIR,
    .pins_dirs
    = arguments->pins_dirs != NULL ? (const char *const *)arguments->pins_dirs : usual_dirs,
    .first_generation = (guint64)g_get_real_time (),
    .max_bytes_per_layer = config->pin_bytes_per_uid,
  };
  CpdStore *store = cpd_store_new (&settings);
  g_autoptr (GPtrArray) broken = cpd_store_load (store);

  for (unsigned int i = 0; i < broken->len; i++)
    cpd_audit_store_broken (broken->pdata[i]);
  *problems = broken->len;
  return store;
}

static gboolean
on_terminate (gpointer user_data)
{
  g_main_loop_quit (((Service *)user_data)->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer user_data)
{
  cpd_reloader_reload (user_data);
  return G_SOURCE_CONTINUE;
}

static void
on_ready (Service *service)
{
  service->ready = TRUE;
  g_message ("ready");
}

/* Whoever was ready and is replaced ends in order; else something is wrong. */
static void
on_lost (Service *service)
{
  gboolean replaced = service->ready && !g_dbus_connection_is_closed (service->connection);

  if (replaced)
    g_message ("replaced by another instance");
  else
    g_warning ("the bus is gone, another instance has the name there (see --replace), or the bus's "
               "policy does not let this user have it");
  service->status = replaced ? 0 : 1;
  g_main_loop_quit (service->loop);
}

static gboolean
on_drained (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets a change that is being written reach the disk, and its caller hear of it. */
static void
drain (const CpdBusSettings *settings)
{
  gboolean drained = FALSE;

  unsigned int timer = g_timeout_add (DRAIN_MS, on_drained, &drained);

  while (!drained && (cpd_store_is_busy (settings->store) || g_main_context_pending (NULL)))
    g_main_context_iteration (NULL, TRUE);
  if (!drained)
    g_source_remove (timer);
  g_dbus_connection_flush_sync (settings->connection, NULL, NULL);
}

static int
serve (const CpdArguments *arguments, const CpdConfig *config, CpdStore *store, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (CpdJudge) judge = cpd_judge_new (store);
  g_autoptr (CpdSoupFetcher) fetcher = cpd_soup_fetcher_new (judge, config);
  g_autoptr (GDBusConnection) connection = cpd_arguments_connect (arguments, error);
  Service service = { .loop = loop, .connection = connection };
  const CpdBusSettings settings = { .connection = connection,
                                    .store = store,
                                    .fetcher = CPD_FETCHER (fetcher),
                                    .config = config,
                                    .polkit = cpd_arguments_want_polkit (arguments),
                                    .replace = arguments->replace };
  g_autoptr (CpdReloader) reloader = cpd_reloader_new (store);
  g_autoptr (CpdBus) bus = NULL;

  if (connection == NULL)
    return 1;
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  bus = cpd_bus_new (&settings);
  g_signal_connect_swapped (bus, "ready", G_CALLBACK (on_ready), &service);
  g_signal_connect_swapped (bus, "lost", G_CALLBACK (on_lost), &service);
  g_unix_signal_add (SIGTERM, on_terminate, &service);
  g_unix_signal_add (SIGINT, on_terminate, &service);
  g_unix_signal_add (SIGHUP, on_hangup, reloader);
  if (!cpd_bus_start (bus, error))
    return 1;
  g_main_loop_run (loop);
  drain (&settings);
  return service.status;
}

/* What must hold before anything else runs. */
static void
set_up_process (void)
{
  const struct rlimit no_core = { 0, 0 };
  g_autoptr (CpdTlsDatabase) refusing = cpd_tls_database_new_refusing ();

  setlocale (LC_CTYPE, ""); /* no more: what libraries say is also read by us */
  setrlimit (RLIMIT_CORE, &no_core);
#ifndef __SANITIZE_ADDRESS__ /* whose leak check has to trace the process */
  prctl (PR_SET_DUMPABLE, 0);
#endif
  signal (SIGPIPE, SIG_IGN);
  g_setenv ("G_TLS_GNUTLS_PRIORITY", TLS_PRIORITY, TRUE);
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), G_TLS_DATABASE (refusing));
}

int
main (int argc, char **argv)
{
  g_auto (CpdArguments) arguments = { 0 };
  g_autoptr (CpdConfig) config = NULL;
  g_autoptr (CpdStore) store = NULL;
  g_autoptr (GError) error = NULL;
  unsigned int problems;
  int status;

  set_up_process ();
  if (!cpd_arguments_parse (&arguments, argc, argv, &error))
    {
      g_printerr ("certpind: %s; see certpind --help\n", error->message);
      return 2;
    }
  if (arguments.version)
    {
      g_print ("certpind " PACKAGE_VERSION "\n");
      return 0;
    }
  if (arguments.verbose)
    g_setenv ("G_MESSAGES_DEBUG", G_LOG_DOMAIN, TRUE);
  config = load_config (&arguments, &error);
  if (config == NULL)
    {
      g_printerr ("certpind: %s\n", error->message);
      return arguments.check ? 1 : 2;
    }
  store = load_store (&arguments, config, &problems);
  if (arguments.check)
    {
      g_print ("%u problems\n", problems);
      return problems == 0 ? 0 : 1;
    }
  status = serve (&arguments, config, store, &error);
  if (error != NULL)
    g_printerr ("certpind: %s\n", error->message);
  return status;
}
