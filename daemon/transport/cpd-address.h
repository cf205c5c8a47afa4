/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-judge.h"

G_BEGIN_DECLS

#define CPD_TYPE_ADDRESS (cpd_address_get_type ())

/* Where a host is. */
typedef struct _CpdAddress CpdAddress;

#define CPD_ADDRESS(object) G_TYPE_CHECK_INSTANCE_CAST (object, CPD_TYPE_ADDRESS, CpdAddress)

GType cpd_address_get_type (void);

/* What is looked up, whose request goes there, and who judges the addresses. */
typedef struct
{
  const char *name; /* until the address is made */
  guint16 port;
  CpdHost *target;
  CpdOwner owner;
  CpdStore *store;
  CpdAddressRules *rules;
} CpdAddressSettings;

CpdAddress *cpd_address_new (const CpdAddressSettings *settings);
void cpd_address_close (CpdAddress *address);

G_END_DECLS
