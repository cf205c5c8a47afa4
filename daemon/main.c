/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* certpind: reads the command line and the configuration, and joins the layers. The only place that
 * knows the environment and the process. */

#include "config.h"

#include "daemon/core/base/cpd-apart.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/cpd-arguments.h"
#include "daemon/cpd-service.h"
#include "daemon/cpd-sleep.h"
#include "daemon/transport/cpd-channel-fetcher.h"
#include "daemon/transport/cpd-resolver.h"

#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* From here on memory comes from the kernel and goes back there when it is freed. glibc would raise
 * this to the size of the largest body, and keep what was freed of all smaller ones. */
#define LARGE_BYTES (128 * 1024)

/* Of smaller pieces, this much is kept at the end of the heap. If what a body needs went back to
 * the kernel after each piece, the next piece would have to fault it in again. */
#define KEPT_BYTES (1024 * 1024)

/* Each on standard error. `problems`: of CpdFault */
static void
print_problems (GPtrArray *problems)
{
  for (unsigned int i = 0; i < problems->len; i++)
    {
      g_autofree char *text = cpd_fault_to_text (problems->pdata[i]);
      g_printerr ("%s\n", text);
    }
}

/* `problems`: of CpdFault: gets what keeps the service from starting */
static CpdConfig *
load_config (const CpdArguments *arguments, GPtrArray *problems)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  const char *path = arguments->config_file != NULL ? arguments->config_file : CPD_CONFIG_FILE;
  CpdConfig *config = cpd_config_load (path, warnings, problems);

  for (unsigned int i = 0; i < warnings->len; i++)
    g_warning ("%s", (char *)warnings->pdata[i]);
  print_problems (problems);
  if (arguments->trust_file != NULL)
    {
      g_free (config->trust_file);
      config->trust_file = g_strdup (arguments->trust_file);
    }
  return config;
}

static CpdStore *
make_store (const CpdArguments *arguments, const CpdConfig *config)
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
    .limits = { .bytes = config->pin_bytes_per_uid, .pins = config->pins_per_uid },
  };

  return cpd_store_new (&settings);
}

/* Looks, beside a service that may be running. `n_problems`: so many have been told already.
 * Returns: the exit status */
static int
check (CpdStore *store, unsigned int n_problems)
{
  g_autoptr (GPtrArray) problems = cpd_store_load (store);

  print_problems (problems);
  n_problems += cpd_faults_count (problems);
  g_print ("%u problem%s\n", n_problems, n_problems == 1 ? "" : "s");
  return n_problems == 0 ? 0 : 1;
}

static int
serve (const CpdArguments *arguments, const CpdConfig *config, CpdStore *store, GError **error)
{
  g_autoptr (CpdChannelFetcher) fetcher = cpd_channel_fetcher_new (store, config);
  g_autoptr (CpdResolver) resolver = cpd_resolver_new ();
  g_autoptr (GDBusConnection) quiet = NULL;
  g_autoptr (CpdLink) link = cpd_arguments_connect (arguments, &quiet, error);
  const CpdBusSettings settings = { .link = link,
                                    .quiet = quiet,
                                    .store = store,
                                    .fetcher = CPD_FETCHER (fetcher),
                                    .config = config,
                                    .asks_polkit = cpd_arguments_want_polkit (arguments),
                                    .replace = arguments->replace };
  int status;

  if (link == NULL)
    return 1;
  g_resolver_set_default (G_RESOLVER (resolver));
  cpd_sleep_watch (quiet, fetcher);
  status = cpd_service_run (&settings, error);
  cpd_channel_fetcher_finish (fetcher);
  return status;
}

/* What must be set before anything else runs. */
static void
set_up_process (void)
{
  const struct rlimit no_core = { 0, 0 };

  setlocale (LC_CTYPE, ""); /* not all categories: we read the messages of libraries ourselves */
  setrlimit (RLIMIT_CORE, &no_core);
#ifdef M_MMAP_THRESHOLD
  mallopt (M_MMAP_THRESHOLD, LARGE_BYTES);
  mallopt (M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
#ifndef __SANITIZE_ADDRESS__ /* whose leak check has to trace the process */
  prctl (PR_SET_DUMPABLE, 0);
#endif
  signal (SIGPIPE, SIG_IGN);
}

int
main (int argc, char **argv)
{
  g_auto (CpdArguments) arguments = { 0 };
  g_autoptr (GPtrArray) problems = cpd_faults_new ();
  g_autoptr (CpdConfig) config = NULL;
  g_autoptr (CpdStore) store = NULL;
  g_autoptr (GError) error = NULL;
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
  config = load_config (&arguments, problems);
  if (problems->len > 0 && !arguments.check)
    return 2;
  store = make_store (&arguments, config);
  if (arguments.check)
    return check (store, cpd_faults_count (problems));
  status = cpd_apart_set_up (&error) ? serve (&arguments, config, store, &error) : 1;
  if (error != NULL)
    g_printerr ("certpind: %s\n", error->message);
  return status;
}
