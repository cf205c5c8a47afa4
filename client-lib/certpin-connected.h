/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the property ‘connected’ of one client. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _CertpinConnected CertpinConnected;

CertpinConnected *certpin_connected_new (GObject *object);
CertpinConnected *certpin_connected_ref (CertpinConnected *connected);
void certpin_connected_unref (CertpinConnected *connected);

gboolean certpin_connected_get (CertpinConnected *connected);
void certpin_connected_set (CertpinConnected *connected, gboolean value);
void certpin_connected_stop (CertpinConnected *connected);

G_END_DECLS
