/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One TLS handshake, from its first byte to its end. Each step is a job for a thread, since GnuTLS
 * parses in it what the server presents, and verifies a signature with its key. Between two steps,
 * the main loop waits for the socket. */

#include "config.h"

#include "daemon/transport/cpd-handshake.h"

struct _CpdHandshake
{
  CpdHandshakeSettings settings; /* with references of its own */
  CpdTls *tls;                   /* NULL: it was handed out */
  CpdJob *job;                   /* under way; NULL: none */
  GIOCondition waits_for;
  GError *failure; /* of the last step; NULL: none */
};

static void
handshake_clear (gpointer data)
{
  CpdHandshake *handshake = data;

  cpd_tls_free (handshake->tls);
  g_clear_error (&handshake->failure);
  cpd_workers_unref (handshake->settings.workers);
  handshake->settings.destroy (handshake->settings.user_data);
}

static void
handshake_unref (gpointer handshake)
{
  g_rc_box_release_full (handshake, handshake_clear);
}

static void
shake_hands (gpointer data)
{
  CpdHandshake *handshake = data;

  cpd_tls_handshake (handshake->tls, &handshake->waits_for, &handshake->failure);
}

static void go_on (gpointer data);

/* As far as it went. */
static void
on_hands_shaken (gpointer data)
{
  CpdHandshake *handshake = data;

  handshake->job = NULL;
  if (g_error_matches (handshake->failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      g_clear_error (&handshake->failure);
      cpd_tls_watch (handshake->tls, handshake->waits_for, go_on, handshake);
      return;
    }
  handshake->settings.done (g_steal_pointer (&handshake->tls),
                            g_steal_pointer (&handshake->failure), handshake->settings.user_data);
  handshake_unref (handshake);
}

static void
go_on (gpointer data)
{
  static const CpdJobFuncs funcs = { shake_hands, on_hands_shaken, handshake_unref };
  CpdHandshake *handshake = data;

  cpd_tls_watch (handshake->tls, 0, NULL, NULL);
  handshake->job = cpd_workers_start (handshake->settings.workers, handshake->settings.owner,
                                      &funcs, g_rc_box_acquire (handshake));
}

/* `tls`: (transfer full).
 * Returns: (transfer none): lasts until `done` is called */
CpdHandshake *
cpd_handshake_start (CpdTls *tls, const CpdHandshakeSettings *settings)
{
  CpdHandshake *handshake = g_rc_box_new0 (CpdHandshake);

  handshake->settings = *settings;
  cpd_workers_ref (settings->workers);
  handshake->tls = tls;
  go_on (handshake);
  return handshake;
}

/* Gives it up: `done` is not called. What a thread has is cut when it comes back. */
void
cpd_handshake_stop (CpdHandshake *handshake)
{
  g_clear_pointer (&handshake->job, cpd_job_stop);
  handshake_unref (handshake);
}
