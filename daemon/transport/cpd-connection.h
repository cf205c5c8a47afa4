/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-peer.h"
#include "daemon/transport/cpd-tls.h"

G_BEGIN_DECLS

/* A connection to a server that is known, but may be sent nothing before it is judged. It has one
 * owner at a time. */
typedef struct _CpdConnection CpdConnection;

typedef void (*CpdConnectionFunc) (CpdConnection *connection, gpointer user_data);

struct _CpdConnection
{
  CpdTls *tls;
  CpdPeer *peer;
  CpdPeer *proxy;        /* an https proxy on the way, set by whoever made it; NULL: none */
  GInetAddress *address; /* that it leads to, set by whoever made it; NULL: not known here */
  gint64 used_us;        /* monotonic: when the last answer was complete; 0: there was none */
  guint64 resolve_us, connect_us, tls_us; /* what setting it up took */

  /* When it was last put on record that its server passed, and by which pins. */
  gint64 noted_s; /* Unix seconds; 0: never */
  guint64 noted_generation;
  GStrv warnings; /* urgent ones of these pins; NULL: none */

  /* While it is idle. */
  unsigned int wake_ups;
  CpdConnectionFunc ended;
  gpointer user_data;
};

CpdConnection *cpd_connection_new (CpdTls *tls, CpdHost *host);
void cpd_connection_free (CpdConnection *connection);

gboolean cpd_connection_is_silent (CpdConnection *connection, GError **error);
void
cpd_connection_watch_idle (CpdConnection *connection, CpdConnectionFunc ended, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdConnection, cpd_connection_free)

G_END_DECLS
