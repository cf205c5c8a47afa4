/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tests/lib/test-pki.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

#define CERTPIN_NAME     "org.certpin.Certpin1"
#define CERTPIN_PATH     "/org/certpin/Certpin1"
#define CERTPIN_PINS     "org.certpin.Certpin1.Pins"
#define CERTPIN_REQUESTS "org.certpin.Certpin1.Requests"

/* What a benchmark runs in: a private bus, and a certpind on it that trusts one authority. It ends
 * with the process. */
typedef struct
{
  char *folder;
  TestIdentity *ca;
  char *address; /* of the bus */
  GDBusConnection *bus;
  GSubprocess *service;
} BenchWorld;

BenchWorld *bench_world_new (const char *certpind);
void bench_world_end (BenchWorld *world);

GSubprocess *bench_spawn (const char *first, ...) G_GNUC_NULL_TERMINATED;
void bench_wait_for_name (BenchWorld *world, const char *name);
GVariant *
bench_call (BenchWorld *world, const char *interface, const char *method, GVariant *parameters);
void bench_pin (BenchWorld *world, const char *host, TestIdentity *identity);
GTlsCertificate *bench_tls_certificate (BenchWorld *world, TestIdentity *identity);
char *bench_serve (BenchWorld *world, TestIdentity *identity, SoupServerCallback callback);

/* Ends the process where there is an error. */
void bench_check (GError *error);

gint64 bench_percentile (GArray *times, unsigned int percent);

G_END_DECLS
