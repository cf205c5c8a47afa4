/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One caller. Only the bus says who it is, once for each connection. The answer is kept until the
 * connection ends, which also ends its calls in progress. */

#include "config.h"

#include "daemon/bus/cpd-caller.h"

#include "daemon/bus/cpd-process.h"

CpdCaller *
cpd_caller_new (const char *sender, guint32 uid)
{
  CpdCaller *caller = g_atomic_rc_box_new0 (CpdCaller);

  caller->sender = g_strdup (sender);
  caller->uid = uid;
  caller->owner = uid;
  caller->gone = g_cancellable_new ();
  caller->allowed = g_hash_table_new (g_str_hash, g_str_equal);
  return caller;
}

CpdCaller *
cpd_caller_ref (CpdCaller *caller)
{
  return g_atomic_rc_box_acquire (caller);
}

static void
caller_clear (gpointer data)
{
  CpdCaller *caller = data;

  g_free (caller->sender);
  g_free (caller->program);
  g_free (caller->confinement);
  if (caller->apps != NULL)
    cpd_apps_release (caller->apps, caller->owner);
  cpd_apps_unref (caller->apps);
  g_free (caller->app);
  g_object_unref (caller->gone);
  g_hash_table_unref (caller->allowed);
}

void
cpd_caller_unref (CpdCaller *caller)
{
  if (caller != NULL)
    g_atomic_rc_box_release_full (caller, caller_clear);
}

/* Returns: whose pins its requests have to pass */
CpdOwner
cpd_caller_get_owner (const CpdCaller *caller)
{
  return caller->connection != 0 ? caller->connection : caller->owner;
}

/* Returns: (transfer full): as in “curl (uid 1000)”, “weather (flatpak:org.example.Weather of uid
 * 1000)” */
char *
cpd_caller_describe (const CpdCaller *caller)
{
  return g_strdup_printf (
      "%s (%s%suid %u)", caller->program != NULL ? caller->program : "a program",
      caller->app != NULL ? caller->app : "", caller->app != NULL ? " of " : "", caller->uid);
}

/* Finds out whose pins apply to it. One that is not served, or there is no room for, has none. */
static void
settle (CpdCaller *caller, CpdStore *store)
{
  g_autoptr (GError) error = NULL;

  if (caller->app == NULL || caller->confinement != NULL)
    return;
  if (!cpd_store_meet_app (store, caller->uid, caller->app, &caller->owner, &error))
    {
      caller->confinement = g_strdup (error->message);
      return;
    }
  caller->apps = cpd_apps_ref (cpd_store_get_apps (store));
  cpd_apps_hold (caller->apps, caller->owner);
}

/* `credentials`: a{sv}, of org.freedesktop.DBus.GetConnectionCredentials, with the descriptors that
 * came along; NULL: the bus gave none.
 * Returns: (transfer full): a caller, which is refused if the bus does not name its user */
CpdCaller *
cpd_caller_new_from_credentials (const char *sender, GVariant *credentials, GUnixFDList *fds,
                                 CpdStore *store)
{
  CpdProcess process = { NULL };
  CpdCaller *caller;
  guint32 uid;

  if (credentials == NULL || !g_variant_lookup (credentials, "UnixUserID", "u", &uid))
    {
      caller = cpd_caller_new (sender, CPD_CALLER_UID_UNKNOWN);
      caller->confinement = g_strdup ("the bus does not name its user");
      return caller;
    }
  caller = cpd_caller_new (sender, uid);
  caller->program = cpd_process_find_program (credentials);
  cpd_process_examine (credentials, fds, &process);
  caller->app = process.app;
  caller->networked = process.networked;
  caller->confinement = process.refusal;
  settle (caller, store);
  return caller;
}
