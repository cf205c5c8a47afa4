/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A body that goes through a descriptor, as the service gives it: what the service has not read
 * makes the kernel report ECONNRESET when its end is closed. */

#include "config.h"

#include "tests/client/fake-body.h"

#include "dbus/certpin-names.h"

#include <gio/gunixfdlist.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MAX_MS 20000

static void
close_end (int *end)
{
  if (*end >= 0)
    close (*end);
  *end = -1;
}

void
fake_body_init (FakeBody *body)
{
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  body->service = ends[0];
  body->client = ends[1];
  g_assert_cmpint (write (body->client, "x", 1), ==, 1);
}

void
fake_body_clear (FakeBody *body)
{
  close_end (&body->service);
  close_end (&body->client);
}

void
fake_body_write (FakeBody *body, const char *bytes, gsize length)
{
  while (length > 0)
    {
      gssize written = send (body->service, bytes, length, MSG_NOSIGNAL);

      g_assert_cmpint (written, >, 0);
      bytes += written;
      length -= (gsize)written;
    }
}

/* Ends it like a whole one. */
void
fake_body_finish (FakeBody *body)
{
  char mark;

  g_assert_cmpint (read (body->service, &mark, 1), ==, 1);
  close_end (&body->service);
}

/* Ends it like one that is not whole, and as it ends when the service is killed. */
void
fake_body_cut (FakeBody *body)
{
  close_end (&body->service);
}

void
fake_body_wait_until_closed (FakeBody *body)
{
  struct pollfd polled = { .fd = body->service, .events = 0 };

  g_assert_cmpint (poll (&polled, 1, WAIT_MAX_MS), ==, 1);
  g_assert_true (polled.revents & POLLHUP);
}

/* Gives the client its end. `headers`: the text of an `a(ss)`. Returns: (transfer full) */
GDBusMessage *
fake_body_reply (FakeBody *body, GDBusMessage *call, unsigned int status, const char *headers)
{
  GDBusMessage *reply = g_dbus_message_new_method_reply (call);
  g_autoptr (GUnixFDList) descriptors = g_unix_fd_list_new_from_array (&body->client, 1);
  GVariant *info = g_variant_new_parsed (
      "{'url': <'https://h.example/'>, 'matched-key': <'sha256/A'>, 'body': <handle 0>, "
      "'request': <%o>}",
      CERTPIN_REQUEST_PATH "/1_1/token");

  body->client = -1;
  g_dbus_message_set_unix_fd_list (reply, descriptors);
  g_dbus_message_set_body (reply, g_variant_new ("(u@a(ss)@ay@a{sv})", status,
                                                 g_variant_new_parsed (headers),
                                                 g_variant_new_parsed ("@ay []"), info));
  return reply;
}
