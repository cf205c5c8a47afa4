/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: sending a request, with descriptors. */

#pragma once

#include "certpin-client.h"

#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

void certpin_send_begin (CertpinClient *client, CertpinRequest *request, GVariant *options,
                         GUnixFDList *descriptors, gpointer source_tag, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
