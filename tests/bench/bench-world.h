/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tests/lib/test-pki.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define CERTPIN_NAME     "org.certpin.Certpin1"
#define CERTPIN_PATH     "/org/certpin/Certpin1"
#define CERTPIN_PINS     "org.certpin.Certpin1.Pins"
#define CERTPIN_REQUESTS "org.certpin.Certpin1.Requests"

/* What a benchmark runs in: a private bus that any user may enter, and a certpind on it that trusts
 * one authority. The processes end with this one. */
typedef struct
{
  char *folder;
  char *ca_file;
  TestIdentity *ca;
  char *address; /* of the bus */
  GDBusConnection *bus;
  GPtrArray *processes;
  GSubprocess *service;
} BenchWorld;

BenchWorld *bench_world_new (void);
void bench_world_start (BenchWorld *world, const char *certpind, const char *limits);
void bench_world_end (BenchWorld *world);

GSubprocess *bench_spawn (BenchWorld *world, const char *first, ...) G_GNUC_NULL_TERMINATED;
void bench_wait_for_name (BenchWorld *world, const char *name);
GDBusConnection *bench_connect (BenchWorld *world);
GVariant *
bench_call (BenchWorld *world, const char *interface, const char *method, GVariant *parameters);
void
bench_pin (BenchWorld *world, GDBusConnection *caller, const char *host, TestIdentity *identity);
GTlsCertificate *bench_tls_certificate (BenchWorld *world, TestIdentity *identity);

/* Ends the process where there is an error. */
void bench_check (GError *error);

gint64 bench_percentile (GArray *times, unsigned int percent);
unsigned long bench_get_resident_kib (GSubprocess *process);
void bench_print (double value, const char *unit, const char *name, ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
