/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts the bytes that were sent and may be undelivered. A bus stops reading from a service that
 * has too many undelivered bytes, 127 MiB with dbus-daemon, which would silence it for everybody.
 * So each caller has a credit, each uid a share, and all together a limit; each caller also has a
 * floor, which others cannot use up. The apps of a uid leave half of its share to the uid's own
 * programs. Only arithmetic: it knows no bus and no time. */

#include "config.h"

#include "daemon/bus/cpd-credit.h"

#include "daemon/core/base/cpd-budget.h"

#define KIB ((guint64)1024)
#define MIB (1024 * KIB)

/* Always available. The floors of 2048 callers and TOTAL stay below the bus's limit. */
#define FLOOR_BYTES  (16 * KIB)
#define CALLER_BYTES MIB
/* One reply of the largest size fits. */
#define USER_BYTES  CPD_CREDIT_MESSAGE_BYTES
#define TOTAL_BYTES (64 * MIB)

typedef struct
{
  guint32 uid;
  guint64 bytes, of_apps; /* with those of apps, and these alone */
  unsigned int debtors;
} User;

struct _CpdCredit
{
  guint64 bytes;
  GHashTable *users; /* uid → User */
};

struct _CpdDebtor
{
  CpdCredit *credit;
  User *user;
  gboolean is_app;
  guint64 bytes; /* at most so many are undelivered */
  guint64 after; /* of these, sent since the current question */
};

CpdCredit *
cpd_credit_new (void)
{
  CpdCredit *credit = g_new0 (CpdCredit, 1);

  credit->users = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
  return credit;
}

/* There must be no debtors left. */
void
cpd_credit_free (CpdCredit *credit)
{
  if (credit == NULL)
    return;
  g_hash_table_unref (credit->users);
  g_free (credit);
}

static User *
get_user (CpdCredit *credit, guint32 uid)
{
  User *user = g_hash_table_lookup (credit->users, GUINT_TO_POINTER (uid));

  if (user != NULL)
    return user;
  user = g_new0 (User, 1);
  user->uid = uid;
  g_hash_table_insert (credit->users, GUINT_TO_POINTER (uid), user);
  return user;
}

/* `owner`: a user, or an app */
CpdDebtor *
cpd_debtor_new (CpdCredit *credit, CpdOwner owner)
{
  CpdDebtor *debtor = g_new0 (CpdDebtor, 1);

  debtor->credit = credit;
  debtor->user = get_user (credit, cpd_owner_get_uid (owner));
  debtor->is_app = cpd_owner_is_app (owner);
  debtor->user->debtors++;
  return debtor;
}

static void
pay (CpdDebtor *debtor, guint64 bytes)
{
  debtor->bytes -= bytes;
  debtor->user->bytes -= bytes;
  debtor->user->of_apps -= debtor->is_app ? bytes : 0;
  debtor->credit->bytes -= bytes;
}

/* When its connection has ended: the bus has dropped its messages. */
void
cpd_debtor_free (CpdDebtor *debtor)
{
  User *user;

  if (debtor == NULL)
    return;
  user = debtor->user;
  pay (debtor, debtor->bytes);
  if (--user->debtors == 0)
    g_hash_table_remove (debtor->credit->users, GUINT_TO_POINTER (user->uid));
  g_free (debtor);
}

/* Returns: how many bytes may be undelivered */
guint64
cpd_debtor_get_bytes (const CpdDebtor *debtor)
{
  return debtor->bytes;
}

/* Of the share of a uid. One reply of the largest size fits, for an app as well; what it then takes
 * of the other half, the uid's own programs have beside the share. */
static gboolean
has_share (const CpdDebtor *debtor, guint64 bytes)
{
  const User *user = debtor->user;
  guint64 share = cpd_budget_share (TOTAL_BYTES, debtor->credit->bytes - user->bytes, USER_BYTES);
  guint64 part = share / 2, own = user->bytes - user->of_apps;

  if (!debtor->is_app)
    return own + MIN (user->of_apps, part) + bytes <= share;
  return (user->of_apps == 0 || user->of_apps + bytes <= part) && user->bytes + bytes <= share;
}

/* Whether a message of this size may be sent now. One that is larger than the caller's credit may
 * be sent if everything before it was delivered. */
gboolean
cpd_debtor_has_room (const CpdDebtor *debtor, guint64 bytes)
{
  if (debtor->bytes + bytes <= FLOOR_BYTES)
    return TRUE;
  if (debtor->bytes != 0 && debtor->bytes + bytes > CALLER_BYTES)
    return FALSE;
  return has_share (debtor, bytes);
}

void
cpd_debtor_charge (CpdDebtor *debtor, guint64 bytes)
{
  debtor->bytes += bytes;
  debtor->after += bytes;
  debtor->user->bytes += bytes;
  debtor->user->of_apps += debtor->is_app ? bytes : 0;
  debtor->credit->bytes += bytes;
}

/* The bus is asked how much is undelivered to this caller. Its answer may or may not include bytes
 * that are charged from now on, and the `unsent` bytes that are charged but still on their way. */
void
cpd_debtor_begin_question (CpdDebtor *debtor, guint64 unsent)
{
  debtor->after = MIN (unsent, debtor->bytes);
}

/* `undelivered`: the bus's answer in bytes, including messages of other senders.
 * Returns: whether that proves that something was delivered */
gboolean
cpd_debtor_prove (CpdDebtor *debtor, guint64 undelivered)
{
  guint64 before = debtor->bytes - debtor->after;

  if (undelivered >= before)
    return FALSE;
  pay (debtor, before - undelivered);
  return TRUE;
}
