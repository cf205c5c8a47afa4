/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Validations that last for as long as a test wants. The linker puts this function in the place of
 * the one that the validator's threads call. */

#include "config.h"

#include "held-validations.h"

#include "daemon/core/verdict/cpd-peer.h"
#include "tests/lib/test-loop.h"

static GMutex mutex;
static GCond changed;
static gboolean holds; /* those that begin */
static unsigned int begun, released;

CpdValidation *__real_cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now);
CpdValidation *__wrap_cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now);

CpdValidation *
__wrap_cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now)
{
  gboolean held;
  unsigned int before;

  g_mutex_lock (&mutex);
  held = holds;
  before = released;
  begun++;
  g_main_context_wakeup (NULL);
  while (held && released == before)
    g_cond_wait (&changed, &mutex);
  g_mutex_unlock (&mutex);
  return __real_cpd_peer_ask (peer, anchors, now);
}

static void
set_holds (gboolean value)
{
  g_mutex_lock (&mutex);
  holds = value;
  begun = 0;
  g_mutex_unlock (&mutex);
}

/* Those that begin from now on; they are counted from now on, too. */
void
validations_hold (void)
{
  set_holds (TRUE);
}

/* Those that begin from now on are not held, and counted anew; those that are held stay so. */
void
validations_pass (void)
{
  set_holds (FALSE);
}

/* All. */
void
validations_release (void)
{
  g_mutex_lock (&mutex);
  holds = FALSE;
  released++;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&mutex);
}

/* Returns: how many have begun */
unsigned int
validations_count (void)
{
  unsigned int count;

  g_mutex_lock (&mutex);
  count = begun;
  g_mutex_unlock (&mutex);
  return count;
}

/* Runs the main loop until so many have begun. */
void
validations_wait_for (unsigned int count)
{
  while (validations_count () < count)
    test_loop_step ();
  g_assert_cmpuint (validations_count (), ==, count);
}
