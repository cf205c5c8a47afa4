/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin.h"

G_BEGIN_DECLS

/* When one key was at a server. */
typedef struct
{
  CertpinKey *key;
  gint64 first, last; /* Unix seconds */
} CpdSightingKey;

/* What was seen of the servers of one pin. A reference-counted value that is only read. It is for
 * people: no verdict depends on it. */
typedef struct
{
  CpdHost *host; /* the pin's pattern */
  GArray *keys;  /* of CpdSightingKey: those of the pin that were seen */
  gint64 seen;   /* Unix seconds: when a server last passed, and had this certificate: */
  char *subject;
  char *issuer;
  gint64 not_after; /* Unix seconds */
  gint64 warned;    /* when the journal last got the pin's warnings; 0: never */
} CpdSighting;

/* A server that passed just now. */
typedef struct
{
  GPtrArray *keys; /* of CertpinKey: those of the pin that it proved */
  const char *subject;
  const char *issuer;
  gint64 not_after; /* Unix seconds */
  gint64 now;       /* likewise */
} CpdObservation;

CpdSighting *cpd_sighting_new (CpdHost *host);
CpdSighting *cpd_sighting_ref (CpdSighting *sighting);
void cpd_sighting_unref (CpdSighting *sighting);

CpdSighting *
cpd_sighting_observe (const CpdSighting *old, const CpdPin *pin, const CpdObservation *observation);
CpdSighting *cpd_sighting_retain (const CpdSighting *sighting, const CpdPin *pin);
const CpdSightingKey *cpd_sighting_find_key (const CpdSighting *sighting, CertpinKey *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdSighting, cpd_sighting_unref)

G_END_DECLS
