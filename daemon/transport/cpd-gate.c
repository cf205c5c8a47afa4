/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names are looked up on a limited number of threads. A user whose name servers do not answer would
 * take all of them, and everybody else would wait. So each uid sets up only a few connections at a
 * time. A look-up cannot be stopped: its connection counts until it is over, also when nobody waits
 * for it any more. Of these few, an app whose servers do not answer leaves some to its user, and to
 * other apps. */

#include "config.h"

#include "daemon/transport/cpd-gate.h"

#define SET_UPS_MAX         4
#define SET_UPS_MAX_OF_APPS 3
#define SET_UPS_MAX_OF_APP  2

struct _CpdGate
{
  GObject parent;

  CpdGate *of_user;     /* of an app: that of its user; NULL: it is one */
  unsigned int set_ups; /* of a user: with those of the apps */
  unsigned int of_apps; /* how many of these are those of apps */
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
  CpdGate *gate = CPD_GATE (object);

  g_clear_handle_id (&gate->opening, g_source_remove);
  g_clear_object (&gate->of_user);
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

/* That of a user. */
CpdGate *
cpd_gate_new (void)
{
  return g_object_new (CPD_TYPE_GATE, NULL);
}

static void
pass_on (CpdGate *gate)
{
  g_signal_emit (gate, signals[OPENED], 0);
}

/* That of one of the user's apps: whoever enters it enters the user's as well. */
CpdGate *
cpd_gate_new_of_app (CpdGate *of_user)
{
  CpdGate *gate = cpd_gate_new ();

  gate->of_user = g_object_ref (of_user);
  g_signal_connect_object (of_user, "opened", G_CALLBACK (pass_on), gate, G_CONNECT_SWAPPED);
  return gate;
}

static gboolean
has_room (const CpdGate *gate)
{
  const CpdGate *of_user = gate->of_user;

  if (of_user == NULL)
    return gate->set_ups < SET_UPS_MAX;
  return gate->set_ups < SET_UPS_MAX_OF_APP && of_user->of_apps < SET_UPS_MAX_OF_APPS
         && has_room (of_user);
}

/* Returns: whether one more connection may be set up; if so, call cpd_gate_leave () afterwards */
gboolean
cpd_gate_enter (CpdGate *gate)
{
  if (!has_room (gate))
    return FALSE;
  gate->set_ups++;
  if (gate->of_user != NULL)
    {
      gate->of_user->set_ups++;
      gate->of_user->of_apps++;
    }
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
  CpdGate *of_user = gate->of_user != NULL ? gate->of_user : gate;

  gate->set_ups--;
  if (of_user != gate)
    {
      of_user->set_ups--;
      of_user->of_apps--;
    }
  if (of_user->opening == 0)
    of_user->opening = g_idle_add_full (G_PRIORITY_DEFAULT, tell, of_user, NULL);
}
