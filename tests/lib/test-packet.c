/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Replies as they leave, read by GDBus. */

#include "config.h"

#include "test-packet.h"

#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES_MAX (64 * 1024)

/* `types`: of its body. Returns: (transfer full): a reply to the message 7 of :1.9 */
CpdPacket *
test_packet_new (const char *types, int descriptor)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (":1.7", "/a", "b.c", "D");

  g_dbus_message_set_sender (call, ":1.9");
  g_dbus_message_set_serial (call, 7);
  return cpd_packet_new_reply (call, types, descriptor);
}

/* Returns: (transfer full): what GDBus reads; its serial number is 3 */
GDBusMessage *
test_packet_read (CpdPacket *packet)
{
  g_autofree guint8 *bytes = g_malloc (BYTES_MAX);
  g_autoptr (GError) error = NULL;
  GDBusMessage *message;
  gssize size;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_assert_true (cpd_packet_prepare (packet, 3, &error));
  g_assert_no_error (error);
  g_assert_true (cpd_packet_send (packet, ends[0], /* wait= */ FALSE));
  size = recv (ends[1], bytes, BYTES_MAX, 0);
  g_assert_cmpint (size, ==, (gssize)cpd_packet_get_size (packet));
  message = g_dbus_message_new_from_blob (bytes, (gsize)size,
                                          G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  g_assert_no_error (error);
  close (ends[0]);
  close (ends[1]);
  return message;
}
