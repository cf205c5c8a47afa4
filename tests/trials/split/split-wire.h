/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where a worker finds its sockets. */
#define SPLIT_FD_ORDERS 3 /* orders and answers, at any time */
#define SPLIT_FD_PINS   4 /* one change of pins at a time, and that it is in force */

/* `message`: NULL: the other end is gone */
typedef void (*SplitWireFunc) (GVariant *message, gpointer user_data);

/* One end of a socketpair that carries messages both ways, from the main loop. */
typedef struct _SplitWire SplitWire;

SplitWire *split_wire_new (int fd, SplitWireFunc function, gpointer user_data);
void split_wire_send (SplitWire *wire, GVariant *message);

/* The same messages by a caller that waits. */
gboolean split_send (int fd, GVariant *message);
GVariant *split_receive (int fd);

G_END_DECLS
