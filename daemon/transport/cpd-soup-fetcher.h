/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-channels.h"

G_BEGIN_DECLS

#define CPD_TYPE_SOUP_FETCHER (cpd_soup_fetcher_get_type ())

/* The CpdFetcher that carries bytes. */
G_DECLARE_FINAL_TYPE (CpdSoupFetcher, cpd_soup_fetcher, CPD, SOUP_FETCHER, GObject)

CpdSoupFetcher *cpd_soup_fetcher_new (CpdStore *store, const CpdConfig *config);

G_END_DECLS
