/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a connection to the bus. */

#pragma once

#include "certpin-connected.h"
#include "certpin-watcher.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CertpinLink CertpinLink;

CertpinLink *certpin_link_get (GDBusConnection *given);
CertpinLink *certpin_link_ref (CertpinLink *link);
void certpin_link_unref (CertpinLink *link);

void certpin_link_call (CertpinLink *link, GTask *task);
void certpin_link_observe (CertpinLink *link, CertpinConnected *connected);
void certpin_link_unobserve (CertpinLink *link, CertpinConnected *connected);
void certpin_link_watch (CertpinLink *link, CertpinWatcher *watcher);
void certpin_link_unwatch (CertpinLink *link, CertpinWatcher *watcher);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinLink, certpin_link_unref)

G_END_DECLS
