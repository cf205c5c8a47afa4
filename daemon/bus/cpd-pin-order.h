/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin.h"

G_BEGIN_DECLS

/* What a call wants to be pinned. */
typedef struct
{
  CpdHost *host;
  CpdLayer layer;
  CpdMatch match;
  CpdMode mode;
  gint64 expires;
  char *note;
  CpdAnchors *anchors;
  GBytes *certificate; /* NULL: the keys are given themselves */
  GPtrArray *backups;  /* of GBytes: more certificates */
  GPtrArray *keys;     /* of CertpinKey */
} CpdPinOrder;

CpdPinOrder *cpd_pin_order_new (const char *host, GVariant *options, gint64 now, GError **error);
void cpd_pin_order_free (CpdPinOrder *order);

gboolean cpd_pin_order_take_keys (CpdPinOrder *order, GVariant *keys, GError **error);
CpdPin *cpd_pin_order_make_pin (CpdPinOrder *order, gint64 now, GError **error);

gboolean cpd_pin_order_parse_scope (const char *scope, CpdLayer *layer, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPinOrder, cpd_pin_order_free)

G_END_DECLS
