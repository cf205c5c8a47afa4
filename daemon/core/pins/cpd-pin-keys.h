/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-key.h"

G_BEGIN_DECLS

/* The keys of one pin, in their order: an array that takes no more than it needs, because there may
 * be 100 000. It has one owner, and moves when it changes. */
typedef struct
{
  unsigned int len;
  CertpinKey *pdata[];
} CpdPinKeys;

CpdPinKeys *cpd_pin_keys_new (void);
CpdPinKeys *cpd_pin_keys_copy (const CpdPinKeys *keys);
void cpd_pin_keys_free (CpdPinKeys *keys);

CpdPinKeys *cpd_pin_keys_insert (CpdPinKeys *keys, unsigned int place, CertpinKey *key);
CpdPinKeys *cpd_pin_keys_remove (CpdPinKeys *keys, unsigned int place);
GPtrArray *cpd_pin_keys_list (const CpdPinKeys *keys);

G_END_DECLS
