/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-call.h"

G_BEGIN_DECLS

/* What a call that takes long has in common with the others: the data of each begins with one. */
typedef struct
{
  void (*begin) (CpdCall *call);               /* its turn has come */
  void (*fail) (CpdCall *call, GError *error); /* before that. `error`: (transfer full) */
} CpdErrandFuncs;

typedef struct
{
  CpdCall *call;
  const CpdErrandFuncs *funcs; /* NULL: it never waits for a turn */
  char *path;                  /* of its object; NULL: none, or that goes on without the call */
  GCancellable *cancellable;
  GCancellable *gone; /* the caller's; NULL before it is identified */
  gulong cancelled_id, gone_id;
  CpdPlace *place;    /* NULL before it is authorised */
  unsigned int timer; /* of a deadline while it waits for its turn */
  gint64 started_us;  /* monotonic: when it was authorised */
} CpdErrand;

void cpd_errand_init (CpdErrand *errand, CpdCall *call, const CpdErrandFuncs *funcs);
void cpd_errand_clear (CpdErrand *errand);

gboolean cpd_errand_add_object (CpdErrand *errand, CpdRequestObject object, GError **error);
gboolean cpd_errand_follow_caller (CpdCall *call, GError **error);
gboolean cpd_errand_take_place (CpdErrand *errand, guint32 timeout_ms, GError **error);
void cpd_errand_stop (CpdErrand *errand);
void cpd_errand_keep_object (CpdErrand *errand, gint64 deadline_us);

G_END_DECLS
