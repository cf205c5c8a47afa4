/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the calls of one link, waiting and under way. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CertpinQueue CertpinQueue;

/* What a queue tells its link, in the library's thread. */
typedef struct
{
  void (*on_ready) (gpointer link);   /* there may be a call to send: certpin_queue_send() */
  void (*on_failed) (gpointer link);  /* a call failed, and was not answered yet */
  void (*on_overdue) (gpointer link); /* a call was not sent before its deadline */
} CertpinQueueEvents;

CertpinQueue *certpin_queue_new (const CertpinQueueEvents *events, gpointer link);
void certpin_queue_free (CertpinQueue *queue);

void certpin_queue_add (CertpinQueue *queue, GTask *task, gpointer keeper, GDestroyNotify release);
gboolean certpin_queue_is_waiting (CertpinQueue *queue);
void certpin_queue_send (CertpinQueue *queue, GDBusConnection *connection);
void certpin_queue_fail (CertpinQueue *queue, const GError *reason);

G_END_DECLS
