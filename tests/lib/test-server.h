/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tests/lib/test-pki.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* A TLS server on a free port of 127.0.0.1, on the main context of whoever makes it. */
typedef struct _TestServer TestServer;

TestServer *test_server_new (TestIdentity *leaf, TestIdentity *issuer);
void test_server_free (TestServer *server);

guint16 test_server_get_port (TestServer *server);
unsigned int test_server_count_requests (TestServer *server);
unsigned int test_server_count_held (TestServer *server);
unsigned int test_server_count_dropped (TestServer *server);
gboolean test_server_was_left (TestServer *server);
void test_server_leave (TestServer *server);
const char *test_server_get_last_request (TestServer *server);

void test_server_switch (TestServer *server, TestIdentity *leaf, TestIdentity *issuer);
void test_server_hold (TestServer *server);
void test_server_release (TestServer *server);
void test_server_set_answer (TestServer *server, unsigned int status, gsize body_bytes);
void test_server_set_location (TestServer *server, const char *location);
void test_server_set_raw (TestServer *server, const char *answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestServer, test_server_free)

G_END_DECLS
