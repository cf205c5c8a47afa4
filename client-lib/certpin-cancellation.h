/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: passes a cancellation on to a main context. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CertpinCancellation CertpinCancellation;

CertpinCancellation *
certpin_cancellation_watch (GCancellable *cancellable, GMainContext *context, GSourceFunc function,
                            gpointer box, GDestroyNotify release);
GError *certpin_cancellation_new_error (void);
void certpin_cancellation_free (CertpinCancellation *cancellation);

G_END_DECLS
