/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A service that answers every call at once with a valid reply, or as a test wants. It answers
 * in GDBus's thread, so that the test's own thread may block. A held request ends when it is
 * cancelled. */

#include "config.h"

#include "fake-service.h"

#include "dbus/certpin-names.h"
#include "tests/client/private-bus.h"

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

#define WAIT_MAX_US (20 * G_TIME_SPAN_SECOND)

#define DO_NOT_QUEUE 4

struct _FakeService
{
  GDBusConnection *connection;
  unsigned int filter;

  GMutex lock; /* of what follows */
  GCond changed;
  FakeHandler handler;
  gpointer user_data;
  GHashTable *counts; /* of the calls, by method */
  GPtrArray *held;    /* of GDBusMessage */
  char *last_sender;
};

static const struct
{
  const char *method;
  const char *reply;
} replies[] = {
  { "PinCertificate", "({'host': <'h.example'>},)" },
  { "PinKeys", "({'host': <'h.example'>},)" },
  { "AddKeys", "({'host': <'h.example'>},)" },
  { "RemoveKeys", "({'host': <'h.example'>},)" },
  { "PausePin", "({'host': <'h.example'>},)" },
  { "ResumePin", "({'host': <'h.example'>},)" },
  { "GetPin", "({'host': <'h.example'>},)" },
  { "LastFailure", "({'host': <'h.example'>},)" },
  { "ExplainHost", "({'host': <'h.example'>},)" },
  { "VerifyChain", "({'verdict': <'Pass'>},)" },
  { "FetchChain", "([[byte 0x61], [0x62, 0x63]], {'trusted': <true>})" },
  { "ListPins", "(@aa{sv} [],)" },
  { "ExportPins", "(@aa{sv} [],)" },
  { "ImportPins", "(@aa{sv} [],)" },
  { "GetStatus", "({'version': <'0.1.0'>},)" },
  { "ListUsers", "([uint32 0],)" },
  { "ListApps", "(['snap:demo'],)" },
  { "OpenConnection", "(handle 0, {'alpn': <''>, 'request': <objectpath '/request'>})" },
  { "Finish", "({'bytes-sent': <uint64 1>, 'bytes-received': <uint64 2>},)" },
  { "SecureRequest", "(uint32 200, [('A', 'b')], [byte 0x62], {'url': <'https://h.example/'>})" },
};

/* One end of a pair, whose other end is closed. */
static void
add_socket (GDBusMessage *reply)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  int ends[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  g_assert_cmpint (g_unix_fd_list_append (list, ends[0], NULL), ==, 0);
  g_close (ends[0], NULL);
  g_close (ends[1], NULL);
  g_dbus_message_set_unix_fd_list (reply, list);
}

/* The usual reply. Returns: (transfer full) */
GDBusMessage *
fake_service_reply (FakeService *service, GDBusMessage *call)
{
  GDBusMessage *reply = g_dbus_message_new_method_reply (call);

  for (size_t i = 0; i < G_N_ELEMENTS (replies); i++)
    if (g_str_equal (g_dbus_message_get_member (call), replies[i].method))
      g_dbus_message_set_body (reply, g_variant_new_parsed (replies[i].reply));
  if (g_str_equal (g_dbus_message_get_member (call), "OpenConnection"))
    add_socket (reply);
  return reply;
}

/* A handler that holds every call. */
GDBusMessage *
fake_service_hold (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  return NULL;
}

/* `message`: (transfer full) */
static void
send_message (FakeService *service, GDBusMessage *message)
{
  g_dbus_connection_send_message (service->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                  NULL, NULL);
  g_object_unref (message);
}

/* Whether the path of a Request object is that of this call. */
static gboolean
is_named (GDBusMessage *call, const char *path)
{
  g_autoptr (GVariant) options = NULL;
  GVariant *body;
  const char *token;

  if (!g_str_equal (g_dbus_message_get_member (call), "SecureRequest")
      && !g_str_equal (g_dbus_message_get_member (call), "OpenConnection"))
    return FALSE;
  body = g_dbus_message_get_body (call);
  options = g_variant_get_child_value (body, g_variant_n_children (body) - 1);
  return g_variant_lookup (options, "handle-token", "&s", &token)
         && g_str_equal (strrchr (path, '/') + 1, token);
}

/* Ends the held request that a Cancel names. Returns: (transfer full) */
static GDBusMessage *
cancel (FakeService *service, GDBusMessage *call)
{
  for (unsigned int i = 0; i < service->held->len; i++)
    if (is_named (service->held->pdata[i], g_dbus_message_get_path (call)))
      {
        send_message (service,
                      g_dbus_message_new_method_error_literal (
                          service->held->pdata[i], CERTPIN_ERROR_PREFIX "Cancelled", "cancelled"));
        g_ptr_array_remove_index_fast (service->held, i);
        g_cond_broadcast (&service->changed);
        break;
      }
  return g_dbus_message_new_method_reply (call);
}

static void
count (FakeService *service, GDBusMessage *call)
{
  const char *method = g_dbus_message_get_member (call);
  unsigned int before = GPOINTER_TO_UINT (g_hash_table_lookup (service->counts, method));

  g_hash_table_replace (service->counts, g_strdup (method), GUINT_TO_POINTER (before + 1));
  g_free (service->last_sender);
  service->last_sender = g_strdup (g_dbus_message_get_sender (call));
  g_cond_broadcast (&service->changed);
}

static void
hold (FakeService *service, GDBusMessage *call)
{
  g_mutex_lock (&service->lock);
  g_ptr_array_add (service->held, g_object_ref (call));
  g_cond_broadcast (&service->changed);
  g_mutex_unlock (&service->lock);
}

/* A GDBusMessageFilterFunction */
static GDBusMessage *
on_message (GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
            gpointer user_data)
{
  FakeService *service = user_data;
  const char *interface = g_dbus_message_get_interface (message);
  const char *method = g_dbus_message_get_member (message);
  GDBusMessage *reply;
  FakeHandler handler;
  gpointer handler_data;

  if (!incoming || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL
      || interface == NULL || !g_str_has_prefix (interface, CERTPIN_BUS_NAME "."))
    return message;
  g_mutex_lock (&service->lock);
  count (service, message);
  handler = service->handler;
  handler_data = service->user_data;
  reply = g_str_equal (method, "Cancel") ? cancel (service, message) : NULL;
  g_mutex_unlock (&service->lock);
  if (reply == NULL)
    reply = handler != NULL ? handler (service, message, handler_data)
                            : fake_service_reply (service, message);
  if (reply != NULL)
    send_message (service, reply);
  else
    hold (service, message);
  g_object_unref (message);
  return NULL;
}

/* `flags`: of RequestName */
static FakeService *
start (FakeHandler handler, gpointer user_data, guint32 flags)
{
  FakeService *service = g_new0 (FakeService, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  g_mutex_init (&service->lock);
  g_cond_init (&service->changed);
  service->handler = handler;
  service->user_data = user_data;
  service->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  service->held = g_ptr_array_new_with_free_func (g_object_unref);
  service->connection = private_bus_connect ();
  service->filter = g_dbus_connection_add_filter (service->connection, on_message, service, NULL);
  reply = g_dbus_connection_call_sync (
      service->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", CERTPIN_BUS_NAME, flags), G_VARIANT_TYPE ("(u)"),
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  return service;
}

/* Returns: (transfer full): a service that owns its name on the private bus */
FakeService *
fake_service_new (void)
{
  return fake_service_new_with_handler (NULL, NULL);
}

/* As fake_service_new() and fake_service_set_handler(), for calls that come at once. */
FakeService *
fake_service_new_with_handler (FakeHandler handler, gpointer user_data)
{
  return start (handler, user_data, DO_NOT_QUEUE);
}

/* As fake_service_new_with_handler(), but the service gets its name when the present one ends, as
 * one that the bus starts for a call that comes then. */
FakeService *
fake_service_new_successor (FakeHandler handler, gpointer user_data)
{
  return start (handler, user_data, /* flags= */ 0);
}

void
fake_service_free (FakeService *service)
{
  /* After this, the filter does not run any more; without one, GDBus would answer until then. */
  g_dbus_connection_close_sync (service->connection, NULL, NULL);
  g_dbus_connection_remove_filter (service->connection, service->filter);
  g_object_unref (service->connection);
  g_hash_table_unref (service->counts);
  g_ptr_array_unref (service->held);
  g_free (service->last_sender);
  g_mutex_clear (&service->lock);
  g_cond_clear (&service->changed);
  g_free (service);
}

/* `handler`: (nullable): NULL: every call has its usual reply */
void
fake_service_set_handler (FakeService *service, FakeHandler handler, gpointer user_data)
{
  g_mutex_lock (&service->lock);
  service->handler = handler;
  service->user_data = user_data;
  g_mutex_unlock (&service->lock);
}

/* With the usual replies. */
void
fake_service_answer_held (FakeService *service)
{
  g_mutex_lock (&service->lock);
  for (unsigned int i = 0; i < service->held->len; i++)
    send_message (service, fake_service_reply (service, service->held->pdata[i]));
  g_ptr_array_set_size (service->held, 0);
  g_cond_broadcast (&service->changed);
  g_mutex_unlock (&service->lock);
}

unsigned int
fake_service_count (FakeService *service, const char *method)
{
  unsigned int count;

  g_mutex_lock (&service->lock);
  count = GPOINTER_TO_UINT (g_hash_table_lookup (service->counts, method));
  g_mutex_unlock (&service->lock);
  return count;
}

unsigned int
fake_service_count_held (FakeService *service)
{
  unsigned int count;

  g_mutex_lock (&service->lock);
  count = service->held->len;
  g_mutex_unlock (&service->lock);
  return count;
}

/* Waits until the method was called this many times. */
void
fake_service_wait_for (FakeService *service, const char *method, unsigned int calls)
{
  gint64 end_us = g_get_monotonic_time () + WAIT_MAX_US;

  g_mutex_lock (&service->lock);
  while (GPOINTER_TO_UINT (g_hash_table_lookup (service->counts, method)) < calls)
    g_assert_true (g_cond_wait_until (&service->changed, &service->lock, end_us));
  g_mutex_unlock (&service->lock);
}

/* Waits until exactly this many calls are held. */
void
fake_service_wait_for_held (FakeService *service, unsigned int calls)
{
  gint64 end_us = g_get_monotonic_time () + WAIT_MAX_US;

  g_mutex_lock (&service->lock);
  while (service->held->len != calls)
    g_assert_true (g_cond_wait_until (&service->changed, &service->lock, end_us));
  g_mutex_unlock (&service->lock);
}

/* Returns: (transfer full): the unique name of the last caller */
char *
fake_service_dup_last_sender (FakeService *service)
{
  char *sender;

  g_mutex_lock (&service->lock);
  sender = g_strdup (service->last_sender);
  g_mutex_unlock (&service->lock);
  return sender;
}

/* Sends a signal to the last caller. `body`: (nullable): sunk if floating */
void
fake_service_send_signal (FakeService *service, const char *path, const char *interface,
                          const char *member, GVariant *body)
{
  GDBusMessage *message = g_dbus_message_new_signal (path, interface, member);
  g_autofree char *sender = fake_service_dup_last_sender (service);

  g_dbus_message_set_destination (message, sender);
  if (body != NULL)
    g_dbus_message_set_body (message, body);
  send_message (service, message);
}

/* Sends a signal of the interface Pins. `details`: the text of an `a{sv}` */
void
fake_service_emit (FakeService *service, const char *member, const char *host, const char *details)
{
  fake_service_send_signal (service, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, member,
                            g_variant_new ("(s@a{sv})", host, g_variant_new_parsed (details)));
}
