/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What it costs to reach another process and be answered by it: with a body that comes back, by
 * size and by means; and with a chain for a verdict, beside a verdict in the same process. Both
 * ends wait, so that no main loop is in the figures. It prints figures and asserts none. */

#define _GNU_SOURCE /* memfd_create */

#include "config.h"

#include "daemon/core/cpd-verdict.h"
#include "tests/bench/bench-world.h"
#include "tests/trials/split/split-wire.h"

#include <gio/gunixconnection.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST       "h.example"
#define ANSWER_FD  3 /* of the other process */
#define VERDICTS   1000
#define PAGE_BYTES 4096
#define SEALS      (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static const struct
{
  const char *name;
  gsize bytes;
  int rounds;
} sizes[] = { { "1 KiB", 1024, 1000 }, { "64 KiB", 65536, 500 }, { "8 MiB", 8388608, 40 } };

static GVariant *
new_bytes (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static void
ask_message (gpointer end, GBytes *body)
{
  g_autoptr (GVariant) answer = NULL;

  split_send (GPOINTER_TO_INT (end), new_bytes (body));
  answer = split_receive (GPOINTER_TO_INT (end));
}

static void
answer_message (int fd)
{
  for (GVariant *body; (body = split_receive (fd)) != NULL; g_variant_unref (body))
    split_send (fd, body);
}

static gpointer
open_message (int fd)
{
  return GINT_TO_POINTER (fd);
}

static gpointer
open_stream (int fd)
{
  GError *error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);

  bench_check (error);
  return g_socket_connection_factory_create_connection (socket);
}

/* In memory that the sender can no longer change. */
static void
send_memory (GUnixConnection *connection, GBytes *body)
{
  gsize size;
  const char *data = g_bytes_get_data (body, &size);
  int fd = memfd_create ("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  gssize part;

  for (; size > 0; data += part, size -= (gsize)part)
    if ((part = write (fd, data, size)) < 0)
      exit (1);
  if (fcntl (fd, F_ADD_SEALS, SEALS) != 0
      || !g_unix_connection_send_fd (connection, fd, NULL, NULL))
    exit (1);
  close (fd);
}

typedef struct
{
  void *start;
  gsize size;
} Mapping;

static void
mapping_free (gpointer data)
{
  Mapping *mapping = data;

  munmap (mapping->start, mapping->size);
  g_free (mapping);
}

/* Looks at each page, as whoever uses it would. Returns: (nullable): NULL: the end */
static GBytes *
receive_memory (GUnixConnection *connection)
{
  int fd = g_unix_connection_receive_fd (connection, NULL, NULL);
  Mapping *mapping;
  struct stat status;

  if (fd < 0 || fcntl (fd, F_GET_SEALS) != SEALS || fstat (fd, &status) != 0)
    return NULL;
  mapping = g_new (Mapping, 1);
  mapping->size = (gsize)status.st_size;
  mapping->start = mmap (NULL, mapping->size, PROT_READ, MAP_SHARED, fd, 0);
  close (fd);
  for (gsize i = 0; i < mapping->size; i += PAGE_BYTES)
    (void)((volatile const char *)mapping->start)[i];
  return g_bytes_new_with_free_func (mapping->start, mapping->size, mapping_free, mapping);
}

static void
ask_memory (gpointer end, GBytes *body)
{
  g_autoptr (GBytes) answer = NULL;

  send_memory (end, body);
  answer = receive_memory (end);
}

static void
answer_memory (int fd)
{
  g_autoptr (GUnixConnection) connection = open_stream (fd);

  for (GBytes *body; (body = receive_memory (connection)) != NULL; g_bytes_unref (body))
    send_memory (connection, body);
}

static gpointer
open_bus (int fd)
{
  g_autoptr (GIOStream) stream = open_stream (fd);
  GError *error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_sync (
      stream, NULL, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);

  bench_check (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static void
ask_bus (gpointer end, GBytes *body)
{
  GError *error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      end, NULL, "/", "org.certpin.Echo", "Echo", g_variant_new ("(@ay)", new_bytes (body)), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  bench_check (error);
}

static void
on_echo (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  g_dbus_method_invocation_return_value (invocation, parameters);
}

static void
answer_bus (int fd)
{
  static const char xml[] = "<node><interface name='org.certpin.Echo'><method name='Echo'><arg "
                            "type='ay' direction='in'/><arg type='ay' direction='out'/></method>"
                            "</interface></node>";
  const GDBusInterfaceVTable vtable = { .method_call = on_echo };
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GIOStream) stream = open_stream (fd);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (xml, NULL);
  GError *error = NULL;
  GDBusConnection *connection
      = g_dbus_connection_new_sync (stream, guid,
                                    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER
                                        | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                    NULL, NULL, &error);

  bench_check (error);
  g_dbus_connection_register_object (connection, "/", info->interfaces[0], &vtable, NULL, NULL,
                                     &error);
  bench_check (error);
  g_signal_connect_swapped (connection, "closed", G_CALLBACK (g_main_loop_quit), loop);
  g_dbus_connection_start_message_processing (connection);
  g_main_loop_run (loop);
}

/* A server and who judges it; the pinned key is the authority's, so that the path is walked. */
typedef struct
{
  CpdHost *host;
  CpdPolicy *policy;
  CpdAnchors *anchors;
  CpdPeer *peer; /* of the last handshake */
} Judge;

/* `root`: of GBytes, the only anchor */
static Judge *
judge_new (GPtrArray *root)
{
  Judge *judge = g_new0 (Judge, 1);
  g_autoptr (CpdCertificate) certificate = cpd_certificate_new (root->pdata[0], NULL);
  CpdPin *pin;

  judge->host = cpd_host_new_target (HOST, 443, NULL);
  judge->policy = cpd_policy_new (judge->host, 0);
  judge->anchors = cpd_anchors_new (root, NULL);
  pin = cpd_pin_new (judge->host, CPD_LAYER_USER);
  pin->match = CPD_MATCH_PATH;
  cpd_pin_add_key (pin, cpd_certificate_get_key (certificate));
  cpd_policy_take_pin (judge->policy, pin);
  return judge;
}

/* `chain`: of GBytes: a handshake; NULL: a further request on the same connection */
static gboolean
judge_it (Judge *judge, GPtrArray *chain)
{
  g_autoptr (CpdVerdict) verdict = NULL;

  if (chain != NULL)
    {
      cpd_peer_unref (judge->peer);
      judge->peer = cpd_peer_new (judge->host, chain);
    }
  verdict = cpd_verdict_of_peer (judge->policy, judge->peer, judge->anchors, TEST_PKI_NOW);
  return verdict->passed;
}

/* `ders`: (nullable): of GBytes */
static GVariant *
pack_ders (GPtrArray *ders)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aay"));
  for (unsigned int i = 0; ders != NULL && i < ders->len; i++)
    g_variant_builder_add_value (&builder, new_bytes (ders->pdata[i]));
  return g_variant_builder_end (&builder);
}

/* Returns: (transfer full) (nullable): NULL: none, or the end */
static GPtrArray *
receive_ders (int fd, gboolean *ended)
{
  g_autoptr (GVariant) message = split_receive (fd);
  GPtrArray *ders;

  *ended = message == NULL;
  if (message == NULL || g_variant_n_children (message) == 0)
    return NULL;
  ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (gsize i = 0; i < g_variant_n_children (message); i++)
    {
      g_autoptr (GVariant) der = g_variant_get_child_value (message, i);
      g_ptr_array_add (ders, g_variant_get_data_as_bytes (der));
    }
  return ders;
}

/* The anchor comes first; then each chain, or none, is a question. */
static void
answer_verdict (int fd)
{
  gboolean ended;
  g_autoptr (GPtrArray) root = receive_ders (fd, &ended);
  Judge *judge = judge_new (root);

  for (;;)
    {
      g_autoptr (GPtrArray) chain = receive_ders (fd, &ended);

      if (ended)
        return;
      split_send (fd, g_variant_new_boolean (judge_it (judge, chain)));
    }
}

static const struct
{
  const char *name;
  gpointer (*open) (int fd);
  void (*ask) (gpointer end, GBytes *body);
  void (*answer) (int fd);
} means[] = {
  { "message", open_message, ask_message, answer_message },
  { "descriptor", open_stream, ask_memory, answer_memory },
  { "D-Bus peer", open_bus, ask_bus, answer_bus },
  { "verdict", NULL, NULL, answer_verdict },
};

/* Starts the other process. Returns: our end */
static int
start (const char *self, const char *name, GSubprocess **process)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  GError *error = NULL;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    exit (1);
  g_subprocess_launcher_take_fd (launcher, fds[1], ANSWER_FD);
  *process = g_subprocess_launcher_spawn (launcher, &error, self, name, NULL);
  bench_check (error);
  return fds[0];
}

static void
stop (int fd, GSubprocess *process)
{
  shutdown (fd, SHUT_RDWR);
  g_subprocess_wait (process, NULL, NULL);
}

static void
print (const char *what, const char *how, GArray *times)
{
  g_print ("%-20s %-12s %8" G_GINT64_FORMAT " %8" G_GINT64_FORMAT "   (%u)\n", what, how,
           bench_percentile (times, 50), bench_percentile (times, 100), times->len);
}

static void
add (GArray *times, gint64 start_us)
{
  gint64 taken = g_get_monotonic_time () - start_us;

  g_array_append_val (times, taken);
}

static void
measure_bodies (const char *self, int i)
{
  for (size_t size = 0; size < G_N_ELEMENTS (sizes); size++)
    {
      g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
      g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (sizes[size].bytes), sizes[size].bytes);
      g_autoptr (GSubprocess) process = NULL;
      int fd = start (self, means[i].name, &process);
      gpointer end = means[i].open (fd);

      means[i].ask (end, body); /* warms it up */
      for (int round = 0; round < sizes[size].rounds; round++)
        {
          gint64 start_us = g_get_monotonic_time ();
          means[i].ask (end, body);
          add (times, start_us);
        }
      print (sizes[size].name, means[i].name, times);
      stop (fd, process);
    }
}

static void
ask_verdict (int fd, GPtrArray *chain)
{
  g_autoptr (GVariant) passed = NULL;

  split_send (fd, pack_ders (chain));
  passed = split_receive (fd);
  if (passed == NULL || !g_variant_get_boolean (passed))
    exit (1);
}

/* `chain`: NULL: of a connection that was judged before. By turns, here and there. */
static void
measure_verdicts (Judge *judge, int fd, GPtrArray *chain)
{
  const char *what = chain != NULL ? "verdict, handshake" : "verdict, request";
  g_autoptr (GArray) here = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) there = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (int i = 0; i < VERDICTS; i++)
    {
      gint64 start_us = g_get_monotonic_time ();

      if (!judge_it (judge, chain))
        exit (1);
      add (here, start_us);
      start_us = g_get_monotonic_time ();
      ask_verdict (fd, chain);
      add (there, start_us);
    }
  print (what, "here", here);
  print (what, "there", there);
}

static void
run_verdicts (const char *self)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.subject = "R", .is_ca = TRUE, .rsa_bits = 2048);
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "M", .is_ca = TRUE, .rsa_bits = 2048, .issuer = root);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { HOST }, .issuer = middle);
  g_autoptr (GPtrArray) chain = g_ptr_array_new (), anchors = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  int fd = start (self, "verdict", &process);
  Judge *judge;

  g_ptr_array_add (chain, test_identity_get_certificate (leaf));
  g_ptr_array_add (chain, test_identity_get_certificate (middle));
  g_ptr_array_add (anchors, test_identity_get_certificate (root));
  judge = judge_new (anchors);
  split_send (fd, pack_ders (anchors));
  measure_verdicts (judge, fd, chain);
  measure_verdicts (judge, fd, NULL);
  stop (fd, process);
}

int
main (int argc, char **argv)
{
  for (size_t i = 0; i < G_N_ELEMENTS (means); i++)
    if (argc == 2 && g_str_equal (argv[1], means[i].name))
      {
        means[i].answer (ANSWER_FD);
        return 0;
      }
  g_print ("%-20s %-12s %8s %8s   (rounds; in microseconds)\n", "", "", "p50", "worst");
  for (size_t i = 0; i < G_N_ELEMENTS (means); i++)
    if (means[i].ask != NULL)
      measure_bodies (argv[0], (int)i);
  run_verdicts (argv[0]);
  return 0;
}
