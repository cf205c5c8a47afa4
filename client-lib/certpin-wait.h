/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: waits for an asynchronous call. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* It has a main context of its own, so that nothing else runs meanwhile. */
typedef struct
{
  GMainContext *context;
  GAsyncResult *result;
} CertpinWait;

CertpinWait *certpin_wait_begin (void);
void certpin_wait_on_result (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *certpin_wait_for_result (CertpinWait *wait);
void certpin_wait_end (CertpinWait *wait);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinWait, certpin_wait_end)

G_END_DECLS
