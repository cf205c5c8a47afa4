/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-world.h"

#include <stdlib.h>

void
bench_check (GError *error)
{
  if (error == NULL)
    return;
  g_printerr ("%s\n", error->message);
  exit (1);
}

GSubprocess *
bench_spawn (const char *first, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  GError *error = NULL;
  GSubprocess *process;
  va_list arguments;

  va_start (arguments, first);
  for (const char *one = first; one != NULL; one = va_arg (arguments, const char *))
    g_ptr_array_add (argv, (gpointer)one);
  va_end (arguments);
  g_ptr_array_add (argv, NULL);
  process = g_subprocess_newv ((const char *const *)argv->pdata, G_SUBPROCESS_FLAGS_NONE, &error);
  bench_check (error);
  return process;
}

void
bench_wait_for_name (BenchWorld *world, const char *name)
{
  for (gboolean owned = FALSE; !owned;)
    {
      g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
          world->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
          "NameHasOwner", g_variant_new ("(s)", name), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
          NULL);

      g_variant_get (reply, "(b)", &owned);
      g_usleep (10000);
    }
}

BenchWorld *
bench_world_new (const char *certpind)
{
  BenchWorld *world = g_new0 (BenchWorld, 1);
  GTestDBus *daemon = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_autofree char *ca_file = NULL, *state = NULL, *bus = NULL, *trust = NULL;
  TestIdentity *anchors[] = { NULL, NULL };
  GError *error = NULL;

  world->folder = g_dir_make_tmp ("certpin-bench-XXXXXX", NULL);
  world->ca = TEST_IDENTITY (.subject = "Bench CA", .is_ca = TRUE);
  anchors[0] = world->ca;
  ca_file = g_build_filename (world->folder, "ca.pem", NULL);
  test_pki_write_certificates (ca_file, anchors);
  g_test_dbus_up (daemon);
  world->address = g_strdup (g_test_dbus_get_bus_address (daemon));
  state = g_strconcat ("--state-dir=", world->folder, "/state", NULL);
  bus = g_strconcat ("--bus=", world->address, NULL);
  trust = g_strconcat ("--trust-file=", ca_file, NULL);
  world->service = bench_spawn (certpind, bus, "--authority=uid", state, trust, NULL);
  world->bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  bench_check (error);
  g_dbus_connection_set_exit_on_close (world->bus, FALSE);
  bench_wait_for_name (world, CERTPIN_NAME);
  return world;
}

/* The bus itself ends with this process. */
void
bench_world_end (BenchWorld *world)
{
  g_subprocess_force_exit (world->service);
  g_subprocess_wait (world->service, NULL, NULL); /* a thread of GLib's sends the signal */
  g_object_unref (world->service);
  g_object_unref (world->bus);
  test_identity_unref (world->ca);
  g_free (world->address);
  g_free (world->folder);
  g_free (world);
}

GVariant *
bench_call (BenchWorld *world, const char *interface, const char *method, GVariant *parameters)
{
  GError *error = NULL;
  GVariant *reply
      = g_dbus_connection_call_sync (world->bus, CERTPIN_NAME, CERTPIN_PATH, interface, method,
                                     parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  bench_check (error);
  return reply;
}

void
bench_pin (BenchWorld *world, const char *host, TestIdentity *identity)
{
  GVariant *certificate = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING,
                                                    test_identity_get_certificate (identity), TRUE);

  g_variant_unref (bench_call (
      world, CERTPIN_PINS, "PinCertificate",
      g_variant_new ("(s@ay@a{sv})", host, certificate, g_variant_new ("a{sv}", NULL))));
}

GTlsCertificate *
bench_tls_certificate (BenchWorld *world, TestIdentity *identity)
{
  TestIdentity *chain[] = { identity, NULL };
  g_autofree char *certificate_file = g_build_filename (world->folder, "leaf.pem", NULL);
  g_autofree char *key_file = g_build_filename (world->folder, "leaf.key", NULL);
  GTlsCertificate *certificate;
  GError *error = NULL;

  test_pki_write_certificates (certificate_file, chain);
  test_pki_write_key (key_file, identity);
  certificate = g_tls_certificate_new_from_files (certificate_file, key_file, &error);
  bench_check (error);
  return certificate;
}

typedef struct
{
  GTlsCertificate *certificate;
  SoupServerCallback callback;
  char *url; /* once it listens */
} Serving;

static gpointer
run_server (gpointer user_data)
{
  Serving *serving = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  GError *error = NULL;
  SoupServer *server;
  GSList *uris;

  g_main_context_push_thread_default (context);
  server = soup_server_new ("tls-certificate", serving->certificate, NULL);
  soup_server_add_handler (server, NULL, serving->callback, NULL, NULL);
  soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY,
                            &error);
  bench_check (error);
  uris = soup_server_get_uris (server);
  g_atomic_pointer_set (&serving->url,
                        g_strdup_printf ("https://localhost:%d/", g_uri_get_port (uris->data)));
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  g_main_loop_run (loop);
  return NULL;
}

/* A TLS server, on a thread and main context of its own; it ends with the process.
 * Returns: (transfer full): its URL */
char *
bench_serve (BenchWorld *world, TestIdentity *identity, SoupServerCallback callback)
{
  Serving *serving = g_new0 (Serving, 1);

  serving->certificate = bench_tls_certificate (world, identity);
  serving->callback = callback;
  g_thread_unref (g_thread_new ("server", run_server, serving));
  while (g_atomic_pointer_get (&serving->url) == NULL)
    g_usleep (1000);
  return serving->url;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

  return left < right ? -1 : left > right;
}

/* Sorts `times`. */
gint64
bench_percentile (GArray *times, unsigned int percent)
{
  g_array_sort (times, compare);
  return g_array_index (times, gint64, (times->len - 1) * percent / 100);
}
