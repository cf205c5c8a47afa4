/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "chain-server.h"
#include "channel-fixture.h"

G_BEGIN_DECLS

/* A chain that others made, for a server to present. */
typedef struct
{
  char *id;
  CpdHost *host;
  GPtrArray *ders, *trusted;
  gint64 now;
} PresentedChain;

/* Users who meet a server with whatever chain, and a bystander who asks another one. */
typedef struct
{
  ChannelFixture channel;
  GResolver *usual;
  ChainServer *server, *good;
  unsigned int seen; /* of the vectors */
  GPtrArray *chains; /* of PresentedChain: all that can be presented */
} ChainFixture;

/* Those that take longest to validate. */
#define DEAR_CHAINS 5
extern const char *const dear_chains[DEAR_CHAINS];

/* With sanitizers, all chains take five minutes, so that one of so many is taken. Core's tests
 * validate every one, there, too. */
#ifdef __SANITIZE_ADDRESS__
#define CHAIN_ONE_OF 8
#else
#define CHAIN_ONE_OF 1
#endif

#define CHAIN_USERS   16
#define CHAIN_AT_ONCE 64

void chain_fixture_set_up (ChainFixture *f, gconstpointer vectors);
void chain_fixture_tear_down (ChainFixture *f, gconstpointer vectors);

const PresentedChain *chain_fixture_find (ChainFixture *f, const char *id);
void chain_fixture_present (ChainFixture *f, const PresentedChain *chain, guint32 users);

CpdVerdict *chain_fixture_run_one (ChainFixture *f, const PresentedChain *chain);
GPtrArray *chain_fixture_start_many (ChainFixture *f, const PresentedChain *chain);
gboolean chain_fixture_go_on (GPtrArray *fetches);
void chain_fixture_stand_by (ChainFixture *f);

G_END_DECLS
