/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of the Pins interface that look at the service as a whole: GetStatus, ListUsers.
 * Whoever asks sees what ListPins would show: its own pins and those of the system. There may be
 * very many, so they are counted a few in each turn of the main loop. */

#include "config.h"

#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/bus/cpd-status.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-pin-advice.h"
#include "dbus/certpin-names.h"

/* How many pins are counted in one turn. */
#define COUNT_SLICE 50

/* How many of a list are described; the others are only counted. */
#define LISTED_MAX 50

/* Whoever has to pin anew should have the time to do so. */
#define SOON_S ((gint64)14 * 24 * 60 * 60)

typedef enum
{
  ACTIVE,
  BLOCKED,
  EXPIRED,
  PAUSED,
  N_STATES
} State;

static const char *const state_words[N_STATES] = { "active", "blocked", "expired", "paused" };

/* Sentences, of which only so many are listed. */
typedef struct
{
  GPtrArray *texts; /* of char * */
  unsigned int more;
} Sentences;

/* The answer being put together; belongs to its call. */
typedef struct
{
  gint64 now;                                 /* Unix seconds */
  int layer;                                  /* that is counted next */
  char *after;                                /* the last host that was counted in it; NULL: none */
  guint32 of_system[N_STATES], own[N_STATES]; /* the caller's own, or those of that app */
  GPtrArray *blocked;                         /* of GVariant */
  Sentences warnings;                         /* what somebody has to do */
  Sentences advice;                           /* what somebody should know */
  char *obstacle;                             /* (nullable): why no pin can be stored */
  guint32 unstored;
} Count;

static void
count_free (gpointer data)
{
  Count *count = data;

  g_free (count->after);
  g_free (count->obstacle);
  g_ptr_array_unref (count->blocked);
  g_ptr_array_unref (count->warnings.texts);
  g_ptr_array_unref (count->advice.texts);
  g_free (count);
}

static State
find_state (const CpdPin *pin, gint64 now)
{
  if (pin->state == CPD_STATE_BLOCKED)
    return BLOCKED;
  if (cpd_pin_is_expired (pin, now))
    return EXPIRED;
  return cpd_pin_is_paused (pin, now) ? PAUSED : ACTIVE;
}

/* `text`: (transfer full) */
static void
say (Sentences *sentences, char *text)
{
  if (sentences->texts->len < LISTED_MAX)
    {
      g_ptr_array_add (sentences->texts, text);
      return;
    }
  sentences->more++;
  g_free (text);
}

/* `advice`: (transfer full) (nullable) */
static void
say_all (Sentences *sentences, const CpdPin *pin, GStrv advice)
{
  g_auto (GStrv) owned = advice;

  for (size_t i = 0; owned != NULL && owned[i] != NULL; i++)
    say (sentences, g_strdup_printf ("%s (%s): %s", cpd_host_get_text (pin->host),
                                     cpd_describe_scope (pin->layer), owned[i]));
}

/* What was seen of its servers, and is urgent or not. */
static void
advise_on_pin (CpdCall *call, Count *count, const CpdPin *pin)
{
  const CpdSighting *sighting
      = cpd_logbook_lookup (cpd_store_get_logbook (call->parts->store), call->asker.owner, pin);

  say_all (&count->warnings, pin, cpd_pin_advice_urgent (pin, sighting, count->now));
  say_all (&count->advice, pin, cpd_pin_advice_other (pin, sighting, count->now));
}

static void
warn_of_pause (Count *count, const CpdPin *pin)
{
  g_autofree char *until = cpd_text_time (pin->pause->until);

  say (&count->warnings,
       g_strdup_printf ("the pin of ‘%s’ in the %s scope is paused until %s, and other keys "
                        "pass meanwhile",
                        cpd_host_get_text (pin->host), cpd_describe_scope (pin->layer), until));
}

static void
warn_of_pin (Count *count, const CpdPin *pin, State state)
{
  const char *host = cpd_host_get_text (pin->host), *scope = cpd_describe_scope (pin->layer);
  g_autoptr (GDateTime) expiry = g_date_time_new_from_unix_utc (pin->expires);
  g_autofree char *day = expiry != NULL ? g_date_time_format (expiry, "%F") : g_strdup ("");

  if (state == EXPIRED)
    say (&count->warnings,
         g_strdup_printf ("the pin of ‘%s’ in the %s scope expired on %s, so requests to "
                          "the host are refused; pin it again, or unpin it",
                          host, scope, day));
  else if (state == ACTIVE && pin->expires != 0 && pin->expires - count->now < SOON_S)
    say (&count->warnings,
         g_strdup_printf ("the pin of ‘%s’ in the %s scope expires on %s; then requests to "
                          "the host are refused; pin it again before",
                          host, scope, day));
  if (pin->unstored)
    say (&count->warnings,
         g_strdup_printf ("the %s of ‘%s’ in the %s scope is only in memory, and is lost "
                          "when the service ends",
                          state == BLOCKED ? "block" : "pin", host, scope));
  if (state == PAUSED)
    warn_of_pause (count, pin);
}

static void
count_pin (CpdCall *call, Count *count, const CpdPin *pin)
{
  State state = find_state (pin, count->now);

  (pin->layer > CPD_LAYER_SYSTEM ? count->own : count->of_system)[state]++;
  count->unstored += pin->unstored;
  if (state == BLOCKED && count->blocked->len < LISTED_MAX)
    g_ptr_array_add (count->blocked,
                     g_variant_ref_sink (cpd_describe_pin (pin, /* sighting= */ NULL, count->now)));
  warn_of_pin (count, pin, state);
  advise_on_pin (call, count, pin);
}

/* Returns: (floating): a{su} */
static GVariant *
describe_states (const guint32 *states)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{su}"));
  for (int state = 0; state < N_STATES; state++)
    g_variant_builder_add (&builder, "{su}", state_words[state], states[state]);
  return g_variant_builder_end (&builder);
}

/* Returns: (floating): a{sa{su}} */
static GVariant *
describe_pins (const Count *count, CpdOwner owner)
{
  const char *scope = cpd_describe_scope (cpd_layer_of_owner (owner));
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sa{su}}"));
  g_variant_builder_add (&builder, "{s@a{su}}", "system", describe_states (count->of_system));
  g_variant_builder_add (&builder, "{s@a{su}}", scope, describe_states (count->own));
  return g_variant_builder_end (&builder);
}

/* Returns: (floating): as */
static GVariant *
describe_sentences (Sentences *sentences)
{
  if (sentences->more > 0)
    g_ptr_array_add (sentences->texts,
                     g_strdup_printf ("there are %u more; see ListPins", sentences->more));
  return g_variant_new_strv ((const char *const *)sentences->texts->pdata,
                             (gssize)sentences->texts->len);
}

/* `problems`: of CpdFault. Returns: (floating): as */
static GVariant *
describe_problems (GPtrArray *problems)
{
  GVariantBuilder texts;

  g_variant_builder_init (&texts, G_VARIANT_TYPE_STRING_ARRAY);
  for (unsigned int i = 0; i < problems->len; i++)
    g_variant_builder_add_value (
        &texts, g_variant_new_take_string (cpd_fault_to_text (problems->pdata[i])));
  return g_variant_builder_end (&texts);
}

static void
describe_storage (CpdStore *store, const Count *count, GVariantDict *to)
{
  CpdStateDir *dir = cpd_store_get_state_dir (store);

  g_variant_dict_insert (to, "unstored", "u", count->unstored);
  if (dir != NULL)
    g_variant_dict_insert (to, "state-folder", "s", cpd_state_dir_get_path (dir));
  if (count->obstacle != NULL)
    g_variant_dict_insert (to, "state-problem", "s", count->obstacle);
}

static void
answer (CpdCall *call)
{
  Count *count = call->data;
  g_autoptr (GPtrArray) problems = cpd_store_get_problems (call->parts->store, call->asker.self);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  cpd_status_describe (call->parts->status, call->asker.self, &dict);
  describe_storage (call->parts->store, count, &dict);
  g_variant_dict_insert_value (&dict, "pins", describe_pins (count, call->asker.self));
  g_variant_dict_insert_value (&dict, "problems", describe_problems (problems));
  g_variant_dict_insert_value (&dict, "warnings", describe_sentences (&count->warnings));
  g_variant_dict_insert_value (&dict, "advice", describe_sentences (&count->advice));
  g_variant_dict_insert_value (&dict, "blocked",
                               g_variant_new_array (G_VARIANT_TYPE_VARDICT,
                                                    (GVariant *const *)count->blocked->pdata,
                                                    count->blocked->len));
  cpd_call_return (call, g_variant_new ("(@a{sv})", g_variant_dict_end (&dict)));
}

/* Counts the next pins, and answers when all are, or when nobody waits for it any more. */
static gboolean
count_some (gpointer user_data)
{
  CpdCall *call = user_data;
  Count *count = call->data;
  g_autoptr (GPtrArray) pins = cpd_store_list_after (call->parts->store, (CpdLayer)count->layer,
                                                     call->asker.owner, count->after, COUNT_SLICE);

  for (unsigned int i = 0; i < pins->len; i++)
    count_pin (call, count, pins->pdata[i]);
  g_free (count->after);
  count->after = NULL;
  if (pins->len == COUNT_SLICE)
    count->after = g_strdup (cpd_host_get_text (((CpdPin *)pins->pdata[pins->len - 1])->host));
  else
    count->layer++;
  if (count->layer <= CPD_LAYER_USER && !g_cancellable_is_cancelled (call->caller->gone))
    return G_SOURCE_CONTINUE;
  answer (call);
  return G_SOURCE_REMOVE;
}

static void
on_looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  Count *count = call->data;
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    count->obstacle = g_strdup (error->message);
  g_idle_add_full (G_PRIORITY_DEFAULT, count_some, call, NULL);
}

static void
look_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (data == NULL || cpd_state_dir_check_room (data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* In its turn. The disk is asked first. */
static void
count_start (gpointer user_data)
{
  CpdCall *call = user_data;
  CpdStateDir *dir = cpd_store_get_state_dir (call->parts->store);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_looked, call);

  g_task_set_source_tag (task, count_start);
  if (dir != NULL)
    g_task_set_task_data (task, cpd_state_dir_ref (dir), (GDestroyNotify)cpd_state_dir_unref);
  g_task_run_in_thread (task, look_in_thread);
}

/* Much of it at once would hold up others: a user's calls wait for each other. */
static void
act_get_status (CpdCall *call)
{
  cpd_call_take_turn (call, count_start);
}

static gboolean
parse_no_options (GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (arguments, 0);

  return cpd_options_parse (options, NULL, 0, error);
}

static gboolean
parse_get_status (CpdCall *call, GVariant *arguments, GError **error)
{
  Count *count;

  if (!parse_no_options (arguments, error))
    return FALSE;
  count = g_new0 (Count, 1);
  count->now = cpd_call_now_s ();
  count->layer = CPD_LAYER_FILES;
  count->blocked = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  count->warnings.texts = g_ptr_array_new_with_free_func (g_free);
  count->advice.texts = g_ptr_array_new_with_free_func (g_free);
  cpd_call_take_data (call, count, count_free);
  call->act = act_get_status;
  return TRUE;
}

static void
act_list_users (CpdCall *call)
{
  g_autoptr (GArray) uids = cpd_store_list_uids (call->parts->store);

  cpd_call_return (
      call, g_variant_new ("(@au)", g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, uids->data,
                                                               uids->len, sizeof (guint32))));
}

static gboolean
parse_list_users (CpdCall *call, GVariant *arguments, GError **error)
{
  call->action = CERTPIN_ACTION_INSPECT_ALL;
  call->act = act_list_users;
  return parse_no_options (arguments, error);
}

static void
act_list_apps (CpdCall *call)
{
  g_auto (GStrv) apps = cpd_store_list_apps (call->parts->store, call->asker.self);

  cpd_call_return (call, g_variant_new ("(^as)", apps));
}

static gboolean
parse_list_apps (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_list_apps;
  return parse_no_options (arguments, error);
}

const CpdMethod cpd_service_queries[] = {
  { "GetStatus", parse_get_status },
  { "ListApps", parse_list_apps },
  { "ListUsers", parse_list_users },
  { NULL },
};
