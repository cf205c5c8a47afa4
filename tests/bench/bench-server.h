/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bench-world.h"

G_BEGIN_DECLS

#define BENCH_HOSTS "**.bench.localhost"

/* An HTTPS server on loopback for h0.bench.localhost, h1.bench.localhost and so on. It answers
 *   /NUMBER  with as many bytes,
 *   /close   with "ok", and closes the connection,
 *   /hold    with "ok", but not before bench_server_release(),
 *   /        and all else with "ok". */
typedef struct _BenchServer BenchServer;

BenchServer *bench_server_new (BenchWorld *world);
TestIdentity *bench_server_get_identity (BenchServer *server);
guint16 bench_server_get_port (BenchServer *server);
char *bench_server_make_url (BenchServer *server, unsigned int host, const char *path);
void bench_server_wait_until_held (BenchServer *server, int count);
void bench_server_release (BenchServer *server);

G_END_DECLS
