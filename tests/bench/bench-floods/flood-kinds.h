/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tests/bench/bench-floods/flood-connection.h"

G_BEGIN_DECLS

/* What floods are about. */
typedef struct
{
  char *url;   /* of a server that answers */
  char *large; /* the same, with the largest answer there can be */
  char *hang;  /* of one that accepts connections and never answers */
  char *own;   /* a server that answers, and that nobody else uses */
  char *chain; /* a file of certificates, each a 32-bit size in network order and its DER */
} FloodTargets;

/* As many calls in flight as the bus lets one connection have. */
#define FLOOD_MOST G_MAXUINT

typedef struct
{
  const char *name;
  unsigned int connections;
  unsigned int window;    /* calls in flight on each; 0: no limit */
  unsigned int listeners; /* more connections, which never read what they subscribed to */
  FloodFlags flags;
  /* Returns: (transfer full): of GBytes */
  GPtrArray *(*messages) (const FloodTargets *targets);
  /* Instead, for messages that name their sender */
  GPtrArray *(*own_messages) (gconstpointer targets, const char *unique_name);
} FloodKind;

extern const FloodKind flood_kinds[]; /* the last one has no name */

G_END_DECLS
