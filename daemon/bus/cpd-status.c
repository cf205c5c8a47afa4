/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the service started, when it last read its files again, and what the programs of each user
 * asked for today. It is for people: nothing is decided by it, and it ends with the service. */

#include "config.h"

#include "daemon/bus/cpd-status.h"

#define DAY_S (24 * 60 * 60)

/* Of one user, since 0 o'clock UTC. */
typedef struct
{
  gint64 day; /* since 1970 */
  guint64 requests, refusals;
} Day;

struct _CpdStatus
{
  CpdStore *store;
  gint64 started;     /* Unix seconds */
  gint64 last_reload; /* likewise; 0: none */
  char *reload_error; /* NULL: it was put in force */
  GHashTable *days;   /* CpdOwner → Day */
};

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static void
on_reloaded (CpdStatus *status, const GError *error)
{
  status->last_reload = now_s ();
  g_free (status->reload_error);
  status->reload_error = error != NULL ? g_strdup (error->message) : NULL;
}

CpdStatus *
cpd_status_new (CpdStore *store)
{
  CpdStatus *status = g_new0 (CpdStatus, 1);

  status->store = g_object_ref (store);
  status->started = now_s ();
  status->days = cpd_owner_table_new (g_free);
  g_signal_connect_swapped (store, "reloaded", G_CALLBACK (on_reloaded), status);
  return status;
}

/* `status`: (nullable) */
void
cpd_status_free (CpdStatus *status)
{
  if (status == NULL)
    return;
  g_signal_handlers_disconnect_by_data (status->store, status);
  g_object_unref (status->store);
  g_free (status->reload_error);
  g_hash_table_unref (status->days);
  g_free (status);
}

/* Returns: (transfer none): of today */
static Day *
get_day (CpdStatus *status, CpdOwner owner)
{
  Day *day = cpd_owner_table_get (status->days, owner);
  gint64 today = now_s () / DAY_S;

  if (day == NULL)
    {
      day = g_new0 (Day, 1);
      cpd_owner_table_set (status->days, owner, day);
    }
  if (day->day != today)
    *day = (Day){ .day = today };
  return day;
}

/* Of one that was authorised, whatever comes of it. */
void
cpd_status_count_request (CpdStatus *status, CpdOwner owner)
{
  get_day (status, owner)->requests++;
}

void
cpd_status_count_refusal (CpdStatus *status, CpdOwner owner)
{
  get_day (status, owner)->refusals++;
}

/* Whether any authority is trusted: without one, every server is refused. */
static void
describe_trust (CpdStore *store, GVariantDict *to)
{
  CpdTrustSource *trust = cpd_store_get_trust (store);

  g_variant_dict_insert (to, "trust-anchors", "u",
                         cpd_anchors_get_count (cpd_store_get_anchors (store)));
  if (trust != NULL)
    g_variant_dict_insert (to, "trust-file", "s", cpd_trust_source_get_location (trust));
}

/* Adds the entries of GetStatus. */
void
cpd_status_describe (CpdStatus *status, CpdOwner owner, GVariantDict *to)
{
  const Day *day = get_day (status, owner);

  g_variant_dict_insert (to, "version", "s", PACKAGE_VERSION);
  g_variant_dict_insert (to, "started", "x", status->started);
  g_variant_dict_insert (to, "last-reload", "x", status->last_reload);
  if (status->reload_error != NULL)
    g_variant_dict_insert (to, "reload-error", "s", status->reload_error);
  g_variant_dict_insert (to, "requests-today", "t", day->requests);
  g_variant_dict_insert (to, "refusals-today", "t", day->refusals);
  describe_trust (status->store, to);
}

/* An app is known no more. */
void
cpd_status_forget (CpdStatus *status, CpdOwner app)
{
  g_hash_table_remove (status->days, &app);
}
