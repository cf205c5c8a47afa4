/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: what a slice of the service's list changes in a list of pins. */

#pragma once

#include "certpin-pin.h"

#include <gio/gio.h>

G_BEGIN_DECLS

const char *certpin_pin_merge_find_last_host (GPtrArray *slice);
const char *certpin_pin_merge_find_before (GPtrArray *pins, const char *host);
void certpin_pin_merge (GListModel *model, GPtrArray *pins, const char *after, const char *last,
                        GPtrArray *slice);

G_END_DECLS
