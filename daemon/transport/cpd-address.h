/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_ADDRESS (cpd_address_get_type ())

/* Where a host is. */
typedef struct _CpdAddress CpdAddress;

GType cpd_address_get_type (void);

GSocketConnectable *cpd_address_new (const char *name, guint16 port);

gboolean cpd_address_is_link_local (GInetAddress *address);
gboolean cpd_address_check_literal (const char *name, GError **error);

G_END_DECLS
