/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-owner.h"

G_BEGIN_DECLS

/* How much may be unconfirmed before the bus is asked what was delivered. */
#define CPD_CREDIT_UNASKED_BYTES (512 * 1024)

/* A larger message would never have room. The largest is one pin that takes all of a pin file;
 * bodies have a quarter of that, so that they have room even while several users read nothing. A
 * message on the bus has at most 32 MiB; the bus disconnects a service that sends a larger one. */
#define CPD_CREDIT_MESSAGE_BYTES ((guint64)16 * 1024 * 1024 + 512 * 1024)

/* How much may be undelivered: of one caller, of a uid and its apps, in all. */
typedef struct _CpdCredit CpdCredit;

/* One caller's part. */
typedef struct _CpdDebtor CpdDebtor;

CpdCredit *cpd_credit_new (void);
void cpd_credit_free (CpdCredit *credit);

CpdDebtor *cpd_debtor_new (CpdCredit *credit, CpdOwner owner);
void cpd_debtor_free (CpdDebtor *debtor);

guint64 cpd_debtor_get_bytes (const CpdDebtor *debtor);
gboolean cpd_debtor_has_room (const CpdDebtor *debtor, guint64 bytes);
void cpd_debtor_charge (CpdDebtor *debtor, guint64 bytes);
void cpd_debtor_begin_question (CpdDebtor *debtor, guint64 unsent);
gboolean cpd_debtor_prove (CpdDebtor *debtor, guint64 undelivered);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdCredit, cpd_credit_free)

G_END_DECLS
