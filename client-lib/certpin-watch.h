/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the subscription of a link to the service's signals. */

#pragma once

#include "certpin-watcher.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CertpinWatch CertpinWatch;

/* Asks the link for a connection. It answers with certpin_watch_on_connected() or
 * certpin_watch_on_disconnected(). */
typedef void (*CertpinWatchConnectFunc) (gpointer link);

CertpinWatch *certpin_watch_new (CertpinWatchConnectFunc connect, gpointer link);
void certpin_watch_free (CertpinWatch *watch);

void certpin_watch_add (CertpinWatch *watch, CertpinWatcher *watcher);
void certpin_watch_remove (CertpinWatch *watch, CertpinWatcher *watcher);

void certpin_watch_on_connected (CertpinWatch *watch, GDBusConnection *connection);
void certpin_watch_on_disconnected (CertpinWatch *watch);

G_END_DECLS
