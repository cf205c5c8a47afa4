/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends signals to the connections that have subscribed: to each separately, because a broadcast
 * would reach everybody. Events within a short time are combined, and sent a few messages at a
 * time, in turn by uid, so that neither many changes nor many subscribers block the main loop. A
 * connection that does not read learns, when it reads again, that it missed signals. */

#include "config.h"

#include "daemon/bus/cpd-subscribers.h"

#include "daemon/core/base/cpd-alarm.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-round.h"
#include "dbus/certpin-names.h"

#define TOGETHER_US     (100 * G_TIME_SPAN_MILLISECOND)
#define NEWS_MAX        64 /* in one interval; with more, all subscribers missed some */
#define MESSAGES_A_TURN 16
#define REST_US         (16 * G_TIME_SPAN_MILLISECOND) /* after each turn */
#define PER_UID_MAX     512

/* One connection. */
typedef struct
{
  CpdCaller *caller;
  gboolean missed; /* and has yet to be told */
} Subscriber;

/* The subscribers of one owner, and their events. */
typedef struct
{
  CpdOwner owner;
  GPtrArray *subscribers;              /* of Subscriber */
  GPtrArray *news;                     /* of Item: of this moment */
  gboolean too_much, telling_too_much; /* in this interval; in the one that is being sent */
  gint64 next_us;                      /* monotonic: when the next round may begin */
  GPtrArray *telling;                  /* of Item: the current round; NULL: none */
  unsigned int subscriber, item; /* where the round is; subscribers from the last to the first */
} Audience;

typedef struct
{
  char *key;
  const char *signal;
  GVariant *arguments;
  char *object;      /* NULL: none */
  GVariant *changes; /* NULL: none */
} Item;

struct _CpdSubscribers
{
  CpdDelivery *delivery;
  GHashTable *audiences; /* CpdOwner → Audience */
  CpdRound round; /* of Audience: those in a round; a user's and those of the user's apps have
                            one turn in it together */
  CpdAlarm *alarm;
  gint64 rests_until; /* monotonic */
};

static void
item_clear (Item *item)
{
  g_clear_pointer (&item->arguments, g_variant_unref);
  g_clear_pointer (&item->changes, g_variant_unref);
  g_clear_pointer (&item->object, g_free);
}

static void
item_free (gpointer data)
{
  Item *item = data;

  item_clear (item);
  g_free (item->key);
  g_free (item);
}

static void
subscriber_free (gpointer data)
{
  Subscriber *subscriber = data;

  cpd_caller_unref (subscriber->caller);
  g_free (subscriber);
}

static void
audience_free (gpointer data)
{
  Audience *audience = data;

  g_ptr_array_unref (audience->subscribers);
  g_ptr_array_unref (audience->news);
  g_clear_pointer (&audience->telling, g_ptr_array_unref);
  g_free (audience);
}

/* PinChanged with an empty host. */
static GVariant *
new_missed (void)
{
  g_auto (GVariantDict) details = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&details, "state", "s", "missed");
  g_variant_dict_insert (&details, "change", "s", "missed");
  return g_variant_new ("(s@a{sv})", "", g_variant_dict_end (&details));
}

/* A signal of the Pins interface. Returns: FALSE: there is no room, so it was dropped */
static gboolean
tell (CpdSubscribers *subscribers, Subscriber *subscriber, const char *name, GVariant *arguments)
{
  const CpdSignal signal = { CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, name, arguments };

  return cpd_delivery_signal (subscribers->delivery, subscriber->caller, &signal);
}

static void
tell_missed (CpdSubscribers *subscribers, Subscriber *subscriber)
{
  subscriber->missed = !tell (subscribers, subscriber, "PinChanged", new_missed ());
}

static gboolean
tell_changes (CpdSubscribers *subscribers, Subscriber *subscriber, const Item *item)
{
  const CpdSignal signal
      = { item->object, "org.freedesktop.DBus.Properties", "PropertiesChanged", item->changes };

  return item->object == NULL
         || cpd_delivery_signal (subscribers->delivery, subscriber->caller, &signal);
}

/* Tells one subscriber one thing. Returns: how many messages that takes */
static unsigned int
tell_item (CpdSubscribers *subscribers, Subscriber *subscriber, const Item *item)
{
  if (!subscriber->missed)
    subscriber->missed = !tell_changes (subscribers, subscriber, item)
                         || !tell (subscribers, subscriber, item->signal, item->arguments);
  return item->object != NULL ? 2 : 1;
}

static void
wait_for_turn (CpdSubscribers *subscribers, Audience *audience, gint64 now_us)
{
  CpdRoundUser *user
      = cpd_round_get_user (&subscribers->round, cpd_owner_get_uid (audience->owner), now_us);

  cpd_round_add (&subscribers->round, user, audience);
}

static void
begin_round (CpdSubscribers *subscribers, Audience *audience, gint64 now_us)
{
  audience->telling = audience->news;
  audience->telling_too_much = audience->too_much;
  audience->too_much = FALSE;
  audience->news = g_ptr_array_new_with_free_func (item_free);
  audience->subscriber = audience->subscribers->len;
  audience->item = 0;
  audience->next_us = now_us + TOGETHER_US;
  wait_for_turn (subscribers, audience, now_us);
}

/* Returns: whether the round has more to send */
static gboolean
continue_round (CpdSubscribers *subscribers, Audience *audience)
{
  unsigned int sent = 0;

  while (audience->subscriber > 0 && sent < MESSAGES_A_TURN)
    {
      Subscriber *subscriber = audience->subscribers->pdata[audience->subscriber - 1];

      if (audience->item < audience->telling->len)
        {
          sent += tell_item (subscribers, subscriber, audience->telling->pdata[audience->item++]);
          continue;
        }
      if (audience->telling_too_much)
        tell_missed (subscribers, subscriber);
      audience->item = 0;
      audience->subscriber--;
      sent++;
    }
  return audience->subscriber > 0;
}

static void
end_round (CpdSubscribers *subscribers, Audience *audience)
{
  g_clear_pointer (&audience->telling, g_ptr_array_unref);
  if (audience->subscribers->len == 0)
    g_hash_table_remove (subscribers->audiences, &audience->owner);
}

static gboolean
has_news (const Audience *audience)
{
  return audience->telling == NULL && (audience->news->len > 0 || audience->too_much);
}

/* Begins the rounds whose time has come. */
static void
begin_rounds (CpdSubscribers *subscribers, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, subscribers->audiences);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Audience *audience = value;

      if (!has_news (audience))
        continue;
      if (audience->next_us <= now_us)
        begin_round (subscribers, audience, now_us);
      else
        cpd_alarm_set (subscribers->alarm, audience->next_us);
    }
}

/* A few messages of the audience whose turn it is, if there is one. */
static void
tell_some (CpdSubscribers *subscribers, gint64 now_us)
{
  CpdRoundUser *user;
  Audience *audience = cpd_round_take (&subscribers->round, now_us, &user);

  if (audience == NULL)
    return;
  if (continue_round (subscribers, audience))
    wait_for_turn (subscribers, audience, now_us);
  else
    end_round (subscribers, audience);
  subscribers->rests_until = now_us + REST_US;
  cpd_alarm_set (subscribers->alarm, subscribers->rests_until);
}

static void
take_turn (gpointer user_data)
{
  CpdSubscribers *subscribers = user_data;
  gint64 now_us = g_get_monotonic_time ();

  begin_rounds (subscribers, now_us);
  if (subscribers->rests_until <= now_us)
    tell_some (subscribers, now_us);
  else if (!g_queue_is_empty (&subscribers->round.queue))
    cpd_alarm_set (subscribers->alarm, subscribers->rests_until);
}

CpdSubscribers *
cpd_subscribers_new (CpdDelivery *delivery)
{
  CpdSubscribers *subscribers = g_new0 (CpdSubscribers, 1);

  subscribers->delivery = delivery;
  cpd_round_init (&subscribers->round);
  subscribers->audiences = cpd_owner_table_new (audience_free);
  subscribers->alarm = cpd_alarm_new ("signals", take_turn, subscribers);
  return subscribers;
}

void
cpd_subscribers_free (CpdSubscribers *subscribers)
{
  if (subscribers == NULL)
    return;
  cpd_alarm_free (subscribers->alarm);
  cpd_round_clear (&subscribers->round, /* free_item= */ NULL);
  g_hash_table_unref (subscribers->audiences);
  g_free (subscribers);
}

/* Returns: (transfer none) (nullable) */
static Audience *
find_audience (CpdSubscribers *subscribers, CpdOwner owner)
{
  return cpd_owner_table_get (subscribers->audiences, owner);
}

static gboolean
find_subscriber (Audience *audience, const char *sender, unsigned int *index)
{
  for (unsigned int i = 0; i < audience->subscribers->len; i++)
    {
      const Subscriber *subscriber = audience->subscribers->pdata[i];

      *index = i;
      if (g_str_equal (subscriber->caller->sender, sender))
        return TRUE;
    }
  return FALSE;
}

/* Sends it all events from now on. A second call has no effect.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_subscribers_add (CpdSubscribers *subscribers, CpdCaller *caller, GError **error)
{
  Audience *audience = find_audience (subscribers, caller->owner);
  Subscriber *subscriber;
  unsigned int index;

  if (audience == NULL)
    {
      audience = g_new0 (Audience, 1);
      audience->owner = caller->owner;
      audience->subscribers = g_ptr_array_new_with_free_func (subscriber_free);
      audience->news = g_ptr_array_new_with_free_func (item_free);
      cpd_owner_table_set (subscribers->audiences, caller->owner, audience);
    }
  if (find_subscriber (audience, caller->sender, &index))
    return TRUE;
  if (audience->subscribers->len >= PER_UID_MAX)
    return cpd_refuse (
        error, CERTPIN_ERROR_LIMIT_EXCEEDED,
        "%u of your programs' connections are subscribed already; unsubscribe one first",
        PER_UID_MAX);
  subscriber = g_new0 (Subscriber, 1);
  subscriber->caller = cpd_caller_ref (caller);
  g_ptr_array_add (audience->subscribers, subscriber);
  return TRUE;
}

/* A connection has unsubscribed or left; it need not be a subscriber. */
void
cpd_subscribers_remove (CpdSubscribers *subscribers, CpdCaller *caller)
{
  Audience *audience = find_audience (subscribers, caller->owner);
  unsigned int index;

  if (audience == NULL || !find_subscriber (audience, caller->sender, &index))
    return;
  g_ptr_array_remove_index (audience->subscribers, index);
  if (audience->telling != NULL && index < audience->subscriber)
    {
      audience->item = index + 1 == audience->subscriber ? 0 : audience->item;
      audience->subscriber--;
    }
  if (audience->subscribers->len == 0 && audience->telling == NULL)
    g_hash_table_remove (subscribers->audiences, &audience->owner);
}

/* `owner`: or CPD_ALL_UIDS: of whoever */
gboolean
cpd_subscribers_has_any (CpdSubscribers *subscribers, CpdOwner owner)
{
  return owner == CPD_ALL_UIDS ? g_hash_table_size (subscribers->audiences) > 0
                               : find_audience (subscribers, owner) != NULL;
}

static void
item_fill (Item *item, const CpdNews *news)
{
  item_clear (item);
  item->signal = news->signal;
  item->arguments = g_variant_ref (news->arguments);
  item->object = g_strdup (news->object);
  item->changes = news->changes != NULL ? g_variant_ref (news->changes) : NULL;
}

static void
add_news (Audience *audience, const char *key, const CpdNews *news)
{
  Item *item;

  for (unsigned int i = 0; i < audience->news->len; i++)
    {
      item = audience->news->pdata[i];
      if (g_str_equal (item->key, key))
        {
          item_fill (item, news);
          return;
        }
    }
  if (audience->news->len >= NEWS_MAX)
    {
      audience->too_much = TRUE;
      return;
    }
  item = g_new0 (Item, 1);
  item->key = g_strdup (key);
  item_fill (item, news);
  g_ptr_array_add (audience->news, item);
}

/* `owner`: whose subscribers; CPD_ALL_UIDS: everybody's */
void
cpd_subscribers_tell (CpdSubscribers *subscribers, CpdOwner owner, const CpdNews *news)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (news->arguments);
  g_autoptr (GVariant) changes = news->changes != NULL ? g_variant_ref_sink (news->changes) : NULL;
  g_autofree char *key = g_strdup_printf ("%s %s %s %s", news->signal, news->scope, news->host,
                                          news->key != NULL ? news->key : "");
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, subscribers->audiences);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Audience *audience = value;

      if (owner != CPD_ALL_UIDS && owner != audience->owner)
        continue;
      add_news (audience, key, news);
      if (audience->telling == NULL)
        cpd_alarm_set (subscribers->alarm, audience->next_us);
    }
}

/* A connection has read its messages: if it missed some, it can be told so now. */
void
cpd_subscribers_have_room (CpdSubscribers *subscribers, CpdCaller *caller)
{
  Audience *audience = find_audience (subscribers, caller->owner);
  unsigned int index;

  if (audience != NULL && find_subscriber (audience, caller->sender, &index)
      && ((Subscriber *)audience->subscribers->pdata[index])->missed)
    tell_missed (subscribers, audience->subscribers->pdata[index]);
}
