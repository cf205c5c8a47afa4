/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface that decides what a caller may do, and the implementation by uid, for private buses
 * and tests: root may do everything, all others may only change
 * and see their own pins. */

#include "config.h"

#include "daemon/bus/cpd-authority.h"

#include "client-lib/certpin-error.h"
#include "dbus/certpin-names.h"

G_DEFINE_INTERFACE (CpdAuthority, cpd_authority, G_TYPE_OBJECT)

static void
cpd_authority_default_init (CpdAuthorityInterface *iface)
{
}

/* Whether the answer is already known to be yes. After FALSE, it must be asked. */
gboolean
cpd_authority_allows_now (CpdAuthority *authority, const CpdAuthorityQuestion *question)
{
  return CPD_AUTHORITY_GET_IFACE (authority)->allows_now (authority, question);
}

void
cpd_authority_check_async (CpdAuthority *authority, const CpdAuthorityQuestion *question,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  CPD_AUTHORITY_GET_IFACE (authority)->check_async (authority, question, callback, user_data);
}

/* Errors: CERTPIN_ERROR_NOT_AUTHORIZED: the caller is not authorized, or this could not be found
 * out; CERTPIN_ERROR_LIMIT_EXCEEDED: too many questions are waiting; CERTPIN_ERROR_CANCELLED: the
 * caller has left. The last two are not denials. */
gboolean
cpd_authority_check_finish (CpdAuthority *authority, GAsyncResult *result, GError **error)
{
  return CPD_AUTHORITY_GET_IFACE (authority)->check_finish (authority, result, error);
}

#define CPD_TYPE_UID_AUTHORITY (cpd_uid_authority_get_type ())
G_DECLARE_FINAL_TYPE (CpdUidAuthority, cpd_uid_authority, CPD, UID_AUTHORITY, GObject)

struct _CpdUidAuthority
{
  GObject parent;
};

static void cpd_uid_authority_authority_init (CpdAuthorityInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CpdUidAuthority, cpd_uid_authority, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CPD_TYPE_AUTHORITY,
                                                      cpd_uid_authority_authority_init))

static void
cpd_uid_authority_class_init (CpdUidAuthorityClass *klass)
{
}

static void
cpd_uid_authority_init (CpdUidAuthority *authority)
{
}

static gboolean
cpd_uid_authority_allows_now (CpdAuthority *authority, const CpdAuthorityQuestion *question)
{
  return question->caller->uid == 0 || g_str_equal (question->action, CERTPIN_ACTION_OWN_PINS)
         || g_str_equal (question->action, CERTPIN_ACTION_SECURE_REQUEST)
         || g_str_equal (question->action, CERTPIN_ACTION_APP_PINS)
         || g_str_equal (question->action, CERTPIN_ACTION_APP_REQUEST);
}

static void
cpd_uid_authority_check_async (CpdAuthority *authority, const CpdAuthorityQuestion *question,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (authority, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_uid_authority_check_async);
  if (cpd_uid_authority_allows_now (authority, question))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED,
                             "uid %u is not authorized for ‘%s’ on this bus; only root is",
                             question->caller->uid, question->action);
}

static gboolean
cpd_uid_authority_check_finish (CpdAuthority *authority, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
cpd_uid_authority_authority_init (CpdAuthorityInterface *iface)
{
  iface->allows_now = cpd_uid_authority_allows_now;
  iface->check_async = cpd_uid_authority_check_async;
  iface->check_finish = cpd_uid_authority_check_finish;
}

CpdAuthority *
cpd_uid_authority_new (void)
{
  return g_object_new (CPD_TYPE_UID_AUTHORITY, NULL);
}
