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
  g_object_unref (caller->gone);
  g_hash_table_unref (caller->allowed);
}

void
cpd_caller_unref (CpdCaller *caller)
{
  if (caller != NULL)
    g_atomic_rc_box_release_full (caller, caller_clear);
}

/* Returns: (transfer full): as in “curl (uid 1000)” */
char *
cpd_caller_describe (const CpdCaller *caller)
{
  return g_strdup_printf ("%s (uid %u)", caller->program != NULL ? caller->program : "a program",
                          caller->uid);
}

/* `credentials`: a{sv}, of org.freedesktop.DBus.GetConnectionCredentials, with the descriptors that
 * came along; NULL: the bus gave none.
 * Returns: (transfer full): a caller, which is refused if the bus does not name its user */
CpdCaller *
cpd_caller_new_from_credentials (const char *sender, GVariant *credentials, GUnixFDList *fds)
{
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
  caller->confinement = cpd_process_find_confinement (credentials, fds);
  return caller;
}
