/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves how an exchange moves a large request: in pieces, without spinning while the server reads
 * nothing, and with its answer read meanwhile. */

#include "config.h"

#include "daemon/core/base/cpd-clock.h"
#include "daemon/transport/cpd-http-exchange.h"
#include "tests/lib/test-core.h"
#include "tests/lib/test-loop.h"
#include "tls-fixture.h"

#include <unistd.h>

#define UID 1000

/* What one turn sends at most: a piece, and what TLS adds. */
#define TURN_MAX_BYTES (32 * 1024 + 1024)

/* The service asks first only about larger bodies. */
#define ASKED_BYTES (2 * 1024 * 1024)
#define PLAIN_BYTES (1024 * 1024)

static const TlsServer usual = { .priority = "NORMAL" };

typedef struct
{
  TlsFixture tls;
  CpdConnection *connection;
  CpdReading *reading;
  CpdBudget *bodies;
  GBytes *body;
  CpdOrder *order;
  CpdHttpExchange *exchange;
  unsigned int status; /* of the answer */
  gboolean reusable;
  GError *error;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  tls_set_up (&f->tls, &usual);
  tls_assert_shakes_hands (&f->tls);
  f->reading = cpd_reading_new ();
  f->bodies = cpd_budget_new (1024);
  f->order = cpd_order_new ();
  f->order->owner = UID;
  f->order->max_body_bytes = f->order->max_inline_bytes = 1024;
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_assert_null (f->exchange);
  g_assert_true (cpd_budget_take (f->bodies, 1024)); /* all was given back */
  cpd_budget_unref (f->bodies);
  cpd_order_unref (f->order);
  cpd_reading_unref (f->reading);
  g_bytes_unref (f->body);
  g_clear_error (&f->error);
  tls_tear_down (&f->tls, &usual);
}

/* Drops all that there is, as an attempt does whose channel is closed at the same time. */
static void
drop (Fixture *f)
{
  cpd_http_exchange_stop (f->exchange);
  g_clear_object (&f->exchange);
  g_clear_pointer (&f->connection, cpd_connection_free);
}

/* Whoever is told may drop the exchange at once: it lasts, and with it what is told of, until that
 * is over. */
static void
on_done (const CpdHttpOutcome *outcome, gpointer user_data)
{
  Fixture *f = user_data;
  gpointer alive = f->exchange;

  g_object_add_weak_pointer (G_OBJECT (alive), &alive);
  drop (f);
  g_assert_nonnull (alive);
  g_object_remove_weak_pointer (G_OBJECT (alive), &alive);
  f->status = outcome->error == NULL ? outcome->head->status : 0;
  f->reusable = outcome->reusable;
  f->error = outcome->error != NULL ? g_error_copy (outcome->error) : NULL;
}

static void
start (Fixture *f, gsize body_bytes)
{
  guint8 *body = g_malloc (body_bytes);
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (CpdHost) host = test_host ("h.example");
  static const CpdHttpExchangeFuncs funcs = { .done = on_done };
  CpdHttpExchangeSettings settings
      = { .order = f->order, .reading = f->reading, .bodies = f->bodies };

  for (gsize i = 0; i < body_bytes; i++)
    body[i] = (guint8)(i / 7);
  f->body = g_bytes_new_take (body, body_bytes);
  request = certpin_request_new ("PUT", "https://h.example/", NULL, f->body, NULL);
  settings.request = request;
  f->connection = cpd_connection_new (g_steal_pointer (&f->tls.tls), host);
  f->exchange = cpd_http_exchange_start (f->connection, &settings, &funcs, f);
}

static void
answer (Fixture *f, const char *text)
{
  gsize length = strlen (text);

  g_assert_cmpint (gnutls_record_send (f->tls.server, text, length), ==, length);
}

static void
wait_until_done (Fixture *f)
{
  while (f->exchange != NULL)
    test_loop_step ();
}

/* Returns: how many bytes have arrived, as they were sent; no TLS is spoken afterwards */
static gsize
take_raw (Fixture *f)
{
  g_autofree char *buffer = g_malloc (PLAIN_BYTES);
  gsize taken = 0;
  ssize_t length;

  while ((length = read (f->tls.fd, buffer, PLAIN_BYTES)) > 0)
    taken += (gsize)length;
  return taken;
}

static void
test_a_piece_a_turn (Fixture *f, gconstpointer user_data)
{
  gsize all = 0;

  start (f, PLAIN_BYTES);
  while (all < PLAIN_BYTES)
    {
      gsize taken = take_raw (f);

      g_assert_cmpuint (taken, <=, TURN_MAX_BYTES);
      all += taken;
      g_main_context_iteration (NULL, FALSE);
    }
  drop (f);
}

/* Returns: how many turns the main loop had until there was nothing more to do */
static unsigned int
count_turns (void)
{
  unsigned int turns = 0;

  while (g_main_context_iteration (NULL, FALSE))
    g_assert_cmpuint (++turns, <, 1000);
  return turns;
}

/* Adds what arrives, decrypted, until that many bytes are there. */
static void
take (Fixture *f, GByteArray *taken, gsize count)
{
  g_autofree char *buffer = g_malloc (20000);

  while (taken->len < count)
    {
      ssize_t length = gnutls_record_recv (f->tls.server, buffer, 20000);

      if (length > 0)
        g_byte_array_append (taken, (const guint8 *)buffer, (unsigned int)length);
      else
        test_loop_step ();
    }
}

/* However often the loop is asked, there is nothing to do until the server reads on. */
static void
test_does_not_spin (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GByteArray) taken = g_byte_array_new ();
  gsize head_bytes;

  start (f, PLAIN_BYTES);
  g_assert_cmpuint (count_turns (), >, 1);
  for (int i = 0; i < 10; i++)
    g_assert_cmpuint (count_turns (), ==, 0);
  take (f, taken, 1000);
  head_bytes
      = (gsize)(g_strstr_len ((char *)taken->data, 1000, "\r\n\r\n") + 4 - (char *)taken->data);
  take (f, taken, head_bytes + PLAIN_BYTES);
  g_assert_cmpmem (taken->data + head_bytes, taken->len - head_bytes,
                   g_bytes_get_data (f->body, NULL), PLAIN_BYTES);
  answer (f, "HTTP/1.1 204 So\r\n\r\n");
  wait_until_done (f);
  g_assert_cmpuint (f->status, ==, 204);
  g_assert_true (f->reusable);
}

/* Behind no tickets, its turn is at once: nobody else holds the exchange then. */
static void
test_answered_at_once (Fixture *f, gconstpointer user_data)
{
  char byte;

  while (cpd_tls_has_unread (f->tls.tls))
    g_assert_cmpint (cpd_tls_receive (f->tls.tls, &byte, sizeof byte, NULL), ==, -1);
  start (f, 10);
  answer (f, "HTTP/1.1 203 So\r\nContent-Length: 2\r\n\r\nok");
  wait_until_done (f);
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->status, ==, 203);
  g_assert_true (f->reusable);
}

static void
test_answered_while_it_sends (Fixture *f, gconstpointer text)
{
  start (f, PLAIN_BYTES);
  count_turns ();
  answer (f, text);
  wait_until_done (f);
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->status, !=, 0);
  g_assert_false (f->reusable);
}

/* What it has sent already stays; nothing follows. */
static void
test_refused_while_it_sends (Fixture *f, gconstpointer user_data)
{
  start (f, PLAIN_BYTES);
  count_turns ();
  answer (f, "HTTP/1.1 413 So\r\nContent-Length: 2\r\n\r\n");
  count_turns ();
  g_assert_cmpuint (take_raw (f), >, 1000);
  count_turns ();
  g_assert_cmpuint (take_raw (f), ==, 0);
  drop (f);
}

static void
test_answered_instead (Fixture *f, gconstpointer text)
{
  start (f, ASKED_BYTES);
  count_turns ();
  answer (f, text);
  wait_until_done (f);
  g_assert_no_error (f->error);
  g_assert_false (f->reusable);
  g_assert_cmpuint (take_raw (f), <, 1000);
}

/* Only 100 says that the body is wanted. */
static void
test_asks (Fixture *f, gconstpointer user_data)
{
  start (f, ASKED_BYTES);
  answer (f, "HTTP/1.1 103 So\r\n\r\n");
  count_turns ();
  g_assert_cmpuint (take_raw (f), <, 1000);
  answer (f, "HTTP/1.1 100 So\r\n\r\n");
  count_turns ();
  g_assert_cmpuint (take_raw (f), >, 1000);
  drop (f);
}

static void
test_dropped (Fixture *f, gconstpointer user_data)
{
  start (f, ASKED_BYTES);
  count_turns ();
  drop (f);
  test_loop_run_for (1100); /* the server’s second */
}

static void
dawdle (gpointer object)
{
  gint64 end_us = cpd_clock_work_us () + 100 * G_TIME_SPAN_MILLISECOND;

  while (cpd_clock_work_us () < end_us)
    ;
}

static void
note (gpointer object)
{
  g_object_set_data (object, "read", object);
}

/* From now on the user has no turn for 0.9 s, as long as another is there. */
static void
make_user_rest (Fixture *f)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);

  cpd_reading_wait (f->reading, UID, dawdle, object);
  cpd_reading_wait (f->reading, UID + 1, note, object);
  while (g_object_get_data (object, "read") == NULL)
    test_loop_step ();
}

static gboolean
is_before (gint64 began_us, unsigned int ms)
{
  return g_get_monotonic_time () < began_us + ms * G_TIME_SPAN_MILLISECOND;
}

/* The second passes while the exchange waits for its turn: it goes on waiting, for one. */
static void
test_waits_for_one_turn (Fixture *f, gconstpointer user_data)
{
  gint64 began_us = g_get_monotonic_time ();
  gboolean in_time;

  start (f, ASKED_BYTES);
  answer (f, "HTTP/1.1 ");
  count_turns ();
  test_loop_run_for (500);
  make_user_rest (f);
  in_time = is_before (began_us, 950);
  answer (f, "103 So\r\n");
  while (is_before (began_us, 1100))
    test_loop_run_for (10);
  if (in_time && is_before (began_us, 1350))
    g_assert_cmpuint (G_OBJECT (f->exchange)->ref_count, ==, 2); /* one is its turn’s */
  else
    g_test_skip ("the machine is too slow for this test");
  drop (f);
}

#define ADD(name, data, function)                                                                  \
  g_test_add ("/transport/http-exchange/" name, Fixture, data, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("a-piece-a-turn", NULL, test_a_piece_a_turn);
  ADD ("does-not-spin", NULL, test_does_not_spin);
  ADD ("answered-at-once", NULL, test_answered_at_once);
  ADD ("answered-while-it-sends/204", "HTTP/1.1 204 So\r\n\r\n", test_answered_while_it_sends);
  ADD ("answered-while-it-sends/413", "HTTP/1.1 413 So\r\nContent-Length: 2\r\n\r\nno",
       test_answered_while_it_sends);
  ADD ("refused-while-it-sends", NULL, test_refused_while_it_sends);
  ADD ("answered-instead/200", "HTTP/1.1 200 So\r\nContent-Length: 2\r\n\r\nok",
       test_answered_instead);
  ADD ("answered-instead/417", "HTTP/1.1 417 So\r\nContent-Length: 2\r\n\r\nno",
       test_answered_instead);
  ADD ("asks", NULL, test_asks);
  ADD ("dropped", NULL, test_dropped);
  ADD ("waits-for-one-turn", NULL, test_waits_for_one_turn);
  return g_test_run ();
}
