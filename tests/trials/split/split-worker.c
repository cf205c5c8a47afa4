/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part that speaks TLS: transport/ over a store that is in memory alone and changes when the
 * owner says so.
 *
 * usage: split-worker TRUST-FILE PINS-DIR..., with its sockets as split-wire.h says */

#include "config.h"

#include "daemon/core/cpd-pin-file.h"
#include "daemon/transport/cpd-soup-fetcher.h"
#include "tests/trials/split/split-verdict.h"
#include "tests/trials/split/split-wire.h"

#include <glib-unix.h>

#include <signal.h>
#include <sys/prctl.h>

/* As in main.c. */
#define TLS_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%COMPAT:%NO_TICKETS"

typedef struct
{
  GMainLoop *loop;
  CpdConfig *config;
  CpdStore *store;
  CpdSoupFetcher *fetcher;
  SplitWire *wire;
  GHashTable *running; /* number → Running */
} Worker;

typedef struct
{
  Worker *worker;
  guint64 number;
  GCancellable *cancellable;
} Running;

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Running *running = user_data;
  g_autoptr (CpdVerdict) verdict = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = cpd_fetcher_fetch_finish (CPD_FETCHER (source), result, &verdict, &error);
  GVariant *outcome;

  if (response != NULL)
    outcome = g_variant_new ("(u@a(ss)@ay@a{sv})", certpin_response_get_status (response),
                             certpin_response_get_headers (response),
                             split_pack_bytes (certpin_response_get_body (response)),
                             certpin_response_get_info (response));
  else
    outcome = g_variant_new ("(is)", error->code, error->message);
  split_wire_send (running->worker->wire, g_variant_new ("(tv@av)", running->number, outcome,
                                                         split_pack_verdict (verdict)));
  g_hash_table_remove (running->worker->running, &running->number);
  g_object_unref (running->cancellable);
  g_free (running);
}

/* Returns: (transfer full) */
static CpdOrder *
unpack_order (Worker *worker, GVariant *message, guint64 *number)
{
  CpdOrder *order = g_new0 (CpdOrder, 1);
  g_autoptr (GVariant) headers = NULL, body = NULL, keys = NULL;
  g_autoptr (GBytes) bytes = NULL;
  const char *method, *url;

  g_variant_get (message, "(tu&s&s@a(ss)@ay@asxxtu)", number, &order->uid, &method, &url, &headers,
                 &body, &keys, &order->started_us, &order->deadline_us, &order->max_body_bytes,
                 &order->max_redirects);
  bytes = g_variant_get_data_as_bytes (body);
  order->request = certpin_request_new (method, url, headers, bytes, NULL);
  order->bodies = cpd_budget_new (worker->config->body_bytes_per_uid);
  order->require_keys = split_unpack_keys (keys);
  return order;
}

static void
on_message (GVariant *message, gpointer user_data)
{
  Worker *worker = user_data;
  g_autoptr (CpdOrder) order = NULL;
  Running *running;
  guint64 number;

  if (message == NULL)
    {
      g_main_loop_quit (worker->loop);
      return;
    }
  if (g_variant_is_of_type (message, G_VARIANT_TYPE_UINT64))
    {
      number = g_variant_get_uint64 (message);
      running = g_hash_table_lookup (worker->running, &number);
      if (running != NULL)
        g_cancellable_cancel (running->cancellable);
      return;
    }
  running = g_new0 (Running, 1);
  order = unpack_order (worker, message, &running->number);
  running->worker = worker;
  running->cancellable = g_cancellable_new ();
  g_hash_table_insert (worker->running, &running->number, running);
  cpd_fetcher_fetch_async (CPD_FETCHER (worker->fetcher), order, running->cancellable, on_fetched,
                           running);
}

static void
on_pin_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, NULL);

  split_send (SPLIT_FD_PINS, g_variant_new_boolean (TRUE));
}

static void
on_reloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  split_send (SPLIT_FD_PINS,
              g_variant_new_boolean (cpd_store_reload_finish (CPD_STORE (source), result, NULL)));
}

/* Returns: (transfer full) (nullable): what the owner says of a host; NULL: nothing */
static CpdPin *
unpack_pin (GVariant *text, CpdLayer layer)
{
  const CpdPinFileContext context = { .layer = layer, .source = "owner" };
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (text);
  g_autoptr (GPtrArray) pins = NULL, hosts = NULL;

  if (g_bytes_get_size (bytes) > 0)
    pins = cpd_pin_file_parse (bytes, &context, &hosts, NULL);
  return pins != NULL ? cpd_pin_ref (pins->pdata[0]) : NULL;
}

/* The store's own “changed” has closed what no longer passes when on_pin_changed is called. */
static gboolean
on_pin (int fd, GIOCondition condition, gpointer user_data)
{
  Worker *worker = user_data;
  g_autoptr (GVariant) message = split_receive (fd), text = NULL;
  g_autoptr (CpdHost) host = NULL;
  g_autoptr (CpdPin) pin = NULL;
  const char *pattern;
  CpdLayer layer;
  guint32 uid;

  if (message == NULL)
    return G_SOURCE_REMOVE;
  g_variant_get (message, "(u&s@ay)", &uid, &pattern, &text);
  layer = uid == CPD_ALL_UIDS ? CPD_LAYER_SYSTEM : CPD_LAYER_USER;
  host = cpd_host_new (pattern, NULL);
  pin = unpack_pin (text, layer);
  if (*pattern == '\0')
    cpd_store_reload_async (worker->store, on_reloaded, worker);
  else if (pin != NULL)
    cpd_store_set_pin_async (worker->store, uid, pin, on_pin_changed, worker);
  else
    cpd_store_remove_pin_async (worker->store, layer, uid, host, on_pin_changed, worker);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  static const char *const no_dirs[] = { NULL };
  g_autoptr (CpdTlsDatabase) refusing = cpd_tls_database_new_refusing ();
  g_autoptr (CpdTrustSource) trust = cpd_trust_source_new (argv[1], no_dirs);
  const CpdStoreSettings settings = { .trust = trust, .pins_dirs = (const char *const *)argv + 2 };
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (CpdJudge) judge = NULL;
  Worker worker = { .loop = g_main_loop_new (NULL, FALSE), .config = cpd_config_new () };

  prctl (PR_SET_DUMPABLE, 0);
  signal (SIGPIPE, SIG_IGN);
  g_setenv ("G_TLS_GNUTLS_PRIORITY", TLS_PRIORITY, TRUE);
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), G_TLS_DATABASE (refusing));
  worker.store = cpd_store_new (&settings);
  problems = cpd_store_load (worker.store);
  judge = cpd_judge_new (worker.store);
  worker.fetcher = cpd_soup_fetcher_new (judge, worker.config);
  worker.running = g_hash_table_new (g_int64_hash, g_int64_equal);
  worker.wire = split_wire_new (SPLIT_FD_ORDERS, on_message, &worker);
  g_unix_fd_add (SPLIT_FD_PINS, G_IO_IN, on_pin, &worker);
  g_main_loop_run (worker.loop);
  return 0;
}
