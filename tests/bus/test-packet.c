/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that replies leave as GDBus reads them, whole, however little the socket takes. */

#define _GNU_SOURCE /* RTLD_NEXT */

#include "config.h"

#include "daemon/bus/cpd-socket.h"
#include "daemon/bus/cpd-wire.h"
#include "tests/lib/test-packet.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE (300 * 1024)

/* What the next calls of sendmsg () fail with, in their order. */
static struct
{
  int codes[4]; /* 0: no more */
  unsigned int asked;
} failures;

/* In place of the C library's. */
ssize_t
sendmsg (int socket, const struct msghdr *message, int flags)
{
  ssize_t (*real) (int, const struct msghdr *, int) = NULL;
  unsigned int at = failures.asked++;

  if (at < G_N_ELEMENTS (failures.codes) && failures.codes[at] != 0)
    {
      errno = failures.codes[at];
      return -1;
    }
  *(void **)&real = dlsym (RTLD_NEXT, "sendmsg");
  return real (socket, message, flags);
}

static void
test_reply (void)
{
  g_autoptr (CpdPacket) packet = test_packet_new ("us", /* descriptor= */ -1);
  g_autoptr (GDBusMessage) message = NULL;
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new ("(us)", 5, "x"));

  cpd_marshal_number (cpd_packet_get_body (packet), 5);
  cpd_marshal_text (cpd_packet_get_body (packet), "x");
  g_assert_cmpstr (cpd_packet_get_receiver (packet), ==, ":1.9");
  g_assert_false (cpd_packet_has_descriptor (packet));
  message = test_packet_read (packet);
  g_assert_cmpint (g_dbus_message_get_message_type (message), ==,
                   G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  g_assert_cmpint (g_dbus_message_get_flags (message), ==, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_assert_cmpuint (g_dbus_message_get_serial (message), ==, 3);
  g_assert_cmpuint (g_dbus_message_get_reply_serial (message), ==, 7);
  g_assert_cmpstr (g_dbus_message_get_destination (message), ==, ":1.9");
  g_assert_cmpuint (g_dbus_message_get_num_unix_fds (message), ==, 0);
  g_assert_true (g_variant_equal (g_dbus_message_get_body (message), expected));
}

/* It is sent with the first byte, and closed here. */
static void
test_descriptor (void)
{
  int ends[2], sent[2];
  CpdPacket *packet;
  CpdSource source;
  CpdWireHeader header;
  g_autoptr (GArray) fds = NULL;
  g_autofree guint8 *bytes = NULL;
  struct stat one, other;
  gsize size;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sent), ==, 0);
  g_assert_cmpint (fstat (sent[0], &one), ==, 0);
  packet = test_packet_new ("h", sent[0]);
  cpd_marshal_number (cpd_packet_get_body (packet), 0);
  g_assert_true (cpd_packet_has_descriptor (packet));
  g_assert_true (cpd_packet_prepare (packet, 3, NULL));
  g_assert_true (cpd_packet_send (packet, ends[0], /* wait= */ FALSE));
  size = cpd_packet_get_size (packet);
  cpd_packet_free (packet);
  g_assert_cmpint (fcntl (sent[0], F_GETFD), <, 0);
  cpd_source_init (&source, ends[1]);
  bytes = g_malloc (size);
  g_assert_true (cpd_source_read (&source, bytes, size));
  g_assert_true (cpd_wire_read_header (bytes, cpd_wire_measure_header (bytes), &header));
  g_assert_cmpuint (header.n_fds, ==, 1);
  fds = cpd_source_take_fds (&source, 2);
  g_assert_cmpuint (fds->len, ==, 1);
  g_assert_cmpint (fstat (g_array_index (fds, int, 0), &other), ==, 0);
  g_assert_cmpuint (one.st_ino, ==, other.st_ino);
  cpd_source_clear (&source);
  close (ends[0]);
  close (sent[1]);
}

/* Returns: (transfer full): with all that it is in pieces: before, in and after the inset */
static CpdPacket *
new_large (GVariant **expected)
{
  g_autofree guint8 *data = g_malloc (LARGE);
  g_autoptr (GBytes) bytes = NULL;
  CpdPacket *packet = test_packet_new ("sayay", /* descriptor= */ -1);
  CpdMarshal *body = cpd_packet_get_body (packet);
  GVariant *array;

  for (gsize i = 0; i < LARGE; i++)
    data[i] = (guint8)(i * 7 + i / 251);
  bytes = g_bytes_new (data, LARGE);
  array = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, LARGE, 1);
  *expected = g_variant_ref_sink (g_variant_new ("(s@ay@ay)", "before", array, array));
  cpd_marshal_text (body, "before");
  cpd_marshal_inset (body, bytes);
  cpd_marshal_number (body, LARGE);
  for (gsize i = 0; i < LARGE; i++)
    cpd_marshal_byte (body, data[i]);
  return packet;
}

static void
test_in_pieces (void)
{
  g_autoptr (GVariant) expected = NULL;
  g_autoptr (CpdPacket) packet = new_large (&expected);
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GDBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  const int small = 1;
  unsigned int pieces = 1;
  guint8 buffer[1000];
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_assert_cmpint (setsockopt (ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), ==, 0);
  g_assert_true (cpd_packet_prepare (packet, 3, NULL));
  g_assert_false (cpd_packet_is_begun (packet));
  for (; !cpd_packet_send (packet, ends[0], /* wait= */ FALSE); pieces++)
    {
      gssize size = recv (ends[1], buffer, sizeof buffer, MSG_DONTWAIT);

      g_assert_true (cpd_packet_is_begun (packet));
      g_assert_cmpint (size, >, 0);
      g_byte_array_append (all, buffer, (unsigned int)size);
    }
  g_assert_cmpuint (pieces, >, 10);
  close (ends[0]);
  for (gssize size; (size = recv (ends[1], buffer, sizeof buffer, 0)) > 0;)
    g_byte_array_append (all, buffer, (unsigned int)size);
  g_assert_cmpuint (all->len, ==, cpd_packet_get_size (packet));
  message
      = g_dbus_message_new_from_blob (all->data, all->len, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_equal (g_dbus_message_get_body (message), expected));
  close (ends[1]);
}

/* Whoever sends it is not to wait for ever. */
static void
test_other_end_is_gone (void)
{
  g_autoptr (CpdPacket) packet = test_packet_new ("u", /* descriptor= */ -1);
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  close (ends[1]);
  cpd_marshal_number (cpd_packet_get_body (packet), 5);
  g_assert_true (cpd_packet_prepare (packet, 3, NULL));
  g_assert_true (cpd_packet_send (packet, ends[0], /* wait= */ FALSE));
  g_assert_true (cpd_packet_send (packet, ends[0], /* wait= */ TRUE));
  close (ends[0]);
}

typedef struct
{
  const char *name;
  int codes[4];
  gboolean wait;
  gboolean left; /* it is to be sent later */
  gboolean lost; /* the other end is gone */
} FailureCase;

static const FailureCase failure_cases[] = {
  { "interrupted", { EINTR, EINTR }, .wait = FALSE },
  { "interrupted-waiting", { EINTR, EINTR }, .wait = TRUE },
  { "no-buffers", { ENOBUFS }, .wait = FALSE, .left = TRUE },
  { "no-buffers-waiting", { ENOBUFS, ENOBUFS, EINTR }, .wait = TRUE },
  { "no-memory", { EINTR, ENOMEM }, .wait = FALSE, .left = TRUE },
  { "no-memory-waiting", { ENOMEM, ENOBUFS, ENOMEM }, .wait = TRUE },
  { "no-room", { EAGAIN }, .wait = FALSE, .left = TRUE },
  { "gone", { EPIPE }, .wait = FALSE, .lost = TRUE },
  { "gone-waiting", { ECONNRESET }, .wait = TRUE, .lost = TRUE },
  { "no-descriptors", { ETOOMANYREFS }, .wait = FALSE, .lost = TRUE },
};

/* What failed for a while is sent, once; what failed for good is not tried again. */
static void
test_failure (gconstpointer user_data)
{
  const FailureCase *c = user_data;
  g_autoptr (CpdPacket) packet = test_packet_new ("u", /* descriptor= */ -1);
  guint8 buffer[1000];
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  cpd_marshal_number (cpd_packet_get_body (packet), 5);
  g_assert_true (cpd_packet_prepare (packet, 3, NULL));
  failures.asked = 0;
  memcpy (failures.codes, c->codes, sizeof failures.codes);
  g_assert_true (cpd_packet_send (packet, ends[0], c->wait) == !c->left);
  if (c->left)
    {
      g_assert_false (cpd_packet_is_begun (packet));
      g_assert_true (cpd_packet_send (packet, ends[0], c->wait));
    }
  memset (failures.codes, 0, sizeof failures.codes);
  g_assert_cmpint (recv (ends[1], buffer, sizeof buffer, MSG_DONTWAIT), ==,
                   c->lost ? -1 : (gssize)cpd_packet_get_size (packet));
  g_assert_cmpint (recv (ends[1], buffer, sizeof buffer, MSG_DONTWAIT), ==, -1);
  close (ends[0]);
  close (ends[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/packet/reply", test_reply);
  g_test_add_func ("/bus/packet/descriptor", test_descriptor);
  g_test_add_func ("/bus/packet/in-pieces", test_in_pieces);
  g_test_add_func ("/bus/packet/other-end-is-gone", test_other_end_is_gone);
  for (size_t i = 0; i < G_N_ELEMENTS (failure_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/bus/packet/failure/", failure_cases[i].name, NULL);

      g_test_add_data_func (path, &failure_cases[i], test_failure);
    }
  return g_test_run ();
}
