/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One connection of a flood: a socket that writes messages made beforehand, with nothing changed
 * but their serial, and reads no more of what comes back than it has to. A D-Bus library would
 * spend the flood's processor time on itself, and none can be kept from reading. */

#include "config.h"

#include "tests/bench/bench-floods/flood-connection.h"

#include "tests/bench/bench-floods/flood-messages.h"

#include <glib-unix.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER_BYTES 16 /* of a message, in front of its fields */
#define BATCH_BYTES  (64 * 1024)
#define SMALL_BYTES  4096
#define READ_BYTES   (256 * 1024)

/* What a header says, as far as it matters. */
typedef struct
{
  guint8 type;
  guint32 reply_serial;
  const char *error_name;
  const char *destination;
} Header;

struct _FloodConnection
{
  const FloodRole *role;
  GPtrArray *messages; /* of GBytes; NULL until they can be built */
  int fd;
  gboolean greeted;  /* all of the greeting is written */
  char *unique_name; /* once the bus has said it, and it was read */

  unsigned int next; /* index in `messages` */
  unsigned int waiting;
  guint32 serial;
  guint32 first_serial; /* of the flood's own messages */
  GByteArray *out;
  size_t out_written;
  const guint8 *tail; /* of a large message whose header is in `out` */
  size_t tail_left;

  unsigned int lines_left; /* of the authentication */
  GByteArray *head;        /* a header that has come in part */
  size_t head_bytes;       /* that it will have */
  size_t skip;             /* of a body */
};

static void
append_copy (FloodConnection *connection, const guint8 *blob, size_t size)
{
  guint32 serial = ++connection->serial;
  size_t start = connection->out->len;

  g_byte_array_append (connection->out, blob, (guint)size);
  memcpy (connection->out->data + start + 8, &serial, sizeof serial);
}

static void
append_message (FloodConnection *connection, GBytes *message)
{
  size_t size;
  const guint8 *blob = g_bytes_get_data (message, &size);

  append_copy (connection, blob, size);
}

/* Everything until the flood begins goes out at once: the other side answers in its own time. */
static void
greet (FloodConnection *connection)
{
  g_autofree char *uid = g_strdup_printf ("%u", (unsigned int)getuid ());
  g_autoptr (GString) text = g_string_new ("AUTH EXTERNAL ");
  g_autoptr (GBytes) hello = flood_message_hello ();
  guint8 nothing = 0;

  for (const char *digit = uid; *digit != '\0'; digit++)
    g_string_append_printf (text, "%02x", (unsigned int)*digit);
  g_string_append (text, "\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
  g_byte_array_append (connection->out, &nothing, 1);
  g_byte_array_append (connection->out, (const guint8 *)text->str, (guint)text->len);
  append_message (connection, hello);
  if (connection->role->flags & FLOOD_SUBSCRIBES)
    {
      g_autoptr (GBytes) subscribe = flood_message_subscribe ();
      g_autoptr (GBytes) version = flood_message_version ();

      append_message (connection, subscribe);
      append_message (connection, version);
    }
  connection->first_serial = connection->serial + 1;
  connection->lines_left = 2;
}

static void
open_connection (FloodConnection *connection)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, connection->role->socket, sizeof address.sun_path);
  connection->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0
      || connect (connection->fd, (const struct sockaddr *)&address, sizeof address) < 0
      || !g_unix_set_fd_nonblocking (connection->fd, TRUE, NULL))
    {
      g_printerr ("flooder: %s: %s\n", address.sun_path, g_strerror (errno));
      exit (1);
    }
  connection->role->counts->connects++;
  greet (connection);
}

static void
close_connection (FloodConnection *connection)
{
  close (connection->fd);
  g_clear_pointer (&connection->unique_name, g_free);
  connection->greeted = FALSE;
  g_byte_array_set_size (connection->out, 0);
  g_byte_array_set_size (connection->head, 0);
  connection->head_bytes = HEADER_BYTES;
  connection->out_written = connection->tail_left = connection->skip = 0;
  connection->serial = connection->waiting = connection->next = 0;
}

FloodConnection *
flood_connection_new (const FloodRole *role)
{
  FloodConnection *connection = g_new0 (FloodConnection, 1);

  connection->role = role;
  if (role->messages != NULL)
    connection->messages = g_ptr_array_ref (role->messages);
  connection->out = g_byte_array_new ();
  connection->head = g_byte_array_new ();
  connection->head_bytes = HEADER_BYTES;
  open_connection (connection);
  return connection;
}

int
flood_connection_get_fd (const FloodConnection *connection)
{
  return connection->fd;
}

/* Whether it has greeted the bus, and knows it if it reads. */
gboolean
flood_connection_is_ready (const FloodConnection *connection)
{
  if (connection->role->flags & FLOOD_SILENT)
    return connection->greeted;
  return connection->unique_name != NULL;
}

/* Reading */

/* Reads the fields that matter out of the array of (yv) in a header. */
static void
parse_fields (const guint8 *data, size_t size, Header *header)
{
  size_t at = HEADER_BYTES;

  while (at + 8 <= size)
    {
      guint8 code = data[at];
      char kind = (char)data[at + 2];
      guint32 value;

      if (kind == 'g')
        {
          at += 4 + 1 + data[at + 4] + 1;
        }
      else
        {
          memcpy (&value, data + at + 4, sizeof value);
          if (code == 5)
            header->reply_serial = value;
          else if (code == 4)
            header->error_name = (const char *)data + at + 8;
          else if (code == 6)
            header->destination = (const char *)data + at + 8;
          at += kind == 'u' ? 8 : 8 + value + 1;
        }
      at = (at + 7) & ~(size_t)7;
    }
}

static void
on_hello (FloodConnection *connection, const Header *header)
{
  connection->unique_name = g_strdup (header->destination);
  if (connection->role->build != NULL)
    {
      g_clear_pointer (&connection->messages, g_ptr_array_unref);
      connection->messages
          = connection->role->build (connection->role->data, connection->unique_name);
    }
}

static void
count_error (FloodCounts *counts, const char *name)
{
  gpointer so_far = g_hash_table_lookup (counts->errors, name);

  g_hash_table_insert (counts->errors, g_strdup (name),
                       GSIZE_TO_POINTER (GPOINTER_TO_SIZE (so_far) + 1));
}

static void
on_header (FloodConnection *connection)
{
  Header header = { .type = connection->head->data[1] };

  if (header.type != FLOOD_TYPE_RETURN && header.type != FLOOD_TYPE_ERROR)
    return;
  parse_fields (connection->head->data, connection->head->len, &header);
  if (header.reply_serial == 1)
    on_hello (connection, &header);
  if (header.reply_serial < connection->first_serial)
    return;
  if (connection->waiting > 0)
    connection->waiting--;
  connection->role->counts->answered++;
  if (header.error_name != NULL)
    count_error (connection->role->counts, header.error_name);
}

static size_t
take_line (FloodConnection *connection, const guint8 *data, size_t size)
{
  const guint8 *end = memchr (data, '\n', size);

  if (end == NULL)
    return size;
  if (g_str_has_prefix ((const char *)data, "REJECTED"))
    {
      g_printerr ("flooder: the bus does not take user %u\n", (unsigned int)getuid ());
      exit (1);
    }
  connection->lines_left--;
  return (size_t)(end - data) + 1;
}

static size_t
take_head (FloodConnection *connection, const guint8 *data, size_t size)
{
  size_t taken = MIN (size, connection->head_bytes - connection->head->len);
  guint32 fields, body;

  g_byte_array_append (connection->head, data, (guint)taken);
  if (connection->head->len < connection->head_bytes)
    return taken;
  memcpy (&fields, connection->head->data + 12, sizeof fields);
  if (connection->head_bytes == HEADER_BYTES && fields > 0)
    {
      connection->head_bytes += (fields + 7) & ~7u;
      return taken;
    }
  memcpy (&body, connection->head->data + 4, sizeof body);
  connection->skip = body;
  on_header (connection);
  g_byte_array_set_size (connection->head, 0);
  connection->head_bytes = HEADER_BYTES;
  return taken;
}

static void
take (FloodConnection *connection, const guint8 *data, size_t size)
{
  while (size > 0)
    {
      size_t taken;

      if (connection->lines_left > 0)
        taken = take_line (connection, data, size);
      else if (connection->skip > 0)
        connection->skip -= taken = MIN (connection->skip, size);
      else
        taken = take_head (connection, data, size);
      data += taken;
      size -= taken;
    }
}

/* read () lets go of the descriptors that come along. */
static ssize_t
read_and_keep (int fd, void *data, size_t size)
{
  struct iovec part = { data, size };
  union
  {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int[FLOOD_DESCRIPTORS_EACH]))];
  } control;
  struct msghdr message = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
  };

  return recvmsg (fd, &message, MSG_CMSG_CLOEXEC);
}

/* Returns: whether the connection is still there */
static gboolean
read_some (FloodConnection *connection)
{
  static guint8 data[READ_BYTES + 1];
  gboolean keeps = connection->role->flags & FLOOD_KEEPS;
  ssize_t size = keeps ? read_and_keep (connection->fd, data, READ_BYTES)
                       : read (connection->fd, data, READ_BYTES);

  if (size < 0)
    return errno == EAGAIN || errno == EINTR;
  if (size == 0)
    return FALSE;
  data[size] = '\0';
  take (connection, data, (size_t)size);
  return TRUE;
}

/* Writing */

static gboolean
may_send (const FloodConnection *connection)
{
  const FloodRole *role = connection->role;

  if (!role->begun || connection->messages == NULL || connection->messages->len == 0
      || connection->tail_left > 0)
    return FALSE;
  if (!(role->flags & FLOOD_SILENT) && connection->unique_name == NULL)
    return FALSE;
  if ((role->flags & (FLOOD_DESCRIPTORS | FLOOD_UPLOADS)) && connection->out->len > 0)
    return FALSE;
  return (role->window == 0 || connection->waiting < role->window)
         && connection->out->len < BATCH_BYTES;
}

/* Appends messages until enough are under way, or until a large one's body has to follow. */
static void
fill (FloodConnection *connection)
{
  while (may_send (connection))
    {
      size_t size;
      const guint8 *blob = g_bytes_get_data (connection->messages->pdata[connection->next], &size);
      gboolean small = size <= SMALL_BYTES;

      append_copy (connection, blob, small ? size : HEADER_BYTES);
      connection->tail = blob + HEADER_BYTES;
      connection->tail_left = small ? 0 : size - HEADER_BYTES;
      connection->next = (connection->next + 1) % connection->messages->len;
      connection->waiting += flood_message_is_answered (blob);
      connection->role->counts->sent++;
    }
}

static ssize_t
write_with_descriptors (FloodConnection *connection, struct msghdr *message)
{
  union
  {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int[FLOOD_DESCRIPTORS_EACH]))];
  } control = { 0 };
  gboolean uploads = connection->role->flags & FLOOD_UPLOADS;
  size_t count = uploads ? 1 : FLOOD_DESCRIPTORS_EACH;
  int descriptors[FLOOD_DESCRIPTORS_EACH];

  for (size_t i = 0; i < count; i++)
    descriptors[i] = uploads ? connection->role->body : STDIN_FILENO;
  control.header.cmsg_len = CMSG_LEN (count * sizeof (int));
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  memcpy (CMSG_DATA (&control.header), descriptors, count * sizeof (int));
  message->msg_control = &control;
  message->msg_controllen = CMSG_SPACE (count * sizeof (int));
  return sendmsg (connection->fd, message, MSG_NOSIGNAL);
}

/* Returns: whether the connection is still there */
static gboolean
write_some (FloodConnection *connection)
{
  struct iovec parts[2] = { { connection->out->data + connection->out_written,
                              connection->out->len - connection->out_written },
                            { (gpointer)connection->tail, connection->tail_left } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = connection->tail_left > 0 ? 2 : 1 };
  gboolean attach = connection->role->flags & (FLOOD_DESCRIPTORS | FLOOD_UPLOADS)
                    && connection->out_written == 0
                    && connection->serial >= connection->first_serial;
  ssize_t size = attach ? write_with_descriptors (connection, &message)
                        : sendmsg (connection->fd, &message, MSG_NOSIGNAL);
  size_t of_out;

  if (size < 0) /* too many descriptors of this user's are on their way already */
    return errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS;
  of_out = MIN ((size_t)size, parts[0].iov_len);
  connection->out_written += of_out;
  connection->tail += (size_t)size - of_out;
  connection->tail_left -= (size_t)size - of_out;
  if (connection->out_written == connection->out->len)
    {
      g_byte_array_set_size (connection->out, 0);
      connection->out_written = 0;
      connection->greeted = TRUE;
    }
  return TRUE;
}

/* Returns: what to poll for */
short
flood_connection_get_events (FloodConnection *connection)
{
  short events = connection->role->flags & FLOOD_SILENT ? 0 : POLLIN;

  if (connection->out->len == 0)
    fill (connection);
  return connection->out->len > 0 || connection->tail_left > 0 ? events | POLLOUT : events;
}

static gboolean
has_left (const FloodConnection *connection)
{
  return (connection->role->flags & FLOOD_LEAVES) && connection->waiting == 0
         && connection->serial >= connection->first_serial && connection->out->len == 0;
}

/* `events`: what poll found. A connection that ended is opened again. */
void
flood_connection_turn (FloodConnection *connection, short events)
{
  gboolean alive = TRUE;

  if (events & POLLIN)
    alive = read_some (connection);
  else if (events & (POLLHUP | POLLERR))
    alive = FALSE;
  if (alive && (events & POLLOUT))
    alive = write_some (connection);
  if (alive && !has_left (connection))
    return;
  connection->role->counts->lost += !alive;
  close_connection (connection);
  open_connection (connection);
}
