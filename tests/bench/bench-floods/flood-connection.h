/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What all connections of a flood did together. */
typedef struct
{
  guint64 connects; /* begun */
  guint64 lost;     /* ended by the bus */
  guint64 sent;     /* messages of the flood, written in full */
  guint64 answered;
  GHashTable *errors; /* name → number of error replies, as a pointer */
} FloodCounts;

typedef enum
{
  FLOOD_READS = 0,
  FLOOD_SILENT = 1 << 0,      /* never reads */
  FLOOD_LEAVES = 1 << 1,      /* ends with its first reply, and connects again */
  FLOOD_DESCRIPTORS = 1 << 2, /* attaches FLOOD_DESCRIPTORS_EACH to each message */
  FLOOD_SUBSCRIBES = 1 << 3,  /* asks for the service's signals first */
  FLOOD_KEEPS = 1 << 4,       /* keeps the descriptors that it gets open, and else closes them */
  FLOOD_UPLOADS = 1 << 5,     /* attaches to each message a pipe into which nobody writes */
  FLOOD_ENDS = 1 << 6,        /* a pipe that has ended */
} FloodFlags;

/* The most that dbus-daemon lets one message have. */
#define FLOOD_DESCRIPTORS_EACH 16

/* How a connection behaves. */
typedef struct
{
  const char *socket; /* of the bus */
  FloodFlags flags;
  gboolean begun;      /* until then it greets the bus and no more */
  unsigned int window; /* calls that wait for a reply at a time; 0: no limit */
  int body;            /* that is attached by FLOOD_UPLOADS */
  GPtrArray *messages; /* of GBytes: what is sent, over and over; NULL: `build` makes them */
  /* Returns: (transfer full): a connection's own messages */
  GPtrArray *(*build) (gconstpointer data, const char *unique_name);
  gconstpointer data;
  FloodCounts *counts;
} FloodRole;

typedef struct _FloodConnection FloodConnection;

FloodConnection *flood_connection_new (const FloodRole *role);
int flood_connection_get_fd (const FloodConnection *connection);
gboolean flood_connection_is_ready (const FloodConnection *connection);
short flood_connection_get_events (FloodConnection *connection);
void flood_connection_turn (FloodConnection *connection, short events);

G_END_DECLS
