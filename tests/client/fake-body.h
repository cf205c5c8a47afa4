/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tests/client/fake-service.h"

G_BEGIN_DECLS

/* The service's end of a body that goes through a descriptor, and the client's until it is sent. */
typedef struct
{
  int service; /* -1: ended */
  int client;
} FakeBody;

void fake_body_init (FakeBody *body);
void fake_body_clear (FakeBody *body);
void fake_body_write (FakeBody *body, const char *bytes, gsize length);
void fake_body_finish (FakeBody *body);
void fake_body_cut (FakeBody *body);
void fake_body_wait_until_closed (FakeBody *body);

GDBusMessage *
fake_body_reply (FakeBody *body, GDBusMessage *call, unsigned int status, const char *headers);

G_END_DECLS
