/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The owner's side of the port. An order goes to the worker with a number, its answer comes back
 * with it. A change of pins is in force in the worker before whoever asked for it hears of it: the
 * store says “changed” before it replies, and this waits there. A worker that does not say so is
 * not to be trusted with old pins, so the trial ends with it; a real one would end the worker. */

#include "config.h"

#include "split-fetcher.h"

#include "daemon/core/cpd-pin-file.h"
#include "tests/trials/split/split-verdict.h"

struct _SplitFetcher
{
  GObject parent;

  CpdStore *store;
  SplitWire *wire;
  int pins_fd;
  guint64 last;        /* number that was given */
  GHashTable *waiting; /* number → GTask */
};

/* One order; belongs to its task. */
typedef struct
{
  guint64 number;
  CpdOrder *order;
  CpdVerdict *verdict;
  gulong cancelled_id;
} Waiting;

static void split_fetcher_fetcher_init (CpdFetcherInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SplitFetcher, split_fetcher, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CPD_TYPE_FETCHER, split_fetcher_fetcher_init))

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  cpd_order_free (waiting->order);
  cpd_verdict_unref (waiting->verdict);
  g_free (waiting);
}

static GVariant *
pack_order (guint64 number, const CpdOrder *order)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (order->request));

  return g_variant_new ("(tuss@a(ss)@ay@asxxtu)", number, order->uid,
                        certpin_request_get_method (order->request), url,
                        certpin_request_get_headers (order->request),
                        split_pack_bytes (certpin_request_get_body (order->request)),
                        split_pack_keys (order->require_keys), order->started_us,
                        order->deadline_us, order->max_body_bytes, order->max_redirects);
}

static void
on_cancelled (GTask *task)
{
  SplitFetcher *fetcher = g_task_get_source_object (task);
  Waiting *waiting = g_task_get_task_data (task);

  split_wire_send (fetcher->wire, g_variant_new_uint64 (waiting->number));
}

static void
split_fetcher_fetch_async (CpdFetcher *port, const CpdOrder *order, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  SplitFetcher *fetcher = SPLIT_FETCHER (port);
  GTask *task = g_task_new (fetcher, cancellable, callback, user_data);
  Waiting *waiting = g_new0 (Waiting, 1);

  g_task_set_source_tag (task, split_fetcher_fetch_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, waiting, waiting_free);
  waiting->number = ++fetcher->last;
  waiting->order = cpd_order_copy (order);
  g_hash_table_insert (fetcher->waiting, &waiting->number, task);
  split_wire_send (fetcher->wire, pack_order (waiting->number, order));
  if (cancellable != NULL)
    waiting->cancelled_id
        = g_signal_connect_swapped (cancellable, "cancelled", G_CALLBACK (on_cancelled), task);
}

static void
return_answer (GTask *task, GVariant *answer)
{
  g_autoptr (GVariant) headers = NULL, body = NULL, info = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint32 status;

  g_variant_get (answer, "(u@a(ss)@ay@a{sv})", &status, &headers, &body, &info);
  bytes = g_variant_get_data_as_bytes (body);
  g_task_return_pointer (task, certpin_response_new (status, headers, bytes, info),
                         (GDestroyNotify)certpin_response_unref);
}

static void
return_failure (GTask *task, GVariant *failure)
{
  const char *message;
  gint32 code;

  g_variant_get (failure, "(i&s)", &code, &message);
  g_task_return_new_error (task, CERTPIN_ERROR, code, "%s", message);
}

static void
on_message (GVariant *message, gpointer user_data)
{
  SplitFetcher *fetcher = user_data;
  g_autoptr (GVariant) outcome = NULL, verdict = NULL;
  g_autoptr (GTask) task = NULL;
  Waiting *waiting;
  guint64 number;

  if (message == NULL)
    g_error ("the worker is gone");
  g_variant_get (message, "(tv@av)", &number, &outcome, &verdict);
  task = g_hash_table_lookup (fetcher->waiting, &number);
  waiting = g_task_get_task_data (task);
  g_hash_table_remove (fetcher->waiting, &number);
  waiting->verdict = split_unpack_verdict (verdict, fetcher->store, waiting->order->uid,
                                           waiting->order->require_keys);
  if (waiting->cancelled_id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), waiting->cancelled_id);
  if (g_variant_is_of_type (outcome, G_VARIANT_TYPE ("(is)")))
    return_failure (task, outcome);
  else
    return_answer (task, outcome);
}

/* `pattern`: NULL: the worker reads files and anchors anew. `pin`: NULL: there is none any more */
static void
send_pin (SplitFetcher *fetcher, guint32 uid, CpdHost *pattern, CpdPin *pin)
{
  const char *host = pattern != NULL ? cpd_host_get_text (pattern) : "";
  g_autoptr (GBytes) text = pin != NULL ? cpd_pin_file_print (pin, NULL) : g_bytes_new (NULL, 0);
  g_autoptr (GVariant) done = NULL;

  if (split_send (fetcher->pins_fd, g_variant_new ("(us@ay)", uid, host, split_pack_bytes (text))))
    done = split_receive (fetcher->pins_fd);
  if (done == NULL)
    g_error ("the worker did not take a pin over");
}

static void
on_changed (SplitFetcher *fetcher, unsigned int uid, CpdHost *pattern)
{
  CpdLayer layer = uid == CPD_ALL_UIDS ? CPD_LAYER_SYSTEM : CPD_LAYER_USER;

  send_pin (fetcher, uid, pattern,
            pattern != NULL ? cpd_store_get_pin (fetcher->store, layer, uid, pattern) : NULL);
}

/* What was on disk. `uid`: CPD_ALL_UIDS: the system's */
void
split_fetcher_send_pins (SplitFetcher *fetcher, guint32 uid)
{
  CpdLayer layer = uid == CPD_ALL_UIDS ? CPD_LAYER_SYSTEM : CPD_LAYER_USER;
  g_autoptr (GPtrArray) pins = cpd_store_list_pins (fetcher->store, layer, uid);

  for (unsigned int i = 0; i < pins->len; i++)
    send_pin (fetcher, uid, ((CpdPin *)pins->pdata[i])->host, pins->pdata[i]);
}

static CertpinResponse *
split_fetcher_fetch_finish (CpdFetcher *port, GAsyncResult *result, CpdVerdict **verdict,
                            GError **error)
{
  Waiting *waiting = g_task_get_task_data (G_TASK (result));

  *verdict = waiting->verdict != NULL ? cpd_verdict_ref (waiting->verdict) : NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
split_fetcher_fetcher_init (CpdFetcherInterface *iface)
{
  iface->fetch_async = split_fetcher_fetch_async;
  iface->fetch_finish = split_fetcher_fetch_finish;
}

static void
split_fetcher_finalize (GObject *object)
{
  SplitFetcher *fetcher = SPLIT_FETCHER (object);

  g_hash_table_unref (fetcher->waiting);
  g_object_unref (fetcher->store);
  G_OBJECT_CLASS (split_fetcher_parent_class)->finalize (object);
}

static void
split_fetcher_class_init (SplitFetcherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = split_fetcher_finalize;
}

static void
split_fetcher_init (SplitFetcher *fetcher)
{
  fetcher->waiting = g_hash_table_new (g_int64_hash, g_int64_equal);
}

SplitFetcher *
split_fetcher_new (CpdStore *store, int orders_fd, int pins_fd)
{
  SplitFetcher *fetcher = g_object_new (SPLIT_TYPE_FETCHER, NULL);

  fetcher->store = g_object_ref (store);
  fetcher->wire = split_wire_new (orders_fd, on_message, fetcher);
  fetcher->pins_fd = pins_fd;
  g_signal_connect_object (store, "changed", G_CALLBACK (on_changed), fetcher, G_CONNECT_SWAPPED);
  return fetcher;
}
