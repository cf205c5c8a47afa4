/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-error.h"
#include "daemon/core/pins/cpd-policy.h"
#include "daemon/core/verdict/cpd-peer.h"

G_BEGIN_DECLS

/* The outcome of judging one connection, with its evidence. A reference-counted value that is only
 * read. */
typedef struct
{
  gboolean passed;
  CertpinError error; /* why not: NotPinned, Blocked, PinExpired, Untrusted or PinMismatch */
  CpdLayer layer;     /* the layer that refused; if it passed, the layer of the match */
  CpdHost *target;
  CpdPin *pin; /* the pin that refused or matched; NULL: there is none */
  CpdPolicy *policy;
  CpdPeer *peer; /* NULL where no server was asked */

  char *reason;       /* a word for programs: wrong-key, key-rotated, expired, name, … */
  char *message;      /* one sentence for people, with the remedy */
  char *likely_cause; /* one sentence; NULL where it passed */
  char *advice;       /* one sentence; NULL where it passed */

  CertpinKey *matched_key;       /* NULL where it did not pass */
  unsigned int matched_position; /* on the path; 0 is the server's own certificate */
  GPtrArray *path_keys; /* of CertpinKey, leaf first, anchor last; NULL if there is no path */

  const char *ocsp; /* what the stapled OCSP response says; NULL where no server was asked */

  GStrv warnings; /* urgent ones of its pins, as sentences; NULL: none */

  gpointer report;   /* the CpdVerdict of a pin that only reports and did not match; NULL: none */
  gboolean reported; /* it is such a report: nothing was refused */
  gpointer hidden;   /* the CpdVerdict, likewise a report if this one passed, of a pin that an app's
                        user alone may see; NULL: none */

  gint64 paused_until; /* Unix seconds: until then, a pin that applies is paused; 0: none is */
} CpdVerdict;

CpdVerdict *cpd_verdict_of_policy (CpdPolicy *policy, gint64 now);
CpdAnchors *
cpd_verdict_find_missing (CpdPolicy *policy, CpdPeer *peer, CpdAnchors *system, gint64 now);
CpdVerdict *cpd_verdict_of_peer (CpdPolicy *policy, CpdPeer *peer, CpdAnchors *system, gint64 now);
CpdVerdict *cpd_verdict_ref (CpdVerdict *verdict);
void cpd_verdict_unref (CpdVerdict *verdict);

GError *cpd_verdict_to_error (const CpdVerdict *verdict);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdVerdict, cpd_verdict_unref)

G_END_DECLS
