/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A socket on which the caller has spoken in plaintext up to the point where TLS begins (RFC 3207,
 * RFC 2595, and others). A thread apart carries what goes over it to and from one of our own. The
 * caller's copy stays as it is: nothing here makes it non-blocking.
 *
 * In TLS, the client speaks first: until then, nothing is read from the caller's socket, so that
 * one that may not be used stays the caller's. */

#include "config.h"

#include "daemon/transport/cpd-lent-socket.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-error-queue.h"
#include "daemon/transport/cpd-silence.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES (64 * 1024)

/* The thread's. */
enum
{
  GIVEN,
  FAR,
  CUT,
  N_FDS
};

/* How long what was sent last may take after it was closed. */
#define LAST_BYTES_US (10 * G_TIME_SPAN_SECOND)

/* How often the kernel is asked whether what was sent has left. */
#define ASK_MS 20

/* Both sides hold a reference. */
struct _CpdLentSocket
{
  int queued;  /* atomic: how many bytes the thread and the kernel have for the server */
  int failure; /* atomic: what the kernel said of the network; 0: nothing */

  /* Before it is told, only the thread has these; then they never change. */
  int told; /* atomic: boolean */
  CpdRouteEnds ends;
  GInetAddress *address; /* NULL: none, since it leads to another program of this machine */
  GError *error;

  /* The main loop's. */
  int near;                /* one of a pair */
  int cut;                 /* an eventfd: readable: not another byte leaves */
  GSource *source;         /* waits until it is told; NULL: it was */
  CpdLentSocketFunc ready; /* NULL: it was called, or will not be */
  gpointer user_data;
};

/* What goes one way. */
typedef struct
{
  guint8 bytes[PIECE_BYTES];
  gsize begin, end;
  gboolean ended;  /* nothing more comes */
  gboolean broken; /* nothing more can be sent */
} Way;

/* What the thread has. */
typedef struct
{
  CpdLentSocket *lent;
  int given;    /* a copy of the caller's */
  int far;      /* the other one of the pair */
  int cut;      /* the same eventfd */
  Way up, down; /* to the server, and from it */
  gboolean begun;
  gint64 deadline_us; /* monotonic: of the last bytes; 0: the main loop still has its end */
} Carrier;

static void
lent_socket_clear (gpointer data)
{
  CpdLentSocket *lent = data;

  g_clear_object (&lent->address);
  g_clear_error (&lent->error);
}

static void
lent_socket_unref (gpointer lent)
{
  g_atomic_rc_box_release_full (lent, lent_socket_clear);
}

static gboolean
has_ended (const Way *way)
{
  return way->broken || (way->ended && way->begin == way->end);
}

/* A server that resets the connection is no failure of the network. */
static void
note_failure (Carrier *carrier, int socket)
{
  if (socket == carrier->given && errno != ECONNRESET && errno != EPIPE)
    g_atomic_int_set (&carrier->lent->failure, errno);
}

static gboolean
is_passing (void)
{
  return errno == EAGAIN || errno == EINTR;
}

static void
fill (Carrier *carrier, Way *way, int from)
{
  ssize_t length = recv (from, way->bytes, sizeof way->bytes, MSG_DONTWAIT);

  way->begin = 0;
  way->end = (gsize)MAX (length, 0);
  if (length >= 0 || !is_passing ())
    way->ended = length <= 0;
  if (way->ended && length < 0)
    note_failure (carrier, from);
}

static void
empty (Carrier *carrier, Way *way, int into)
{
  ssize_t length
      = send (into, way->bytes + way->begin, way->end - way->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (length >= 0)
    way->begin += (gsize)length;
  else if (!is_passing ())
    {
      note_failure (carrier, into);
      way->broken = TRUE;
    }
}

static void
move (Carrier *carrier, Way *way, int from, int into)
{
  if (way->begin == way->end && !way->ended)
    fill (carrier, way, from);
  if (way->begin < way->end && !way->broken)
    empty (carrier, way, into);
}

/* Of TCP, what has not left counts; of others, what was not read. */
static int
count_queued (const Carrier *carrier)
{
  int queued = 0;

  if (ioctl (carrier->given, SIOCOUTQNSD, &queued) != 0
      && ioctl (carrier->given, SIOCOUTQ, &queued) != 0)
    queued = 0;
  return queued + (int)(carrier->up.end - carrier->up.begin);
}

/* `queued` may be too large for a moment, but never 0 while there is something. */
static void
move_up (Carrier *carrier)
{
  g_atomic_int_compare_and_exchange (&carrier->lent->queued, 0, 1);
  move (carrier, &carrier->up, carrier->far, carrier->given);
  carrier->begun |= carrier->up.end > 0;
  g_atomic_int_set (&carrier->lent->queued, count_queued (carrier));
}

/* The main loop sees what happens at the other end as if the socket were its own. */
static void
move_down (Carrier *carrier)
{
  gboolean had_ended = has_ended (&carrier->down);

  if (carrier->begun && !had_ended)
    move (carrier, &carrier->down, carrier->given, carrier->far);
  if (!had_ended && has_ended (&carrier->down))
    shutdown (carrier->far, SHUT_WR);
  if (carrier->up.broken)
    shutdown (carrier->far, SHUT_RD);
}

static short
get_events (const Way *in, const Way *out)
{
  short events = 0;

  if (in->begin == in->end && !in->ended && !in->broken)
    events |= POLLIN;
  if (out->begin < out->end && !out->broken)
    events |= POLLOUT;
  return events;
}

static gboolean
is_queued (const Carrier *carrier)
{
  return g_atomic_int_get (&carrier->lent->queued) != 0;
}

/* Returns: whether it goes on */
static gboolean
wait_for_either (Carrier *carrier)
{
  short far_events = get_events (&carrier->up, &carrier->down);
  short given_events = carrier->begun ? get_events (&carrier->down, &carrier->up) : 0;
  gboolean ask_far = far_events != 0 || carrier->deadline_us == 0;
  struct pollfd ends[]
      = { { .fd = carrier->cut, .events = POLLIN },
          { .fd = ask_far ? carrier->far : -1, .events = far_events },
          { .fd = given_events != 0 ? carrier->given : -1, .events = given_events } };

  if (poll (ends, G_N_ELEMENTS (ends), is_queued (carrier) ? ASK_MS : -1) < 0)
    return errno == EINTR;
  if ((ends[1].revents & POLLHUP) != 0 && carrier->deadline_us == 0)
    carrier->deadline_us = g_get_monotonic_time () + LAST_BYTES_US;
  if ((ends[2].revents & POLLERR) != 0)
    cpd_error_queue_drain (carrier->given);
  return ends[0].revents == 0;
}

/* Whether there may be more to do. A server that takes nothing more may have said why before. */
static gboolean
goes_on (const Carrier *carrier)
{
  gboolean left = carrier->deadline_us != 0;

  if (carrier->up.broken)
    return !left && !has_ended (&carrier->down);
  return !has_ended (&carrier->up) && (!left || g_get_monotonic_time () < carrier->deadline_us);
}

/* Not another byte leaves, not even what the kernel holds: a TCP socket resets its connection, even
 * if others share it. */
static void
reset (int socket)
{
  const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

  connect (socket, &nowhere, sizeof nowhere);
}

static void
carry (Carrier *carrier)
{
  gboolean cut = FALSE;

  while (!cut && goes_on (carrier))
    {
      cut = !wait_for_either (carrier);
      if (!cut)
        {
          move_up (carrier);
          move_down (carrier);
        }
    }
  if (cut || carrier->up.begin < carrier->up.end)
    {
      g_atomic_int_set (&carrier->lent->queued, 1); /* what never leaves */
      reset (carrier->given);
    }
  if (cut || carrier->begun)
    shutdown (carrier->given, SHUT_RDWR);
}

/* Where it leads. A socket that leads to another program of this machine has no such address. */
static gboolean
find_address (Carrier *carrier, GError **error)
{
  CpdLentSocket *lent = carrier->lent;
  g_autoptr (GSocketAddress) found = NULL;

  if (!cpd_route_find_ends (carrier->given, &lent->ends))
    {
      g_set_error_literal (error, G_IO_ERROR, (int)g_io_error_from_errno (errno),
                           "the socket is no longer connected");
      return FALSE;
    }
  if (lent->ends.remote.bytes.ss_family == AF_UNIX)
    return TRUE;
  found = g_socket_address_new_from_native (&lent->ends.remote.bytes, lent->ends.remote.length);
  if (!G_IS_INET_SOCKET_ADDRESS (found))
    {
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE,
                           "the socket is neither one of TCP nor one of this machine");
      return FALSE;
    }
  lent->address = g_object_ref (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (found)));
  return TRUE;
}

/* A server says nothing before it has the ClientHello. What waits is plaintext: the rest of its
 * answer, or what somebody on the way added to it. */
static gboolean
check_silent (int socket, GError **error)
{
  char byte;
  ssize_t length = recv (socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);

  if (length < 0 && is_passing ())
    return TRUE;
  if (length < 0)
    g_set_error_literal (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), g_strerror (errno));
  else if (length == 0)
    g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_EOF, "it closed the connection");
  else
    g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE,
                         "data was waiting on the socket before the handshake; read the whole "
                         "answer to STARTTLS first");
  return FALSE;
}

static gboolean
make_ready (Carrier *carrier)
{
  const int on = 1;

  if (!find_address (carrier, &carrier->lent->error)
      || !check_silent (carrier->given, &carrier->lent->error))
    return FALSE;
  setsockopt (carrier->given, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  cpd_silence_probe (carrier->given);
  return TRUE;
}

/* The main loop hears of it by a byte, which comes before any of the server's. */
static void
tell (const Carrier *carrier)
{
  g_atomic_int_set (&carrier->lent->told, TRUE);
  send (carrier->far, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
work (const int *fds, gpointer data)
{
  g_autofree Carrier *carrier = g_new0 (Carrier, 1);
  gboolean ready;

  carrier->lent = data;
  carrier->given = fds[GIVEN];
  carrier->far = fds[FAR];
  carrier->cut = fds[CUT];
  ready = make_ready (carrier);
  tell (carrier);
  if (ready)
    carry (carrier);
  close (carrier->far);
  close (carrier->cut);
  lent_socket_unref (carrier->lent);
  close (carrier->given); /* which may wait */
}

/* What the thread has to say has come. */
static gboolean
on_told (int fd, GIOCondition condition, gpointer user_data)
{
  CpdLentSocket *lent = user_data;
  char byte;

  if (recv (fd, &byte, sizeof byte, MSG_DONTWAIT) < 0 || !g_atomic_int_get (&lent->told))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&lent->source, g_source_unref);
  lent->ready (g_steal_pointer (&lent->error), lent->user_data);
  return G_SOURCE_REMOVE;
}

static void
wait_until_told (CpdLentSocket *lent)
{
  lent->source = g_unix_fd_source_new (lent->near, G_IO_IN);
  g_source_set_static_name (lent->source, "a lent socket");
  g_source_set_callback (lent->source, G_SOURCE_FUNC (on_told), lent, NULL);
  g_source_attach (lent->source, g_main_context_get_thread_default ());
}

/* `fds`: of the thread; those that could not be made are -1. Returns: FALSE with errno set */
static gboolean
make_ends (CpdLentSocket *lent, int given, int fds[N_FDS])
{
  int pair[2] = { -1, -1 };
  gboolean made;

  lent->cut = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  fds[CUT] = fcntl (lent->cut, F_DUPFD_CLOEXEC, 0);
  fds[GIVEN] = fcntl (given, F_DUPFD_CLOEXEC, 0);
  made = fds[CUT] >= 0 && fds[GIVEN] >= 0
         && socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
  lent->near = pair[0];
  fds[FAR] = pair[1];
  return made;
}

static gboolean
fail_to_make (GError **error)
{
  g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), "cannot make sockets: %s",
               g_strerror (errno));
  return FALSE;
}

static gboolean
start (CpdLentSocket *lent, const CpdLentSocketSettings *settings, GError **error)
{
  int fds[N_FDS];

  if ((make_ends (lent, settings->given, fds) || fail_to_make (error))
      && cpd_apart_start (&settings->apart, fds, N_FDS, work, lent, error))
    return TRUE;
  for (unsigned int i = 0; i < N_FDS; i++)
    close (fds[i]);
  return FALSE;
}

/* `settings->given`: stays the caller's.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED; G_IO_ERROR.
 * Returns: (transfer full): on the main context of this thread */
CpdLentSocket *
cpd_lent_socket_new (const CpdLentSocketSettings *settings, GError **error)
{
  CpdLentSocket *lent = g_atomic_rc_box_new0 (CpdLentSocket);

  lent->ready = settings->ready;
  lent->user_data = settings->user_data;
  if (!start (g_atomic_rc_box_acquire (lent), settings, error))
    {
      lent_socket_unref (lent); /* the thread's */
      cpd_lent_socket_free (lent);
      return NULL;
    }
  wait_until_told (lent);
  return lent;
}

/* `ready` is not called any more. What was sent goes to the server; if nothing was, the caller's
 * socket stays as it is.
 * `lent`: (nullable) */
void
cpd_lent_socket_free (CpdLentSocket *lent)
{
  if (lent == NULL)
    return;
  if (lent->source != NULL)
    g_source_destroy (lent->source);
  g_clear_pointer (&lent->source, g_source_unref);
  close (lent->near);
  close (lent->cut);
  lent_socket_unref (lent);
}

/* Returns: (transfer none) (nullable): where it leads, once it is ready; NULL: to another program
 * of this machine */
GInetAddress *
cpd_lent_socket_get_address (CpdLentSocket *lent)
{
  return lent->address;
}

/* Returns: (transfer none): to be used in its place */
int
cpd_lent_socket_get_fd (CpdLentSocket *lent)
{
  return lent->near;
}

/* Whether its network has gone from this machine. */
gboolean
cpd_lent_socket_is_lost (CpdLentSocket *lent)
{
  return cpd_route_is_lost (&lent->ends);
}

/* Returns: what the kernel said of the network, as errno; 0: nothing */
int
cpd_lent_socket_get_failure (CpdLentSocket *lent)
{
  return g_atomic_int_get (&lent->failure);
}

/* Returns: how many bytes of what was sent have not left, or more */
gsize
cpd_lent_socket_count_queued (CpdLentSocket *lent)
{
  int queued = 0;

  if (ioctl (lent->near, SIOCOUTQ, &queued) != 0)
    queued = 0;
  return (gsize)queued + (gsize)g_atomic_int_get (&lent->queued);
}

/* As soon as the thread runs, not another byte leaves. */
void
cpd_lent_socket_cut (CpdLentSocket *lent)
{
  eventfd_write (lent->cut, 1);
}
