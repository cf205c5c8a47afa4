/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The owner's side of the port. An order goes to the worker with a number, its answer comes back
 * with it. A change of pins is in force in the worker before whoever asked for it hears of it: the
 * store says “changed” before it replies, and this waits there. A worker that does not say so is
 * not to be trusted with old pins, so the trial ends with it; a real one would end the worker. */

#include "config.h"

#include "split-fetcher.h"

#include "daemon/core/cpd-pin-file.h"

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
new_body (GBytes *body)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE);
}

static GVariant *
pack_order (guint64 number, const CpdOrder *order)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (order->request));
  GVariantBuilder keys;

  g_variant_builder_init (&keys, G_VARIANT_TYPE ("as"));
  for (unsigned int i = 0; order->require_keys != NULL && i < order->require_keys->len; i++)
    {
      g_autofree char *key = certpin_key_to_text (order->require_keys->pdata[i]);
      g_variant_builder_add (&keys, "s", key);
    }
  return g_variant_new (
      "(tuss@a(ss)@ayasxxtu)", number, order->uid, certpin_request_get_method (order->request), url,
      certpin_request_get_headers (order->request),
      new_body (certpin_request_get_body (order->request)), &keys, order->started_us,
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

/* What the worker says of the server, as far as a reply needs it. */
static CpdVerdict *
unpack_verdict (SplitFetcher *fetcher, const CpdOrder *order, GVariant *evidence)
{
  GUri *uri = certpin_request_get_uri (order->request);
  int port = g_uri_get_port (uri);
  CpdVerdict *verdict = g_atomic_rc_box_new0 (CpdVerdict);
  g_autoptr (GVariantIter) keys = NULL;
  const char *matched, *key;

  g_variant_get (evidence, "(&suas)", &matched, &verdict->matched_position, &keys);
  verdict->passed = TRUE;
  verdict->target
      = cpd_host_new_target (g_uri_get_host (uri), port > 0 ? (guint16)port : 443, NULL);
  verdict->policy = cpd_store_get_policy (fetcher->store, order->uid, verdict->target);
  verdict->matched_key = certpin_key_new_from_text (matched, NULL);
  verdict->path_keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  while (g_variant_iter_next (keys, "&s", &key))
    g_ptr_array_add (verdict->path_keys, certpin_key_new_from_text (key, NULL));
  return verdict;
}

static void
return_answer (SplitFetcher *fetcher, GTask *task, GVariant *answer)
{
  Waiting *waiting = g_task_get_task_data (task);
  g_autoptr (GVariant) headers = NULL, body = NULL, info = NULL, evidence = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint32 status;

  g_variant_get (answer, "(u@a(ss)@ay@a{sv}@(suas))", &status, &headers, &body, &info, &evidence);
  bytes = g_variant_get_data_as_bytes (body);
  waiting->verdict = unpack_verdict (fetcher, waiting->order, evidence);
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
  g_autoptr (GVariant) outcome = NULL;
  g_autoptr (GTask) task = NULL;
  Waiting *waiting;
  guint64 number;

  if (message == NULL)
    g_error ("the worker is gone");
  g_variant_get (message, "(tv)", &number, &outcome);
  task = g_hash_table_lookup (fetcher->waiting, &number);
  waiting = g_task_get_task_data (task);
  g_hash_table_remove (fetcher->waiting, &number);
  if (waiting->cancelled_id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), waiting->cancelled_id);
  if (g_variant_is_of_type (outcome, G_VARIANT_TYPE ("(is)")))
    return_failure (task, outcome);
  else
    return_answer (fetcher, task, outcome);
}

/* The trial carries the pins that are set while it runs, and no files. */
static void
on_changed (SplitFetcher *fetcher, unsigned int uid, CpdHost *pattern)
{
  CpdLayer layer = uid == CPD_ALL_UIDS ? CPD_LAYER_SYSTEM : CPD_LAYER_USER;
  g_autoptr (GVariant) done = NULL;
  g_autoptr (GBytes) text = NULL;
  CpdPin *pin;

  if (pattern == NULL)
    return;
  pin = cpd_store_get_pin (fetcher->store, layer, uid, pattern);
  text = pin != NULL ? cpd_pin_file_print (pin, NULL) : g_bytes_new (NULL, 0);
  if (split_send (fetcher->pins_fd,
                  g_variant_new ("(us@ay)", uid, cpd_host_get_text (pattern), new_body (text))))
    done = split_receive (fetcher->pins_fd);
  if (done == NULL)
    g_error ("the worker did not take a pin over");
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
