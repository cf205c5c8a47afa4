/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FakeService FakeService;

/* Answers a call, in a thread of GDBus's.
 * Returns: (transfer full) (nullable): NULL: the call is held */
typedef GDBusMessage *(*FakeHandler) (FakeService *service, GDBusMessage *call, gpointer user_data);

FakeService *fake_service_new (void);
FakeService *fake_service_new_with_handler (FakeHandler handler, gpointer user_data);
FakeService *fake_service_new_successor (FakeHandler handler, gpointer user_data);
void fake_service_free (FakeService *service);

void fake_service_set_handler (FakeService *service, FakeHandler handler, gpointer user_data);
GDBusMessage *fake_service_reply (FakeService *service, GDBusMessage *call);
GDBusMessage *fake_service_hold (FakeService *service, GDBusMessage *call, gpointer user_data);
void fake_service_answer_held (FakeService *service);

unsigned int fake_service_count (FakeService *service, const char *method);
unsigned int fake_service_count_held (FakeService *service);
void fake_service_wait_for (FakeService *service, const char *method, unsigned int calls);
void fake_service_wait_for_held (FakeService *service, unsigned int calls);
char *fake_service_dup_last_sender (FakeService *service);

void fake_service_send_signal (FakeService *service, const char *path, const char *interface,
                               const char *member, GVariant *body);
void
fake_service_emit (FakeService *service, const char *member, const char *host, const char *details);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeService, fake_service_free)

G_END_DECLS
