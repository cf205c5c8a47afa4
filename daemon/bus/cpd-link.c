/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands between the bus and GDBus. GDBus decodes every message on the one thread that also handles
 * the replies of the bus and of polkit: a single message of 32 MiB can block it for ten seconds and
 * take gigabytes. So GDBus gets one end of a socketpair instead of the bus's socket. One thread
 * reads from the bus as fast as the bus sends: it puts calls of the service into the inbox, or
 * refuses them before reading the body, and passes all else to GDBus. Another thread passes GDBus's
 * messages to the bus; those of the service to its callers come by the post. */

#include "config.h"

#include "daemon/bus/cpd-link.h"

#include "daemon/bus/cpd-socket.h"
#include "daemon/bus/cpd-wire.h"
#include "daemon/core/base/cpd-clock.h"
#include "dbus/certpin-names.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* No member of any interface needs a longer header. */
#define HEADER_MAX_BYTES (64 * 1024)

/* D-Bus Specification, “Message Protocol”: “the maximum length of a message is 128 MiB”. */
#define MESSAGE_MAX_BYTES (128 * 1024 * 1024)

/* Longer messages are passed on in pieces. */
#define WHOLE_MAX_BYTES (64 * 1024)

/* Of the talk before. */
#define LINE_MAX_BYTES 1024

/* Data in the buffer of a socket does not take turns. */
#define SOCKET_BYTES (8 * 1024)

/* How long the last messages may take to leave. */
#define LAST_WORDS_MS 1000

struct _CpdLink
{
  CpdSource bus, inner; /* `inner`: the other end is that of GDBus */
  GDBusConnection *connection;
  CpdInbox *inbox; /* atomic; NULL: calls are dropped, because the service has no name yet */
  GThread *in, *out;
  CpdBaton sending; /* to the bus, a message at a time */
  CpdPost *post;    /* NULL until there is a connection */
};

/* One message on its way from the bus. */
typedef struct
{
  CpdWireHeader header;
  guint8 *bytes; /* header and, once it is read, body */
  gsize header_bytes;
} Letter;

static void
letter_clear (Letter *letter)
{
  g_free (letter->bytes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Letter, letter_clear)

/* FALSE: it is the end. */
static gboolean
read_header (CpdSource *source, Letter *letter)
{
  guint8 start[CPD_WIRE_START_BYTES];
  guint64 bytes;

  if (!cpd_source_read (source, start, sizeof start))
    return FALSE;
  bytes = cpd_wire_measure_header (start);
  letter->header.body_bytes = cpd_wire_measure_body (start);
  if (bytes + letter->header.body_bytes > MESSAGE_MAX_BYTES)
    return FALSE;
  if (bytes > HEADER_MAX_BYTES)
    return cpd_source_skip (source, bytes - sizeof start);
  letter->bytes = g_malloc (bytes);
  letter->header_bytes = bytes;
  memcpy (letter->bytes, start, sizeof start);
  return cpd_source_read (source, letter->bytes + sizeof start, bytes - sizeof start);
}

static gboolean
read_body (CpdSource *source, Letter *letter)
{
  guint32 size = letter->header.body_bytes;

  letter->bytes = g_realloc (letter->bytes, letter->header_bytes + size);
  /* what the header says is within the bytes that were moved */
  return cpd_wire_read_header (letter->bytes, letter->header_bytes, &letter->header)
         && cpd_source_read (source, letter->bytes + letter->header_bytes, size);
}

static gboolean
skip_body (CpdSource *source, Letter *letter)
{
  return cpd_source_skip (source, letter->header.body_bytes);
}

static gboolean
parse_header (Letter *letter)
{
  return letter->bytes != NULL
         && cpd_wire_read_header (letter->bytes, letter->header_bytes, &letter->header);
}

static gboolean
pass_in_pieces (CpdSource *from, CpdSource *to, gsize size)
{
  while (size > 0)
    {
      const guint8 *bytes;
      gsize n = MIN (cpd_source_peek (from, &bytes), size);

      if (n == 0 || !cpd_socket_send (to->socket, bytes, n, NULL) || !cpd_source_skip (from, n))
        return FALSE;
      size -= n;
    }
  return TRUE;
}

/* The rest of a message whose header is read. */
static gboolean
pass_on (CpdSource *from, CpdSource *to, Letter *letter, GArray *fds)
{
  guint32 size = letter->header.body_bytes;

  if (size > WHOLE_MAX_BYTES)
    return cpd_socket_send (to->socket, letter->bytes, letter->header_bytes, fds)
           && pass_in_pieces (from, to, size);
  return read_body (from, letter)
         && cpd_socket_send (to->socket, letter->bytes, letter->header_bytes + size, fds);
}

/* Calls of other programs; the bus makes none. */
static gboolean
is_call (const CpdWireHeader *header)
{
  return header->type == G_DBUS_MESSAGE_TYPE_METHOD_CALL && header->sender != NULL
         && header->sender[0] == ':';
}

/* Nobody needs to send unicast signals to this connection, and one could be mistaken for
 * polkit's. */
static gboolean
is_unasked (const CpdWireHeader *header)
{
  return header->type == G_DBUS_MESSAGE_TYPE_SIGNAL && header->destination != NULL
         && g_strcmp0 (header->sender, DBUS_NAME) != 0;
}

/* The methods of one interface take a descriptor. */
static const char *
refuse_descriptors (const CpdWireHeader *header)
{
  if (header->n_fds > 0 && g_strcmp0 (header->interface, CERTPIN_REQUESTS_IFACE) != 0)
    return "only methods of the interface " CERTPIN_REQUESTS_IFACE " take a file descriptor";
  return header->n_fds > 1 ? "no method takes more than one file descriptor" : NULL;
}

/* Returns: why the call is refused before reading the body; NULL: it is not */
static const char *
refuse_unread (CpdInbox *inbox, const Letter *letter)
{
  const CpdWireHeader *header = &letter->header;
  const char *refusal = refuse_descriptors (header);
  guint64 bytes = letter->header_bytes + (guint64)header->body_bytes
                  + header->n_fds * CPD_ARRIVAL_DESCRIPTOR_BYTES;

  if (refusal != NULL)
    return refusal;
  if (!cpd_inbox_has_room (inbox, header->sender, bytes))
    return "your program has too many calls in progress; wait for replies, or send less at a time";
  return NULL;
}

/* Returns: why the call is refused before decoding it; NULL: it is not */
static const char *
refuse_read (const Letter *letter)
{
  if (cpd_wire_has_more_values (&letter->header, letter->bytes + letter->header_bytes,
                                CPD_ARRIVAL_VALUES_MAX))
    return "this call contains more than " G_STRINGIFY (
        CPD_ARRIVAL_VALUES_MAX) " values; send fewer at a time";
  return NULL;
}

/* `fds`: (nullable) */
static gboolean
take_call (CpdLink *link, CpdInbox *inbox, Letter *letter, GArray *fds)
{
  const char *refusal = refuse_unread (inbox, letter);
  gint64 before_us = cpd_clock_work_us ();
  gsize size = letter->header_bytes;
  CpdArrival *arrival;

  if (refusal != NULL ? !skip_body (&link->bus, letter) : !read_body (&link->bus, letter))
    return FALSE;
  if (refusal == NULL)
    refusal = refuse_read (letter);
  if (refusal != NULL)
    cpd_wire_empty (letter->bytes, letter->header_bytes);
  else
    size += letter->header.body_bytes;
  arrival = cpd_arrival_new (&letter->header,
                             g_bytes_new_take (g_steal_pointer (&letter->bytes), size), refusal);
  cpd_arrival_take_descriptors (arrival, fds);
  cpd_inbox_receive (inbox, letter->header.sender, arrival, cpd_clock_work_us () - before_us);
  return TRUE;
}

/* FALSE: it is the end. */
static gboolean
bring_one_in (CpdLink *link)
{
  g_auto (Letter) letter = { 0 };
  g_autoptr (GArray) fds = NULL;
  CpdInbox *inbox;

  cpd_source_drop_old_fds (&link->bus);
  if (!read_header (&link->bus, &letter))
    return FALSE;
  inbox = g_atomic_pointer_get (&link->inbox);
  if (!parse_header (&letter))
    return skip_body (&link->bus, &letter);
  fds = cpd_source_take_fds (&link->bus, letter.header.n_fds);
  if (is_unasked (&letter.header) || (is_call (&letter.header) && inbox == NULL))
    return skip_body (&link->bus, &letter);
  return is_call (&letter.header) ? take_call (link, inbox, &letter, fds)
                                  : pass_on (&link->bus, &link->inner, &letter, fds);
}

/* Descriptors stay with their message. */
static gboolean
take_one_out (CpdLink *link)
{
  g_auto (Letter) letter = { 0 };
  g_autoptr (GArray) fds = NULL;
  gboolean passed;

  if (!read_header (&link->inner, &letter) || !parse_header (&letter))
    return FALSE;
  fds = cpd_source_take_fds (&link->inner, letter.header.n_fds);
  cpd_baton_take (&link->sending);
  passed = pass_on (&link->inner, &link->bus, &letter, fds);
  cpd_baton_give (&link->sending);
  return passed;
}

/* A line of the authentication, which comes before any message. `line`: (out). FALSE: the end. */
static gboolean
pass_line (CpdSource *from, CpdSource *to, GByteArray *line)
{
  guint8 byte;

  g_byte_array_set_size (line, 0);
  do
    {
      if (line->len == LINE_MAX_BYTES || !cpd_source_read (from, &byte, 1))
        return FALSE;
      g_byte_array_append (line, &byte, 1);
    }
  while (byte != '\n');
  return cpd_socket_send (to->socket, line->data, line->len, NULL);
}

/* D-Bus Specification, “Authentication Protocol”: the client's lines and the bus's take turns. */
static gboolean
introduce (CpdLink *link)
{
  static const char begin[] = "BEGIN\r\n";
  g_autoptr (GByteArray) line = g_byte_array_new ();

  while (pass_line (&link->inner, &link->bus, line))
    {
      if (line->len == strlen (begin) && memcmp (line->data, begin, line->len) == 0)
        return TRUE;
      if (!pass_line (&link->bus, &link->inner, line))
        return FALSE;
    }
  return FALSE;
}

static void
end (CpdLink *link)
{
  shutdown (link->bus.socket, SHUT_RDWR);
  shutdown (link->inner.socket, SHUT_RDWR);
}

static gpointer
carry_out (gpointer user_data)
{
  CpdLink *link = user_data;

  while (take_one_out (link))
    ;
  end (link);
  return NULL;
}

static gpointer
carry_in (gpointer user_data)
{
  CpdLink *link = user_data;

  if (introduce (link))
    {
      link->out = g_thread_new ("certpin-bus-out", carry_out, link);
      while (bring_one_in (link))
        ;
    }
  end (link);
  return NULL;
}

static void
hold_little (int socket)
{
  const int bytes = SOCKET_BYTES;

  setsockopt (socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static gboolean
fail (const char *what, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot %s: %s", what,
               g_strerror (errno));
  return FALSE;
}

static gboolean
connect_to_bus (CpdLink *link, const char *address, GError **error)
{
  g_autoptr (GIOStream) stream = g_dbus_address_get_stream_sync (address, NULL, NULL, error);
  GSocket *socket;
  int fd;

  if (stream == NULL)
    return FALSE;
  socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));
  fd = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0); /* the stream closes its own */
  if (fd < 0)
    return fail ("keep the connection to the bus", error);
  g_unix_set_fd_nonblocking (fd, FALSE, NULL); /* a thread waits there */
  hold_little (fd);
  link->bus.socket = fd;
  return TRUE;
}

/* The other end of `link->inner`. Returns: (transfer full) (nullable) */
static GIOStream *
make_inner (CpdLink *link, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    {
      fail ("make sockets", error);
      return NULL;
    }
  link->inner.socket = ends[0];
  hold_little (ends[1]);
  socket = g_socket_new_from_fd (ends[1], error);
  return socket != NULL ? G_IO_STREAM (g_socket_connection_factory_create_connection (socket))
                        : NULL;
}

/* Connects, and says hello. Blocks. */
CpdLink *
cpd_link_new (const char *address, GError **error)
{
  g_autoptr (CpdLink) link = g_new0 (CpdLink, 1);
  g_autoptr (GIOStream) stream = NULL;

  cpd_baton_init (&link->sending);
  cpd_source_init (&link->bus, -1);
  cpd_source_init (&link->inner, -1);
  if (!connect_to_bus (link, address, error))
    return NULL;
  stream = make_inner (link, error);
  if (stream == NULL)
    return NULL;
  link->in = g_thread_new ("certpin-bus-in", carry_in, link);
  link->connection
      = g_dbus_connection_new_sync (stream, NULL,
                                    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                        | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                    NULL, NULL, error);
  if (link->connection == NULL)
    return NULL;
  link->post = cpd_post_new (link->bus.socket, &link->sending);
  return g_steal_pointer (&link);
}

static void
on_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

static gboolean
on_late (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets GDBus send its messages, unless the bus does not read them in time. */
static void
flush (CpdLink *link)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) deadline = g_timeout_source_new (LAST_WORDS_MS);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean flushed = FALSE, late = FALSE;

  g_main_context_push_thread_default (context);
  g_source_set_callback (deadline, on_late, &late, NULL);
  g_source_attach (deadline, context);
  g_dbus_connection_flush (link->connection, cancellable, on_flushed, &flushed);
  while (!flushed)
    {
      g_main_context_iteration (context, TRUE);
      if (late)
        g_cancellable_cancel (cancellable);
    }
  g_source_destroy (deadline);
  g_main_context_pop_thread_default (context);
}

/* When GDBus has closed its end, the thread that reads from there ends both sockets. */
static void
send_last_words (CpdLink *link)
{
  struct pollfd ended = { .fd = link->bus.socket };

  cpd_post_flush (link->post, g_get_monotonic_time () + LAST_WORDS_MS * 1000);
  flush (link);
  g_dbus_connection_close_sync (link->connection, NULL, NULL);
  g_object_unref (link->connection);
  poll (&ended, 1, LAST_WORDS_MS);
}

void
cpd_link_free (CpdLink *link)
{
  if (link == NULL)
    return;
  if (link->connection != NULL)
    send_last_words (link);
  end (link);
  g_clear_pointer (&link->post, cpd_post_free);
  g_clear_pointer (&link->in, g_thread_join);
  g_clear_pointer (&link->out, g_thread_join);
  cpd_source_clear (&link->bus);
  cpd_source_clear (&link->inner);
  cpd_baton_clear (&link->sending);
  cpd_inbox_unref (link->inbox);
  g_free (link);
}

/* Returns: (transfer none) */
GDBusConnection *
cpd_link_get_connection (CpdLink *link)
{
  return link->connection;
}

/* Returns: (transfer none): for the messages of the service to its callers */
CpdPost *
cpd_link_get_post (CpdLink *link)
{
  return link->post;
}

/* From now on, calls go to an inbox. Call it once. */
void
cpd_link_open (CpdLink *link, CpdInbox *inbox)
{
  g_atomic_pointer_set (&link->inbox, cpd_inbox_ref (inbox));
}
