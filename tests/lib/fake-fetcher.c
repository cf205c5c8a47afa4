/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands where transport/ does. It looks at an order's cancellable as a fetcher must, and at
 * nothing else. */

#include "config.h"

#include "fake-fetcher.h"

struct _FakeFetcher
{
  GObject parent;

  gboolean holds;
  CpdVerdict *verdict;    /* of every answer; refuses where it did not pass */
  CpdOrder *last;         /* NULL: there was none */
  unsigned int orders;    /* so far */
  unsigned int cancelled; /* of them */
  GQueue *held;           /* of GTask, the oldest first */
  GPtrArray *channels;    /* of Channel */
};

/* One that it says there is. */
typedef struct
{
  CpdOwner owner;
  CpdChannelStatus *status;
} Channel;

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  cpd_channel_status_free (channel->status);
  g_free (channel);
}

/* Where an order is kept; belongs to its task. */
typedef struct
{
  CpdVerdict *verdict;
  gulong cancelled_id;
} Held;

static void fake_fetcher_fetcher_init (CpdFetcherInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeFetcher, fake_fetcher, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CPD_TYPE_FETCHER, fake_fetcher_fetcher_init))

static void
held_free (gpointer data)
{
  Held *held = data;

  cpd_verdict_unref (held->verdict);
  g_free (held);
}

/* Returns: (transfer full) */
static CpdResponse *
new_response (void)
{
  CpdResponse *response = g_new0 (CpdResponse, 1);

  response->status = 200;
  response->headers = g_strsplit ("A b A c", " ", -1);
  response->body = g_bytes_new_static ("body", 4);
  response->url = g_strdup ("https://h.example/final");
  response->tls_version = "1.3";
  response->redirects = 1;
  return response;
}

/* `task`: (transfer full) */
static void
end (GTask *task, GError *error)
{
  FakeFetcher *fetcher = g_task_get_source_object (task);
  Held *held = g_task_get_task_data (task);

  g_queue_remove (fetcher->held, task);
  if (held->cancelled_id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), held->cancelled_id);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, new_response (), (GDestroyNotify)cpd_response_free);
  g_object_unref (task);
}

static void
on_cancelled (GTask *task)
{
  FakeFetcher *fetcher = g_task_get_source_object (task);

  fetcher->cancelled++;
  end (task, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED, "cancelled"));
}

static void
fake_fetcher_fetch_async (CpdFetcher *port, CpdOrder *order, gint64 started_us, CpdBudget *bodies,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  FakeFetcher *fetcher = FAKE_FETCHER (port);
  GTask *task = g_task_new (fetcher, cancellable, callback, user_data);
  Held *held = g_new0 (Held, 1);

  g_task_set_source_tag (task, fake_fetcher_fetch_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, held, held_free);
  g_clear_pointer (&fetcher->last, cpd_order_unref);
  fetcher->last = cpd_order_ref (order);
  fetcher->orders++;
  held->verdict = fetcher->verdict != NULL ? cpd_verdict_ref (fetcher->verdict) : NULL;
  g_queue_push_tail (fetcher->held, task);
  if (fetcher->holds)
    held->cancelled_id
        = g_signal_connect_swapped (cancellable, "cancelled", G_CALLBACK (on_cancelled), task);
  else if (held->verdict != NULL && !held->verdict->passed)
    end (task, cpd_verdict_to_error (held->verdict));
  else
    end (task, NULL);
}

static CpdResponse *
fake_fetcher_fetch_finish (CpdFetcher *port, GAsyncResult *result, CpdVerdict **verdict,
                           GError **error)
{
  Held *held = g_task_get_task_data (G_TASK (result));

  *verdict = held->verdict != NULL ? cpd_verdict_ref (held->verdict) : NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GPtrArray *
fake_fetcher_list_channels (CpdFetcher *port, CpdOwner owner)
{
  FakeFetcher *fetcher = FAKE_FETCHER (port);
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_channel_status_free);

  for (unsigned int i = 0; i < fetcher->channels->len; i++)
    {
      const Channel *channel = fetcher->channels->pdata[i];
      const CpdChannelStatus *status = channel->status;
      CpdChannelStatus *copy;

      if (channel->owner != owner)
        continue;
      copy = g_memdup2 (status, sizeof *status);
      copy->target = cpd_host_ref (status->target);
      copy->proxy = g_strdup (status->proxy);
      copy->matched_key
          = status->matched_key != NULL ? certpin_key_ref (status->matched_key) : NULL;
      g_ptr_array_add (list, copy);
    }
  return list;
}

static void
fake_fetcher_fetcher_init (CpdFetcherInterface *iface)
{
  iface->fetch_async = fake_fetcher_fetch_async;
  iface->fetch_finish = fake_fetcher_fetch_finish;
  iface->list_channels = fake_fetcher_list_channels;
}

static void
fake_fetcher_finalize (GObject *object)
{
  FakeFetcher *fetcher = FAKE_FETCHER (object);

  cpd_verdict_unref (fetcher->verdict);
  cpd_order_unref (fetcher->last);
  g_queue_free (fetcher->held);
  g_ptr_array_unref (fetcher->channels);
  G_OBJECT_CLASS (fake_fetcher_parent_class)->finalize (object);
}

static void
fake_fetcher_class_init (FakeFetcherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_fetcher_finalize;
}

static void
fake_fetcher_init (FakeFetcher *fetcher)
{
  fetcher->held = g_queue_new ();
  fetcher->channels = g_ptr_array_new_with_free_func (channel_free);
}

FakeFetcher *
fake_fetcher_new (void)
{
  return g_object_new (FAKE_TYPE_FETCHER, NULL);
}

/* From now on orders are kept. */
void
fake_fetcher_hold (FakeFetcher *fetcher)
{
  fetcher->holds = TRUE;
}

/* Of the orders to come. `verdict`: (nullable) */
void
fake_fetcher_set_verdict (FakeFetcher *fetcher, CpdVerdict *verdict)
{
  cpd_verdict_unref (fetcher->verdict);
  fetcher->verdict = verdict != NULL ? cpd_verdict_ref (verdict) : NULL;
}

/* From now on it says that this uid has this channel. `status`: (transfer full) */
void
fake_fetcher_add_channel (FakeFetcher *fetcher, CpdOwner owner, CpdChannelStatus *status)
{
  Channel *channel = g_new0 (Channel, 1);

  channel->owner = owner;
  channel->status = status;
  g_ptr_array_add (fetcher->channels, channel);
}

unsigned int
fake_fetcher_count_orders (FakeFetcher *fetcher)
{
  return fetcher->orders;
}

unsigned int
fake_fetcher_count_held (FakeFetcher *fetcher)
{
  return fetcher->held->length;
}

unsigned int
fake_fetcher_count_cancelled (FakeFetcher *fetcher)
{
  return fetcher->cancelled;
}

/* Returns: (transfer none) (nullable): the last one */
const CpdOrder *
fake_fetcher_get_order (FakeFetcher *fetcher)
{
  return fetcher->last;
}

/* The oldest that is kept. */
void
fake_fetcher_answer (FakeFetcher *fetcher)
{
  g_assert_false (g_queue_is_empty (fetcher->held));
  end (g_queue_peek_head (fetcher->held), NULL);
}

/* The oldest that is kept. */
void
fake_fetcher_fail (FakeFetcher *fetcher, CertpinError code)
{
  g_assert_false (g_queue_is_empty (fetcher->held));
  end (g_queue_peek_head (fetcher->held),
       g_error_new_literal (CERTPIN_ERROR, (int)code, "told to fail"));
}

/* `pinned`: NULL: nothing is. `offered`: an end entity, whose issuer is its own anchor; NULL: no
 * server was asked.
 * Returns: (transfer full): the verdict, for uid 0 */
CpdVerdict *
fake_verdict_new (const char *host, TestIdentity *pinned, TestIdentity *offered, CpdMode mode)
{
  g_autoptr (CpdHost) target = test_host (host);
  g_autoptr (CpdPolicy) policy = cpd_policy_new (target, 7);
  g_autoptr (CpdAnchors) anchors = cpd_anchors_new_empty ();
  g_autoptr (GPtrArray) ders = offered != NULL ? test_ders (offered, NULL) : NULL;
  g_autoptr (CpdPeer) peer = ders != NULL ? cpd_peer_new (target, ders, /* stapled= */ NULL) : NULL;

  if (pinned != NULL)
    {
      g_autoptr (CpdCertificate) certificate = test_certificate (pinned);
      CpdPin *pin = cpd_pin_new (target, CPD_LAYER_USER);

      cpd_pin_add_key (pin, cpd_certificate_get_key (certificate));
      pin->mode = mode;
      pin->anchors = test_anchors (offered, NULL);
      cpd_policy_take_pin (policy, pin);
    }
  return peer != NULL ? cpd_verdict_of_peer (policy, peer, anchors, TEST_PKI_NOW)
                      : cpd_verdict_of_policy (policy, TEST_PKI_NOW);
}
