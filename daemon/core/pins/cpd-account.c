/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The name of a uid's account, which a user's pin files carry: a uid may be given to somebody else
 * some day. */

#include "config.h"

#include "daemon/core/pins/cpd-account.h"

#include "client-lib/certpin-error.h"

#include <errno.h>
#include <pwd.h>

/* Whether nothing of this uid may be kept. */
gboolean
cpd_account_is_dynamic (guint32 uid)
{
  return uid >= CPD_DYNAMIC_UID_MIN && uid <= CPD_DYNAMIC_UID_MAX;
}

/* What getpwuid_r () returns where there is no such account (getpwuid_r(3), ERRORS). */
static gboolean
means_none (int code)
{
  return code == 0 || code == ENOENT || code == ESRCH || code == EBADF || code == EPERM;
}

/* May block.
 * Errors: CERTPIN_ERROR_STORE_FAILED.
 * Returns: (transfer full): the name of the account of a uid, or "" where it has none */
char *
cpd_account_look_up (guint32 uid, GError **error)
{
  char buffer[16384];
  struct passwd entry, *found = NULL;
  int code = getpwuid_r (uid, &entry, buffer, sizeof buffer, &found);

  if (found != NULL)
    return g_strdup (found->pw_name);
  if (means_none (code))
    return g_strdup ("");
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
               "cannot look up the account of uid %u: %s; make sure that users can be looked up",
               uid, g_strerror (code));
  return NULL;
}
