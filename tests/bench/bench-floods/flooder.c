/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One user's flood: opens the connections of one kind of flood, says "flooding" when all are open,
 * and sends until its standard input ends. Then it prints what it did as one line of JSON, and
 * leaves.
 *
 * usage: flooder SOCKET KIND --most=N --url=URL --large=URL --hang=URL --own=URL --chain=FILE */

#include "config.h"

#include "tests/bench/bench-floods/flood-kinds.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  const FloodKind *kind;
  FloodTargets targets;
  FloodCounts counts;
  FloodRole caller;
  FloodRole listener;
  FloodConnection **connections;
  unsigned int n_connections;
} Flood;

static const FloodKind *
find_kind (const char *name)
{
  for (const FloodKind *kind = flood_kinds; kind->name != NULL; kind++)
    if (g_str_equal (kind->name, name))
      return kind;
  g_printerr ("flooder: there is no flood ‘%s’\n", name);
  exit (2);
}

/* Returns: the end of a pipe from which a body is to be read */
static int
make_body (FloodFlags flags)
{
  int ends[2];

  if (pipe (ends) != 0)
    g_error ("cannot make a pipe");
  if (flags & FLOOD_ENDS)
    close (ends[1]);
  return ends[0];
}

static void
set_up (Flood *flood, const char *socket, unsigned int most)
{
  const FloodKind *kind = flood->kind;

  flood->counts.errors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  flood->caller = (FloodRole){ .socket = socket,
                               .flags = kind->flags,
                               .window = MIN (kind->window, most),
                               .body = make_body (kind->flags),
                               .build = kind->own_messages,
                               .data = &flood->targets,
                               .counts = &flood->counts };
  if (kind->messages != NULL)
    flood->caller.messages = kind->messages (&flood->targets);
  flood->listener = (FloodRole){ .socket = socket,
                                 .flags = FLOOD_SILENT | FLOOD_SUBSCRIBES,
                                 .messages = g_ptr_array_new (),
                                 .counts = &flood->counts };
  flood->n_connections = kind->connections + kind->listeners;
  flood->connections = g_new0 (FloodConnection *, flood->n_connections);
}

/* One turn for all connections that are there. Returns: whether to go on */
static gboolean
turn (Flood *flood, unsigned int n_open)
{
  struct pollfd *polled = g_newa0 (struct pollfd, n_open + 1);

  for (unsigned int i = 0; i < n_open; i++)
    {
      polled[i].events = flood_connection_get_events (flood->connections[i]);
      polled[i].fd = flood_connection_get_fd (flood->connections[i]);
    }
  polled[n_open] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
  poll (polled, n_open + 1, -1);
  for (unsigned int i = 0; i < n_open; i++)
    if (polled[i].revents != 0)
      flood_connection_turn (flood->connections[i], polled[i].revents);
  return polled[n_open].revents == 0;
}

/* One after the other, since dbus-daemon authenticates 64 at a time, and all before the flood, in
 * which it would take none.
 * Returns: whether all are open, and it was not told to end before */
static gboolean
open_all (Flood *flood)
{
  for (unsigned int i = 0; i < flood->n_connections; i++)
    {
      gboolean listens = i < flood->kind->listeners;

      flood->connections[i] = flood_connection_new (listens ? &flood->listener : &flood->caller);
      while (!flood_connection_is_ready (flood->connections[i]))
        if (!turn (flood, i + 1))
          return FALSE;
    }
  return TRUE;
}

static void
print_counts (const FloodCounts *counts)
{
  GHashTableIter all;
  gpointer name, number;
  const char *separator = "";

  g_print ("{\"connects\": %" G_GUINT64_FORMAT ", \"lost\": %" G_GUINT64_FORMAT
           ", \"sent\": %" G_GUINT64_FORMAT ", \"answered\": %" G_GUINT64_FORMAT ", \"errors\": {",
           counts->connects, counts->lost, counts->sent, counts->answered);
  g_hash_table_iter_init (&all, counts->errors);
  while (g_hash_table_iter_next (&all, &name, &number))
    {
      g_print ("%s\"%s\": %zu", separator, (char *)name, GPOINTER_TO_SIZE (number));
      separator = ", ";
    }
  g_print ("}}\n");
}

static void
run (Flood *flood)
{
  if (open_all (flood))
    {
      flood->caller.begun = TRUE;
      g_print ("flooding\n");
      while (turn (flood, flood->n_connections))
        continue;
    }
  print_counts (&flood->counts);
}

int
main (int argc, char **argv)
{
  Flood flood = { 0 };
  int most = 0;
  const GOptionEntry entries[] = {
    { "most", 0, 0, G_OPTION_ARG_INT, &most, "calls in flight on a connection", "N" },
    { "url", 0, 0, G_OPTION_ARG_STRING, &flood.targets.url, "a server that answers", "URL" },
    { "large", 0, 0, G_OPTION_ARG_STRING, &flood.targets.large, "its largest answer", "URL" },
    { "hang", 0, 0, G_OPTION_ARG_STRING, &flood.targets.hang, "one that does not", "URL" },
    { "own", 0, 0, G_OPTION_ARG_STRING, &flood.targets.own, "one that nobody else uses", "URL" },
    { "chain", 0, 0, G_OPTION_ARG_FILENAME, &flood.targets.chain, "a costly chain", "FILE" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("SOCKET KIND");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3 || most <= 0)
    {
      g_printerr ("flooder: %s\n", error != NULL ? error->message : "SOCKET KIND --most=N");
      return 2;
    }
  flood.kind = find_kind (argv[2]);
  set_up (&flood, argv[1], (unsigned int)most);
  run (&flood);
  return 0;
}
