/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: passes signals of the service to one client. */

#pragma once

#include "certpin-client.h"

G_BEGIN_DECLS

typedef struct _CertpinWatcher CertpinWatcher;

CertpinWatcher *certpin_watcher_new (CertpinClient *client);
CertpinWatcher *certpin_watcher_ref (CertpinWatcher *watcher);
void certpin_watcher_unref (CertpinWatcher *watcher);

void certpin_watcher_tell (CertpinWatcher *watcher, const char *signal, const char *host,
                           GVariant *details);
void certpin_watcher_tell_missed (CertpinWatcher *watcher);
void certpin_watcher_stop (CertpinWatcher *watcher);

G_END_DECLS
