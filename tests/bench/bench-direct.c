/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-direct.h"

#include <libsoup/soup.h>

struct _BenchDirect
{
  SoupSession *session;
};

BenchDirect *
bench_direct_new (BenchWorld *world)
{
  BenchDirect *direct = g_new0 (BenchDirect, 1);
  GError *error = NULL;
  g_autoptr (GTlsDatabase) trusted = g_tls_file_database_new (world->ca_file, &error);

  bench_check (error);
  direct->session = soup_session_new_with_options ("tls-database", trusted, NULL);
  return direct;
}

void
bench_direct_free (BenchDirect *direct)
{
  g_object_unref (direct->session);
  g_free (direct);
}

/* One request, and its response. */
void
bench_direct_request (BenchDirect *direct, const BenchOrder *order)
{
  g_autofree char *url = bench_server_make_url (order->server, order->first_host, order->path);
  g_autoptr (SoupMessage) message
      = soup_message_new (order->method != NULL ? order->method : "GET", url);
  g_autoptr (GBytes) response = NULL;
  GError *error = NULL;

  soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT); /* or POST needs a new connection */
  if (order->body_size > 0)
    {
      g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (order->body_size), order->body_size);

      soup_message_set_request_body_from_bytes (message, NULL, body);
    }
  response = soup_session_send_and_read (direct->session, message, NULL, &error);
  bench_check (error);
}
