/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bench-load.h"

G_BEGIN_DECLS

/* Makes requests with libsoup in this process, without any service. */
typedef struct _BenchDirect BenchDirect;

BenchDirect *bench_direct_new (BenchWorld *world);
void bench_direct_free (BenchDirect *direct);
void bench_direct_request (BenchDirect *direct, const BenchOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchDirect, bench_direct_free)

G_END_DECLS
