/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names are looked up on a limited number of threads. A user whose name servers do not answer would
 * take all of them, and everybody else would wait. So each uid sets up only a few connections at a
 * time. A look-up cannot be stopped: its connection counts until it is over, also
 * when nobody waits for it any more. */

#include "config.h"

#include "daemon/transport/cpd-gate.h"

#define SET_UPS_MAX 4

struct _CpdGate
{
  GObject parent;

  unsigned int set_ups;
  unsigned int opening; /* an idle source that will tell of room; 0: none */
};

G_DEFINE_FINAL_TYPE (CpdGate, cpd_gate, G_TYPE_OBJECT)

enum
{
  OPENED,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_gate_dispose (GObject *object)
{
  g_clear_handle_id (&CPD_GATE (object)->opening, g_source_remove);
  G_OBJECT_CLASS (cpd_gate_parent_class)->dispose (object);
}

static void
cpd_gate_class_init (CpdGateClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_gate_dispose;
  signals[OPENED] = g_signal_new ("opened", CPD_TYPE_GATE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 0);
}

static void
cpd_gate_init (CpdGate *gate)
{
}

CpdGate *
cpd_gate_new (void)
{
  return g_object_new (CPD_TYPE_GATE, NULL);
}

/* Returns: whether one more connection may be set up; if so, call cpd_gate_leave () afterwards */
gboolean
cpd_gate_enter (CpdGate *gate)
{
  if (gate->set_ups >= SET_UPS_MAX)
    return FALSE;
  gate->set_ups++;
  return TRUE;
}

/* Likewise. If not, `again` is called with `user_data` each time there is room, until this returns
 * TRUE. `waiting`: the handler for that, to be disconnected if it is no longer wanted; 0: none */
gboolean
cpd_gate_enter_or_wait (CpdGate *gate, gulong *waiting, GCallback again, gpointer user_data)
{
  gboolean entered = cpd_gate_enter (gate);

  if (entered)
    g_clear_signal_handler (waiting, gate);
  else if (*waiting == 0)
    *waiting = g_signal_connect_swapped (gate, "opened", again, user_data);
  return entered;
}

static gboolean
tell (gpointer user_data)
{
  CpdGate *gate = user_data;

  gate->opening = 0;
  g_signal_emit (gate, signals[OPENED], 0);
  return G_SOURCE_REMOVE;
}

/* Room is told of from the main loop: whoever leaves may be in the middle of something. */
void
cpd_gate_leave (CpdGate *gate)
{
  gate->set_ups--;
  if (gate->opening == 0)
    gate->opening = g_idle_add_full (G_PRIORITY_DEFAULT, tell, gate, NULL);
}
