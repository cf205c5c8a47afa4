/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/cpd-fetcher.h"
#include "daemon/core/cpd-store.h"
#include "tests/trials/split/split-wire.h"

G_BEGIN_DECLS

#define SPLIT_TYPE_FETCHER (split_fetcher_get_type ())

/* A CpdFetcher that gives its orders to another process, and its store's pins. */
G_DECLARE_FINAL_TYPE (SplitFetcher, split_fetcher, SPLIT, FETCHER, GObject)

SplitFetcher *split_fetcher_new (CpdStore *store, int orders_fd, int pins_fd);
void split_fetcher_send_pins (SplitFetcher *fetcher, guint32 uid);

G_END_DECLS
