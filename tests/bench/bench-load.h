/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bench-server.h"

G_BEGIN_DECLS

/* What has the method SecureRequest. */
typedef struct
{
  const char *title, *name, *path, *interface;
} BenchService;

extern const BenchService bench_certpin, bench_proxy, bench_echo;

/* A request that is made again and again. */
typedef struct
{
  BenchServer *server;
  const BenchService *service;
  const char *method, *path; /* NULL: GET */
  gsize body_size;
  unsigned int first_host, hosts; /* requests go to these in turn; 0: 1 */
} BenchOrder;

GVariant *bench_request (GDBusConnection *caller, const BenchOrder *order);
GSubprocess *bench_start_echo (BenchWorld *world, const char *rivals, const BenchOrder *order);
GSubprocess *bench_start_proxy (BenchWorld *world, const char *rivals);

/* Requests of several callers at the same time. */
typedef struct _BenchLoad BenchLoad;

BenchLoad *bench_load_new (const BenchOrder *order);
void bench_load_free (BenchLoad *load);
void bench_load_add_caller (BenchLoad *load, GDBusConnection *caller);
void bench_load_begin (BenchLoad *load, unsigned int count, unsigned int at_a_time);
void bench_load_wait (BenchLoad *load);
double bench_load_run (BenchLoad *load, unsigned int at_a_time, gint64 duration_us);
GArray *bench_load_get_times (BenchLoad *load);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchLoad, bench_load_free)

G_END_DECLS
