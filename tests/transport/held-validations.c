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
static unsigned int begun, released, ended;

CpdValidation *__real_cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now);
CpdValidation *__wrap_cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now);

CpdValidation *
__wrap_cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now)
{
  CpdValidation *validation;
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
  validation = __real_cpd_peer_ask (peer, anchors, now);
  g_mutex_lock (&mutex);
  ended++;
  g_mutex_unlock (&mutex);
  return validation;
}

static void
set_holds (gboolean value)
{
  g_mutex_lock (&mutex);
  holds = value;
  begun = ended = 0;
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

static unsigned int
get (const unsigned int *count)
{
  unsigned int value;

  g_mutex_lock (&mutex);
  value = *count;
  g_mutex_unlock (&mutex);
  return value;
}

/* Returns: how many have begun */
unsigned int
validations_count (void)
{
  return get (&begun);
}

/* Returns: how many of those have ended */
unsigned int
validations_count_ended (void)
{
  return get (&ended);
}

/* Runs the main loop until so many have begun. */
void
validations_wait_for (unsigned int count)
{
  while (validations_count () < count)
    test_loop_step ();
  g_assert_cmpuint (validations_count (), ==, count);
}
