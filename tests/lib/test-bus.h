/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-bus.h"
#include "dbus/certpin-names.h"
#include "tests/lib/fake-fetcher.h"
#include "tests/lib/test-loop.h"

G_BEGIN_DECLS

/* What is not as the configuration has it; 0: it is. */
typedef struct
{
  guint64 pins_per_uid, running_per_uid, waiting_per_uid, body_bytes_per_uid;
} TestBusLimits;

/* A private bus, on which the service is, with a fetcher that is none; and a program that calls
 * it. */
typedef struct
{
  GTestDBus *dbus;
  CpdLink *link;
  GDBusConnection *service; /* the link's */
  GDBusConnection *quiet;   /* another one of the service */
  GDBusConnection *client;
  TestFolder *folder;
  char *pins_dir;
  CpdConfig *config;
  CpdStore *store;
  FakeFetcher *fetcher;
  CpdBus *bus;
  GDBusProxy *listener;
  GPtrArray *signals; /* of char *: what the client was sent, as "NAME HOST STATE" */
} TestBus;

void test_bus_init (int *argc, char ***argv);
void test_bus_set_up (TestBus *f, gconstpointer user_data);
void test_bus_tear_down (TestBus *f, gconstpointer user_data);

#define TEST_BUS_ADD(path, limits, function)                                                       \
  g_test_add (path, TestBus, limits, test_bus_set_up, function, test_bus_tear_down)

GDBusConnection *test_bus_connect_to (GTestDBus *dbus);
GDBusConnection *test_bus_connect (TestBus *f);
void test_bus_disconnect (GDBusConnection *connection);
void test_bus_leave (TestBus *f, GDBusConnection *connection);
GDBusProxy *test_bus_listen (GDBusConnection *connection, GCallback handler, gpointer user_data);
void test_bus_round_trip (GDBusConnection *connection);
unsigned int test_bus_count_audits (const char *message_id);
const char *test_bus_find_audit (const char *message_id, const char *field);

/* A method call under way. */
typedef struct
{
  GDBusConnection *connection;
  GAsyncResult *result;
} TestCall;

TestCall *test_call_start (GDBusConnection *connection, const char *method, GVariant *parameters);
GVariant *test_call_wait (TestCall *call, GError **error);
GVariant *test_call (TestBus *f, const char *method, GVariant *parameters, GError **error);

GVariant *test_call_value (TestBus *f, const char *method, GVariant *parameters);
void test_call_done (TestBus *f, const char *method, GVariant *parameters);
void test_call_fails (TestBus *f, const char *method, GVariant *parameters, const char *name);
void test_call_wait_fails (TestCall *call, const char *name);

void test_bus_wait_for_signal (TestBus *f, const char *text);
void test_bus_assert_text (GVariant *dictionary, const char *key, const char *expected);

G_END_DECLS
