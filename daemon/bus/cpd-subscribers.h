/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-delivery.h"

G_BEGIN_DECLS

/* The connections that have subscribed to signals. */
typedef struct _CpdSubscribers CpdSubscribers;

/* One event. Of several with the same kind, host, scope and key, only the newest is sent. */
typedef struct
{
  const char *signal;  /* its name, static */
  const char *host;    /* pattern, or host */
  const char *scope;   /* static */
  const char *key;     /* NULL: it is not about one */
  GVariant *arguments; /* sunk if floating */
  const char *object;  /* path of one whose properties have changed; NULL: none has */
  GVariant *changes;   /* the arguments of PropertiesChanged for it; sunk if floating */
} CpdNews;

CpdSubscribers *cpd_subscribers_new (CpdDelivery *delivery);
void cpd_subscribers_free (CpdSubscribers *subscribers);

gboolean cpd_subscribers_add (CpdSubscribers *subscribers, CpdCaller *caller, GError **error);
void cpd_subscribers_remove (CpdSubscribers *subscribers, CpdCaller *caller);
gboolean cpd_subscribers_has_any (CpdSubscribers *subscribers, CpdOwner owner);
void cpd_subscribers_tell (CpdSubscribers *subscribers, CpdOwner owner, const CpdNews *news);
void cpd_subscribers_have_room (CpdSubscribers *subscribers, CpdCaller *caller);

G_END_DECLS
