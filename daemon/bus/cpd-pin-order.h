/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-asker.h"

G_BEGIN_DECLS

/* What a call wants a host to be pinned to. */
typedef struct
{
  CpdPin *pin;     /* its host, layer and options hold in any case */
  GError *failure; /* why it cannot be made of these certificates; NULL: it is complete */
  gboolean keeps;  /* after such a failure, nothing is changed */
  guint32 pause_s; /* of PausePin: how long */
  char *reason;    /* likewise: why */
} CpdPinOrder;

CpdPinOrder *cpd_pin_order_new_certificate (CpdAsker *asker, const char *host, GBytes *certificate,
                                            GVariant *options, GError **error);
CpdPinOrder *cpd_pin_order_new_keys (CpdAsker *asker, const char *host, GVariant *keys,
                                     GVariant *options, GError **error);
CpdPinOrder *
cpd_pin_order_new_host (CpdAsker *asker, const char *host, GVariant *options, GError **error);
CpdPinOrder *cpd_pin_order_new_edit (CpdAsker *asker, const char *host, GVariant *keys,
                                     GVariant *options, GError **error);
CpdPinOrder *
cpd_pin_order_new_pause (CpdAsker *asker, const char *host, GVariant *options, GError **error);
void cpd_pin_order_free (CpdPinOrder *order);

GError *cpd_pin_order_explain_file (const CpdPinOrder *order, CpdStore *store, GError *error,
                                    const char *remedy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPinOrder, cpd_pin_order_free)

G_END_DECLS
