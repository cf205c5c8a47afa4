/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The channels and tunnels of all callers: finds channels by owner, host, port and proxy; drops
 * them when they have been idle for long; and checks the affected ones again when a pin or the
 * anchors change. */

#include "config.h"

#include "daemon/transport/cpd-channels.h"

#include "daemon/core/base/cpd-clock.h"
#include "daemon/transport/cpd-network.h"
#include "daemon/transport/cpd-tunnels.h"

/* Each may have several connections, which stay open while it is idle. */
#define CHANNELS_PER_UID 64

/* How much processor time one change of pins may take to check idle connections on the main loop,
 * and busy ones. */
#define IDLE_US 3000
#define BUSY_US 50000

/* How long one turn of the main loop may go on cutting connections, or judging them again. */
#define TURN_US 2000

struct _CpdChannels
{
  GObject parent;

  CpdStore *store;
  unsigned int max_connections;
  unsigned int idle_s;
  unsigned int stream_idle_s;
  GHashTable *table;  /* "OWNER HOST:PORT PROXY" → Entry */
  GHashTable *gates;  /* CpdOwner, a user or an app → CpdGate */
  GHashTable *counts; /* CpdOwner → how many channels it has had */
  CpdReading *reading;
  CpdAddressRules *rules;
  CpdNetwork *network;
  GQueue *left;          /* of CpdConnection: those on networks that changed, to be cut */
  unsigned int cut_some; /* a source that does so; 0: there are none */
  GQueue *busy;          /* of CpdChannel: those to be judged again in this second */
  unsigned int clock;    /* a source that fills it each second; 0: no channel is busy */
  unsigned int judge_some;
  CpdWorkers *workers;
  CpdTunnels *tunnels;
};

G_DEFINE_FINAL_TYPE (CpdChannels, cpd_channels, G_TYPE_OBJECT)

/* One channel in the table. */
typedef struct
{
  CpdChannels *channels; /* whose table it is in */
  CpdChannel *channel;
  char *key;
  unsigned int idle_timer; /* 0: it is busy */
  gint64 idle_since_us;    /* monotonic */
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_handle_id (&entry->idle_timer, g_source_remove);
  g_signal_handlers_disconnect_by_data (entry->channel, entry);
  g_object_unref (entry->channel);
  g_free (entry->key);
  g_free (entry);
}

static void
cpd_channels_dispose (GObject *object)
{
  CpdChannels *channels = CPD_CHANNELS (object);

  g_clear_pointer (&channels->tunnels, cpd_tunnels_free);
  g_clear_pointer (&channels->table, g_hash_table_unref);
  g_clear_pointer (&channels->gates, g_hash_table_unref);
  g_clear_pointer (&channels->counts, g_hash_table_unref);
  g_clear_pointer (&channels->reading, cpd_reading_unref);
  g_clear_pointer (&channels->rules, cpd_address_rules_unref);
  g_clear_pointer (&channels->workers, cpd_workers_unref);
  g_clear_object (&channels->store);
  g_clear_object (&channels->network);
  g_clear_handle_id (&channels->cut_some, g_source_remove);
  g_clear_handle_id (&channels->clock, g_source_remove);
  g_clear_handle_id (&channels->judge_some, g_source_remove);
  if (channels->busy != NULL)
    g_queue_free_full (g_steal_pointer (&channels->busy), g_object_unref);
  if (channels->left != NULL)
    g_queue_free_full (g_steal_pointer (&channels->left), (GDestroyNotify)cpd_connection_free);
  G_OBJECT_CLASS (cpd_channels_parent_class)->dispose (object);
}

static void
cpd_channels_class_init (CpdChannelsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_channels_dispose;
}

static void
cpd_channels_init (CpdChannels *channels)
{
  channels->reading = cpd_reading_new ();
  channels->left = g_queue_new ();
  channels->busy = g_queue_new ();
  channels->tunnels = cpd_tunnels_new ();
  channels->gates = cpd_owner_table_new (g_object_unref);
  channels->counts = cpd_owner_table_new (NULL);
  channels->table = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
}

/* Busy channels come first. `pattern`: NULL: whatever the host. Returns: (transfer full) */
static GQueue *
list_concerned (CpdChannels *channels, CpdOwner owner, CpdHost *pattern)
{
  GQueue *concerned = g_queue_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, channels->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      CpdChannel *channel = ((Entry *)value)->channel;

      if (!cpd_owner_is_within (cpd_channel_get_owner (channel), owner)
          || (pattern != NULL && !cpd_host_matches (pattern, cpd_channel_get_target (channel))))
        continue;
      if (cpd_channel_is_busy (channel))
        g_queue_push_head (concerned, g_object_ref (channel));
      else
        g_queue_push_tail (concerned, g_object_ref (channel));
    }
  return concerned;
}

/* A connection stays open only if it passes again, or has to be validated first, which is not done
 * here. To say why one is refused can take long where its server's chain is large. Once the time
 * for one change is used up, the remaining connections are closed unchecked: idle ones, which cost
 * only a new handshake, long before busy ones. What others do on this machine must not cut any. */
static void
on_changed (CpdChannels *channels, CpdOwner owner, CpdHost *pattern)
{
  GQueue *concerned = list_concerned (channels, owner, pattern);
  gint64 began_us = cpd_clock_work_us ();
  CpdChannel *channel;

  cpd_tunnels_reconsider (channels->tunnels, owner, pattern);
  while ((channel = g_queue_pop_head (concerned)) != NULL)
    {
      gint64 took_us = cpd_clock_work_us () - began_us;

      if (took_us > (cpd_channel_is_busy (channel) ? BUSY_US : IDLE_US))
        cpd_channel_close (channel);
      else
        cpd_channel_reconsider (channel);
      g_object_unref (channel);
    }
  g_queue_free (concerned);
}

static gboolean
judge_some (gpointer user_data)
{
  CpdChannels *channels = user_data;
  gint64 began_us = g_get_monotonic_time ();
  CpdChannel *channel;

  while ((channel = g_queue_pop_head (channels->busy)) != NULL)
    {
      cpd_channel_check_time (channel);
      g_object_unref (channel);
      if (g_get_monotonic_time () - began_us > TURN_US)
        return G_SOURCE_CONTINUE;
    }
  channels->judge_some = 0;
  return G_SOURCE_REMOVE;
}

/* What is under way may take longer than a pin, or a certificate, is valid: each second, all of it
 * is judged again, as tunnels do by themselves. */
static gboolean
on_second (gpointer user_data)
{
  CpdChannels *channels = user_data;
  GHashTableIter iter;
  gpointer value;
  gboolean busy = FALSE;

  g_hash_table_iter_init (&iter, channels->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (cpd_channel_is_busy (((Entry *)value)->channel))
      {
        busy = TRUE;
        if (channels->judge_some == 0)
          g_queue_push_tail (channels->busy, g_object_ref (((Entry *)value)->channel));
      }
  if (channels->judge_some == 0 && busy)
    channels->judge_some = g_idle_add_full (G_PRIORITY_DEFAULT, judge_some, channels, NULL);
  if (!busy)
    channels->clock = 0;
  return busy;
}

static gboolean
cut_some (gpointer user_data)
{
  CpdChannels *channels = user_data;
  gint64 began_us = g_get_monotonic_time ();
  CpdConnection *connection;

  while ((connection = g_queue_pop_head (channels->left)) != NULL)
    {
      cpd_connection_free (connection);
      if (g_get_monotonic_time () - began_us > TURN_US)
        return G_SOURCE_CONTINUE;
    }
  channels->cut_some = 0;
  return G_SOURCE_REMOVE;
}

static void
on_network_changed (CpdChannels *channels, gboolean lost)
{
  GQueue *all = list_concerned (channels, CPD_ALL_UIDS, /* pattern= */ NULL);

  for (GList *link = all->head; link != NULL; link = link->next)
    cpd_channel_leave_idle (link->data, channels->left);
  if (channels->cut_some == 0 && !g_queue_is_empty (channels->left))
    channels->cut_some = g_idle_add_full (G_PRIORITY_DEFAULT, cut_some, channels, NULL);
  for (GList *link = all->head; lost && link != NULL; link = link->next)
    cpd_channel_check_network (link->data);
  if (lost)
    cpd_tunnels_check_network (channels->tunnels);
  g_queue_free_full (all, g_object_unref);
}

/* The machine may have been elsewhere, or away for long. */
void
cpd_channels_leave_networks (CpdChannels *channels)
{
  on_network_changed (channels, /* lost= */ TRUE);
}

/* Its tunnels end, and nobody can use its idle channels any more. */
static void
on_forgotten (CpdChannels *channels, CpdOwner owner)
{
  GHashTableIter iter;
  gpointer value;

  on_changed (channels, owner, /* pattern= */ NULL);
  g_hash_table_remove (channels->counts, &owner);
  g_hash_table_remove (channels->gates, &owner);
  g_hash_table_iter_init (&iter, channels->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (cpd_channel_get_owner (((Entry *)value)->channel) == owner
        && !cpd_channel_is_busy (((Entry *)value)->channel))
      g_hash_table_iter_remove (&iter);
}

/* `workers`: for what servers may make long */
CpdChannels *
cpd_channels_new (CpdStore *store, const CpdConfig *config, CpdWorkers *workers)
{
  CpdChannels *channels = g_object_new (CPD_TYPE_CHANNELS, NULL);

  channels->store = g_object_ref (store);
  channels->workers = cpd_workers_ref (workers);
  channels->max_connections = (unsigned int)config->connections_per_channel;
  channels->idle_s = (unsigned int)config->channel_idle_s;
  channels->rules = cpd_address_rules_ref (config->address_rules);
  channels->stream_idle_s = (unsigned int)config->stream_idle_s;
  g_signal_connect_object (store, "changed", G_CALLBACK (on_changed), channels, G_CONNECT_SWAPPED);
  g_signal_connect_object (store, "forgotten", G_CALLBACK (on_forgotten), channels,
                           G_CONNECT_SWAPPED);
  channels->network = cpd_network_new ();
  g_signal_connect_object (channels->network, "changed", G_CALLBACK (on_network_changed), channels,
                           G_CONNECT_SWAPPED);
  return channels;
}

static void
remove_entry (Entry *entry)
{
  g_hash_table_remove (entry->channels->table, entry->key);
}

static gboolean
on_idle_for_long (gpointer user_data)
{
  Entry *entry = user_data;

  entry->idle_timer = 0;
  if (!cpd_channel_is_busy (entry->channel))
    remove_entry (entry);
  return G_SOURCE_REMOVE;
}

static void
on_idle (Entry *entry)
{
  g_clear_handle_id (&entry->idle_timer, g_source_remove);
  entry->idle_since_us = g_get_monotonic_time ();
  entry->idle_timer = g_timeout_add_seconds (entry->channels->idle_s, on_idle_for_long, entry);
}

static CpdGate *
get_gate_of_user (CpdChannels *channels, CpdOwner user)
{
  CpdGate *gate = cpd_owner_table_get (channels->gates, user);

  if (gate == NULL)
    {
      gate = cpd_gate_new ();
      cpd_owner_table_set (channels->gates, user, gate);
    }
  return gate;
}

/* A connection has that of whose it is. */
static CpdGate *
get_gate (CpdChannels *channels, CpdOwner owner)
{
  CpdOwner party = cpd_apps_get_parent (cpd_store_get_apps (channels->store), owner);
  CpdGate *of_user = get_gate_of_user (channels, cpd_owner_get_user (owner));
  CpdGate *gate = cpd_owner_is_app (party) ? cpd_owner_table_get (channels->gates, party) : of_user;

  if (gate == NULL)
    {
      gate = cpd_gate_new_of_app (of_user);
      cpd_owner_table_set (channels->gates, party, gate);
    }
  return gate;
}

/* Makes room for one more channel of a user: drops the one that has been idle for longest. The
 * limit on running requests bounds the busy ones. */
static void
make_room (CpdChannels *channels, guint32 uid)
{
  Entry *oldest = NULL;
  unsigned int count = 0;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, channels->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Entry *entry = value;

      if (cpd_owner_get_uid (cpd_channel_get_owner (entry->channel)) != uid)
        continue;
      count++;
      if (!cpd_channel_is_busy (entry->channel)
          && (oldest == NULL || entry->idle_since_us < oldest->idle_since_us))
        oldest = entry;
    }
  if (count >= CHANNELS_PER_UID && oldest != NULL)
    remove_entry (oldest);
}

/* The channels of each owner are counted on their own: their numbers tell nobody of others. */
static guint64
take_number (CpdChannels *channels, CpdOwner owner)
{
  gsize count = GPOINTER_TO_SIZE (cpd_owner_table_get (channels->counts, owner));

  cpd_owner_table_set (channels->counts, owner, GSIZE_TO_POINTER (count + 1));
  return count + 1;
}

/* `proxy`: (nullable).
 * Returns: (transfer full): the channel to a host for an owner; a new one if there is none */
CpdChannel *
cpd_channels_get (CpdChannels *channels, CpdOwner owner, CpdHost *target, CpdProxy *proxy)
{
  g_autofree char *key = g_strdup_printf ("%" G_GUINT64_FORMAT " %s %s", owner,
                                          cpd_host_get_text (target), cpd_proxy_get_text (proxy));
  Entry *entry = g_hash_table_lookup (channels->table, key);
  CpdChannelSettings settings = {
    .store = channels->store,
    .workers = channels->workers,
    .gate = get_gate (channels, owner),
    .reading = channels->reading,
    .rules = channels->rules,
    .target = target,
    .proxy = proxy,
    .owner = owner,
    .max_connections = channels->max_connections,
    .idle_s = channels->idle_s,
    .stream_idle_s = channels->stream_idle_s,
  };

  if (entry == NULL)
    {
      make_room (channels, cpd_owner_get_uid (owner));
      entry = g_new0 (Entry, 1);
      entry->channels = channels;
      settings.number = take_number (channels, owner);
      entry->channel = cpd_channel_new (&settings);
      entry->key = g_steal_pointer (&key);
      g_signal_connect_swapped (entry->channel, "closed", G_CALLBACK (remove_entry), entry);
      g_signal_connect_swapped (entry->channel, "idle", G_CALLBACK (on_idle), entry);
      g_hash_table_insert (channels->table, entry->key, entry);
    }
  if (channels->clock == 0)
    channels->clock = g_timeout_add_seconds (1, on_second, channels);
  return g_object_ref (entry->channel);
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const CpdChannelStatus *first = *(CpdChannelStatus *const *)a;
  const CpdChannelStatus *second = *(CpdChannelStatus *const *)b;

  return (first->number > second->number) - (first->number < second->number);
}

/* Returns: (transfer full): of CpdChannelStatus: an owner's, in the order of their numbers */
GPtrArray *
cpd_channels_list (CpdChannels *channels, CpdOwner owner)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_channel_status_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, channels->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (cpd_channel_get_owner (((Entry *)value)->channel) == owner)
      g_ptr_array_add (list, cpd_channel_get_status (((Entry *)value)->channel));
  g_ptr_array_sort (list, compare_numbers);
  return list;
}

/* It shares no connection, but takes turns with the channels of its uid. `proxy`: (nullable).
 * Returns: (transfer full): one that is to be started */
CpdTunnel *
cpd_channels_open_tunnel (CpdChannels *channels, CpdTunnelOrder *order, CpdProxy *proxy,
                          gint64 started_us)
{
  const CpdTunnelSettings settings = {
    .store = channels->store,
    .workers = channels->workers,
    .gate = get_gate (channels, order->owner),
    .reading = channels->reading,
    .rules = channels->rules,
    .order = order,
    .proxy = proxy,
    .started_us = started_us,
  };

  return cpd_tunnels_add (channels->tunnels, &settings);
}

/* Likewise: it shares no connection, and leaves none. Ends in cpd_inspect_finish (). `proxy`:
 * (nullable) */
void
cpd_channels_inspect_async (CpdChannels *channels, CpdInspectOrder *order, CpdProxy *proxy,
                            gint64 started_us, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  const CpdInspectSettings settings = {
    .order = order,
    .proxy = proxy,
    .started_us = started_us,
    .store = channels->store,
    .workers = channels->workers,
    .gate = get_gate (channels, order->owner),
    .rules = channels->rules,
  };

  cpd_inspect_async (&settings, cancellable, callback, user_data);
}
