/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FLOOD_TYPE_CALL   1
#define FLOOD_TYPE_RETURN 2
#define FLOOD_TYPE_ERROR  3

/* Each returns: (transfer full): a message as bytes, whose serial is to be put in at its place */
GBytes *flood_message_new (GDBusMessage *message);
GBytes *flood_message_call (const char *interface, const char *member, GVariant *parameters);
GBytes *flood_message_hello (void);
GBytes *flood_message_subscribe (void);
GBytes *flood_message_version (void);
GBytes *flood_message_request (const char *method, const char *url, GVariant *headers,
                               GVariant *body, GVariant *options);

gboolean flood_message_is_answered (const guint8 *blob);

G_END_DECLS
