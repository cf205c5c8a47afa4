/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-channel-fetcher.h"
#include "tests/lib/test-core.h"
#include "tests/lib/test-server.h"

G_BEGIN_DECLS

/* A name of the server’s that only a resolver knows. */
#define CHANNEL_NAME "h.example"

#define CHANNEL_UID       0
#define CHANNEL_OTHER_UID 4200000

/* A server, its authority, and everything between a pin and a fetcher. */
typedef struct
{
  TestFolder *folder;
  char *trust_file;
  TestIdentity *root;
  TestIdentity *leaf;  /* the server's */
  TestIdentity *other; /* as good, of the same authority, with another key */
  TestServer *server;
  CpdConfig *config;
  CpdStore *store;
  CpdFetcher *fetcher;
  CpdBudget *bodies;
} ChannelFixture;

/* A request under way; then its outcome. */
typedef struct
{
  CpdFetcher *fetcher;
  GCancellable *cancellable;
  GAsyncResult *result;
  CpdResponse *response;
  CpdVerdict *verdict;
  GError *error;
} Fetch;

/* What is asked. Everything may be left out. */
typedef struct
{
  const char *method; /* NULL: GET */
  const char *url;    /* NULL: the server's root */
  const char *body;
  CpdOwner owner;
  unsigned int timeout_ms; /* 0: long enough */
  guint64 max_body;        /* 0: 1 MiB */
  unsigned int redirects;  /* how many are followed */
  TestIdentity *require;   /* whose key must be there too */
  gboolean cancelled;      /* before it starts */
} FetchOptions;

void channel_set_up (ChannelFixture *f, gconstpointer user_data);
void channel_tear_down (ChannelFixture *f, gconstpointer user_data);
void channel_renew_fetcher (ChannelFixture *f);

#define CHANNEL_TEST_ADD(path, function)                                                           \
  g_test_add ("/transport/channel/" path, ChannelFixture, NULL, channel_set_up, function,          \
              channel_tear_down)

Fetch *channel_start (ChannelFixture *f, const FetchOptions *options);
Fetch *channel_start_held (ChannelFixture *f, CpdOwner owner);
void channel_wait (Fetch *fetch);
void fetch_free (Fetch *fetch);

#define START(f, ...) channel_start (f, &(const FetchOptions){ __VA_ARGS__ })

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fetch, fetch_free)

void channel_assert_answered (Fetch *fetch, unsigned int status);
void channel_assert_failed (Fetch *fetch, CertpinError code);
const char *channel_get_header (Fetch *fetch, const char *name);
gboolean channel_was_reused (Fetch *fetch);
void channel_assert_passes (ChannelFixture *f);
void channel_assert_refused (ChannelFixture *f, CertpinError code);

CpdPin *channel_make_pin (const char *host, CpdLayer layer, TestIdentity *identity);
void channel_set_pin (ChannelFixture *f, CpdOwner owner, CpdPin *pin);
void channel_pin (ChannelFixture *f, TestIdentity *identity);
void channel_block (ChannelFixture *f, const char *host);
void channel_unpin (ChannelFixture *f);
void channel_reload (ChannelFixture *f, TestIdentity *root);

GSocket *channel_listen_silently (void);
Fetch *channel_start_at_silent (ChannelFixture *f, GSocket *server, CpdOwner owner);

G_END_DECLS
