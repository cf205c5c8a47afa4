/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-error.h"
#include "daemon/core/pins/cpd-store.h"
#include "tests/lib/test-core.h"

G_BEGIN_DECLS

/* A uid with an account, one without, and one that systemd hands out for a while. */
#define STORE_UID         0
#define STORE_OTHER_UID   4200000
#define STORE_DYNAMIC_UID 61200

/* A store in a temporary folder. */
typedef struct
{
  TestFolder *folder;
  char *state;  /* of run-time pins */
  char *system; /* in there: of the system's */
  char *user;   /* in there: of STORE_UID's */
  char *admin;  /* of pin files, the stronger */
  char *vendor; /* of pin files */
  guint64 max_bytes, max_pins;
  gboolean forgets;         /* has no state folder */
  char *trust_file;         /* NULL: it has none */
  unsigned int sightings_s; /* between two writes of sightings; 0: as usual */
  CpdStore *store;
  GPtrArray *problems; /* of char *: of the last load */
  GPtrArray *lost;     /* of char *: of the sightings, likewise */

  unsigned int changes; /* signals so far; the last one: */
  CpdOwner changed_owner;
  char *changed_host; /* NULL: every host */
  GArray *forgotten;  /* of CpdOwner: signals so far */
} StoreFixture;

void store_fixture_set_up (StoreFixture *f, gconstpointer user_data);
void store_fixture_tear_down (StoreFixture *f, gconstpointer user_data);
void store_fixture_reopen (StoreFixture *f);

#define STORE_TEST_ADD(path, function)                                                             \
  g_test_add (path, StoreFixture, NULL, store_fixture_set_up, function, store_fixture_tear_down)

gboolean store_set_pin (StoreFixture *f, CpdOwner owner, CpdPin *pin, GError **error);
gboolean store_remove_pin (StoreFixture *f, CpdLayer layer, const char *host, GError **error);
gboolean store_remove_pin_of (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host,
                              GError **error);
gboolean store_edit_pin (StoreFixture *f, CpdLayer layer, const char *host, CpdPinEdit *edit,
                         GError **error);
gboolean store_reload (StoreFixture *f, GError **error);
void store_pin (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host, guint8 fill);

void store_block (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host);
CpdOwner store_meet (StoreFixture *f, guint32 uid, const char *name);

char *store_format (const char *host, guint8 fill);
void store_write (const char *folder, const char *name, const char *host, guint8 fill);

CpdPin *store_get (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host);
void store_assert_key (StoreFixture *f, CpdLayer layer, const char *host, guint8 fill);
void store_assert_blocked (StoreFixture *f, CpdLayer layer, const char *host);
void store_assert_silent (StoreFixture *f, CpdLayer layer, const char *host);

void store_break (const char *folder);
void store_heal (const char *folder);
gboolean store_is_unstored (StoreFixture *f, CpdLayer layer, const char *host);
void store_wait_until_stored (StoreFixture *f, CpdLayer layer, const char *host);

G_END_DECLS
