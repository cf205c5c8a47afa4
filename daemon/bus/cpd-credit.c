/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The accounts of what was sent and may not have been read. A bus stops reading from a service that
 * has too much undelivered, 127 MiB for dbus-daemon, which would silence it for everybody. So each
 * caller has a credit, each uid a share, and all together a limit; and each caller a floor that
 * nobody can take from it. Only arithmetic: it knows no bus and no time. */

#include "config.h"

#include "daemon/bus/cpd-credit.h"

#include "daemon/core/base/cpd-budget.h"

#define KIB ((guint64)1024)
#define MIB (1024 * KIB)

/* Whatever others owe. 2048 callers' floors and TOTAL stay below the bus's limit. */
#define FLOOR_BYTES  (16 * KIB)
#define CALLER_BYTES MIB
/* One answer with the largest body fits. */
#define USER_BYTES  CPD_CREDIT_MESSAGE_BYTES
#define TOTAL_BYTES (64 * MIB)

typedef struct
{
  guint32 uid;
  guint64 bytes;
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
  guint64 bytes; /* at most so many are undelivered */
  guint64 after; /* of these, sent since the question that is under way */
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

CpdDebtor *
cpd_debtor_new (CpdCredit *credit, guint32 uid)
{
  CpdDebtor *debtor = g_new0 (CpdDebtor, 1);

  debtor->credit = credit;
  debtor->user = get_user (credit, uid);
  debtor->user->debtors++;
  return debtor;
}

static void
pay (CpdDebtor *debtor, guint64 bytes)
{
  debtor->bytes -= bytes;
  debtor->user->bytes -= bytes;
  debtor->credit->bytes -= bytes;
}

/* When its connection has ended: the bus has dropped what it had for it. */
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

/* Whether a message of so many bytes may be sent now. One that is larger than a caller's credit may
 * be where everything before it was delivered. */
gboolean
cpd_debtor_has_room (const CpdDebtor *debtor, guint64 bytes)
{
  guint64 user = debtor->user->bytes, others = debtor->credit->bytes - user;

  if (debtor->bytes + bytes <= FLOOR_BYTES)
    return TRUE;
  if (debtor->bytes != 0 && debtor->bytes + bytes > CALLER_BYTES)
    return FALSE;
  return user + bytes <= cpd_budget_share (TOTAL_BYTES, others, USER_BYTES);
}

void
cpd_debtor_charge (CpdDebtor *debtor, guint64 bytes)
{
  debtor->bytes += bytes;
  debtor->after += bytes;
  debtor->user->bytes += bytes;
  debtor->credit->bytes += bytes;
}

/* The bus is asked what this caller has not been delivered. What is charged from now on may or may
 * not be in its answer, nor may `unsent` bytes that are charged but on their way to the bus. */
void
cpd_debtor_begin_question (CpdDebtor *debtor, guint64 unsent)
{
  debtor->after = MIN (unsent, debtor->bytes);
}

/* `undelivered`: the bus's answer, in bytes, other senders' messages included.
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
