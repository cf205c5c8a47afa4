/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The longest pause. */
#define CPD_PRESENCE_PAUSE_MAX_US G_USEC_PER_SEC

/* Whether other users are active; starts as zeros. */
typedef struct
{
  guint32 last_uid;  /* who was there last */
  gint64 last_us;    /* and when: monotonic */
  gint64 another_us; /* when somebody else was */
} CpdPresence;

void cpd_presence_note (CpdPresence *presence, guint32 uid, gint64 now_us);
gboolean cpd_presence_is_of_one (const CpdPresence *presence, gint64 now_us);
gboolean cpd_presence_is_alone (const CpdPresence *presence, guint32 uid, gint64 now_us);
gint64 cpd_presence_may_go_at (const CpdPresence *presence, unsigned int n_waiting,
                               gint64 rests_until, gint64 now_us);
gint64
cpd_presence_rest (const CpdPresence *presence, gint64 rests_until, gint64 now_us, gint64 pause_us);

G_END_DECLS
