/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: passes signals of the service to one object. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _CertpinWatcher CertpinWatcher;

CertpinWatcher *certpin_watcher_new (GObject *object);
CertpinWatcher *certpin_watcher_ref (CertpinWatcher *watcher);
void certpin_watcher_unref (CertpinWatcher *watcher);

void certpin_watcher_tell (CertpinWatcher *watcher, const char *signal, const char *host,
                           GVariant *details);
void certpin_watcher_tell_missed (CertpinWatcher *watcher);
void certpin_watcher_stop (CertpinWatcher *watcher);

G_END_DECLS
