/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-verdict.h"
#include "tests/lib/test-core.h"

G_BEGIN_DECLS

/* Keys by name, to be combined. */
enum
{
  LEAF = 1,
  MIDDLE = 2,
  ROOT = 4,
  OTHER = 8, /* of nobody */
  JUNK = 16, /* of a certificate that is sent, but on no path */
};

/* What a server presents. */
typedef enum
{
  GOOD,
  WITH_JUNK, /* the good chain and an unrelated certificate */
  EXPIRED,
  FUTURE,
  WRONG_NAME,
  SELF_SIGNED,
  NOTHING,
  STAPLES, /* the good chain, and that it is not revoked */
} Server;

/* One layer's pin; keys == 0 and not blocked: it has none. */
typedef struct
{
  unsigned int keys;
  CpdMatch match;
  CpdMode mode;
  gboolean blocked;
  gint64 expires;
  gint64 since, until;    /* of its pause; 0: it has none */
  gboolean other_anchors; /* judged against a root that nobody uses */
  gboolean own_anchors;   /* judged against the good root, explicitly */
  gboolean near_anchors;  /* judged against the middle, where the path then ends */
} Layer;

typedef struct
{
  const char *name;
  Layer layers[CPD_N_LAYERS];
  Server server;
  int error; /* -1: it passes */
  CpdLayer layer;
  const char *reason;
  unsigned int position;
  gboolean reports;
  gboolean unmatched; /* though it passes */
} Case;

#define PASSES       .error = -1
#define USER(...)    [CPD_LAYER_USER] = { __VA_ARGS__ }
#define SYSTEM(...)  [CPD_LAYER_SYSTEM] = { __VA_ARGS__ }
#define FILES(...)   [CPD_LAYER_FILES] = { __VA_ARGS__ }
#define REQUEST(...) [CPD_LAYER_REQUEST] = { __VA_ARGS__, .match = CPD_MATCH_PATH }
#define PATH         .match = CPD_MATCH_PATH
#define REPORT       .mode = CPD_MODE_REPORT
#define PAST         .expires = TEST_PKI_NOW
#define PAUSED       .since = TEST_PKI_NOW, .until = TEST_PKI_NOW + 1
#define WAS_PAUSED   .since = TEST_PKI_NOW - 10, .until = TEST_PKI_NOW
#define REFUSES(code, which, why)                                                                  \
  .error = CERTPIN_ERROR_##code, .layer = CPD_LAYER_##which, .reason = why

/* Who the servers are, and what they hold. */
typedef struct
{
  TestIdentity *root, *middle, *leaf, *junk, *expired, *future, *misnamed, *own;
  CpdAnchors *system, *unused, *near;
  CpdHost *target;
} VerdictWorld;

extern VerdictWorld verdict_world;

void verdict_world_make (void);
void verdict_world_unmake (void);

CertpinKey *verdict_key_of (TestIdentity *identity);
CpdPeer *verdict_make_peer (Server server);
CpdPolicy *verdict_make_policy (const Layer layers[CPD_N_LAYERS]);
unsigned int verdict_validate_missing (CpdPolicy *policy, CpdPeer *peer);
CpdVerdict *verdict_judge (const Case *given);
void verdict_assert_refusal (const CpdVerdict *verdict, const Case *expected);
void verdict_test_case (gconstpointer user_data);

G_END_DECLS
