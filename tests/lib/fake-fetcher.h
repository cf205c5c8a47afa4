/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-fetcher.h"
#include "tests/lib/test-core.h"

G_BEGIN_DECLS

#define FAKE_TYPE_FETCHER (fake_fetcher_get_type ())

/* A CpdFetcher that carries nothing: it keeps the orders that it gets until it is told how they
 * end, or answers each at once. */
G_DECLARE_FINAL_TYPE (FakeFetcher, fake_fetcher, FAKE, FETCHER, GObject)

FakeFetcher *fake_fetcher_new (void);

void fake_fetcher_hold (FakeFetcher *fetcher);
void fake_fetcher_set_verdict (FakeFetcher *fetcher, CpdVerdict *verdict);

void fake_fetcher_add_channel (FakeFetcher *fetcher, CpdOwner owner, CpdChannelStatus *status);

unsigned int fake_fetcher_count_orders (FakeFetcher *fetcher);
unsigned int fake_fetcher_count_held (FakeFetcher *fetcher);
unsigned int fake_fetcher_count_cancelled (FakeFetcher *fetcher);
const CpdOrder *fake_fetcher_get_order (FakeFetcher *fetcher);

void fake_fetcher_answer (FakeFetcher *fetcher);
void fake_fetcher_fail (FakeFetcher *fetcher, CertpinError code);

CpdVerdict *
fake_verdict_new (const char *host, TestIdentity *pinned, TestIdentity *offered, CpdMode mode);

G_END_DECLS
