/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the subscription of a link to the service's signals. */

#pragma once

#include "certpin-watcher.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CertpinSubscription CertpinSubscription;

/* Asks the link for a connection. It answers with certpin_subscription_on_connected() or
 * certpin_subscription_on_disconnected(). */
typedef void (*CertpinConnectFunc) (gpointer link);

CertpinSubscription *certpin_subscription_new (CertpinConnectFunc connect, gpointer link);
void certpin_subscription_free (CertpinSubscription *subscription);

void certpin_subscription_add (CertpinSubscription *subscription, CertpinWatcher *watcher);
void certpin_subscription_remove (CertpinSubscription *subscription, CertpinWatcher *watcher);

void
certpin_subscription_on_connected (CertpinSubscription *subscription, GDBusConnection *connection);
void certpin_subscription_on_disconnected (CertpinSubscription *subscription);

G_END_DECLS
