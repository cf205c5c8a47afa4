/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Speaks with a server in plaintext up to the point where TLS begins, on what will carry TLS: a
 * socket, or the session with a proxy. What comes behind the server's consent fails it: somebody on
 * the way may have put it there (CVE-2011-0411). */

#include "config.h"

#include "daemon/transport/cpd-plaintext.h"

/* Each byte is a system call of its own, so that nothing behind the consent is read: a turn of the
 * main loop takes a few. */
#define TURN_MAX_BYTES 512

struct _CpdPlaintext
{
  CpdTls *tls; /* whose handshake has not begun */
  CpdPreamble *preamble;
  CpdPlaintextFunc done;
  GTask *task;
};

/* Gives it up: `done` is not called. */
void
cpd_plaintext_stop (CpdPlaintext *plaintext)
{
  cpd_tls_free (plaintext->tls);
  cpd_preamble_free (plaintext->preamble);
  g_free (plaintext);
}

/* `error`: (transfer full) (nullable): NULL: TLS may begin */
static void
finish (CpdPlaintext *plaintext, GError *error)
{
  CpdTls *tls = error == NULL ? g_steal_pointer (&plaintext->tls) : NULL;
  CpdPlaintextFunc done = plaintext->done;
  GTask *task = plaintext->task;

  if (tls != NULL)
    cpd_tls_watch (tls, 0, NULL, NULL);
  cpd_plaintext_stop (plaintext);
  done (tls, error, task);
}

/* Returns: whether all that is to be said has been */
static gboolean
speak (CpdPlaintext *plaintext, GError **error)
{
  g_autoptr (GBytes) request = cpd_preamble_steal_request (plaintext->preamble);

  if (request != NULL)
    cpd_tls_add_plaintext (plaintext->tls, request);
  return cpd_tls_send (plaintext->tls, NULL, 0, error) >= 0;
}

static gboolean
listen_to_byte (CpdPlaintext *plaintext, GError **error)
{
  guint8 byte;
  gssize length = cpd_tls_receive_plaintext (plaintext->tls, &byte, sizeof byte, error);

  if (length == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                         "it closed the connection before TLS began");
  return length > 0 && cpd_preamble_take (plaintext->preamble, byte, error);
}

static gboolean
would_block (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* A server says nothing before it has the ClientHello. */
static gboolean
check_silent (CpdPlaintext *plaintext, GError **error)
{
  g_autoptr (GError) silence = NULL;
  guint8 byte;
  gssize length = cpd_tls_receive_plaintext (plaintext->tls, &byte, sizeof byte, &silence);

  if (would_block (silence))
    return TRUE;
  g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE,
                       length > 0 ? "it sent data behind its consent to TLS"
                                  : "it closed the connection instead of beginning TLS");
  return FALSE;
}

static void
go_on (gpointer user_data)
{
  CpdPlaintext *plaintext = user_data;
  gboolean over = FALSE;
  gsize left = TURN_MAX_BYTES;
  GError *error = NULL;

  while (!over && left-- > 0 && speak (plaintext, &error) && listen_to_byte (plaintext, &error))
    over = cpd_preamble_is_over (plaintext->preamble);
  if (over && check_silent (plaintext, &error))
    finish (plaintext, NULL);
  else if (error != NULL && !would_block (error))
    finish (plaintext, error);
  else
    {
      g_clear_error (&error);
      cpd_tls_watch (plaintext->tls, cpd_tls_has_unsent (plaintext->tls) ? G_IO_OUT : G_IO_IN,
                     go_on, plaintext);
    }
}

/* `tls`: (transfer full): of a connection on which nothing was said yet. `done`: called from the
 * main loop.
 * Returns: (transfer none): lasts until `done` is called */
CpdPlaintext *
cpd_plaintext_start (CpdTls *tls, CpdStarttls protocol, CpdPlaintextFunc done, GTask *task)
{
  CpdPlaintext *plaintext = g_new0 (CpdPlaintext, 1);

  plaintext->tls = tls;
  plaintext->preamble = cpd_preamble_new (protocol);
  plaintext->done = done;
  plaintext->task = task;
  cpd_tls_watch (tls, G_IO_OUT, go_on, plaintext);
  return plaintext;
}
