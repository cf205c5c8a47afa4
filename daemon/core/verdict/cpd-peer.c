/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The server of one connection. A path that was validated in the handshake stays valid while its
 * dates and the set of anchors do, so that checking a connection again needs no signatures. Without
 * a stored result, everything is validated. */

#include "config.h"

#include "daemon/core/verdict/cpd-peer.h"

/* One for each layer with pins, and one more: a pin that is set again and again with new anchors
 * must not make the list grow while the connection lasts. */
#define VALIDATIONS_MAX 4

/* How long a refusal counts that is a matter of time: that of a moment ago is still an answer. */
#define REFUSED_FOR_S 10

struct _CpdPeer
{
  CpdHost *host; /* NULL: no name is checked */
  CpdPurpose purpose;
  gint64 earliest; /* a clock before it is wrong; 0: the time is given */
  gboolean handshaken;
  GBytes *stapled;        /* NULL: none */
  GPtrArray *ders;        /* of GBytes, as presented */
  GPtrArray *chain;       /* atomic; of CpdCertificate; NULL until it is needed */
  GPtrArray *validations; /* of CpdValidation, one for each of the last sets of anchors */
};

static gpointer
copy_bytes (gconstpointer bytes, gpointer user_data)
{
  return g_bytes_ref ((GBytes *)bytes);
}

/* A chain to be judged without a connection, at a given time.
 * `host`: (nullable): NULL: no name is checked. `ders`: of GBytes, as presented, the server's own
 * first. Later ones that are malformed are left out: they can be on no path. */
CpdPeer *
cpd_peer_new_offline (CpdHost *host, GPtrArray *ders, CpdPurpose purpose)
{
  CpdPeer *peer = g_atomic_rc_box_new0 (CpdPeer);

  peer->host = host != NULL ? cpd_host_ref (host) : NULL;
  peer->purpose = purpose;
  peer->ders = g_ptr_array_copy (ders, copy_bytes, NULL);
  g_ptr_array_set_free_func (peer->ders, (GDestroyNotify)g_bytes_unref);
  peer->validations = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_validation_unref);
  return peer;
}

/* The server behind a connection. `ders`: likewise. `stapled`: (nullable): the OCSP response of its
 * own certificate, as it sent it */
CpdPeer *
cpd_peer_new (CpdHost *host, GPtrArray *ders, GBytes *stapled)
{
  CpdPeer *peer = cpd_peer_new_offline (host, ders, CPD_PURPOSE_SERVER);

  peer->handshaken = TRUE;
  peer->stapled = stapled != NULL ? g_bytes_ref (stapled) : NULL;
  peer->earliest = CPD_RELEASE_UNIX_S;
  return peer;
}

CpdPeer *
cpd_peer_ref (CpdPeer *peer)
{
  return g_atomic_rc_box_acquire (peer);
}

static void
peer_clear (gpointer data)
{
  CpdPeer *peer = data;

  cpd_host_unref (peer->host);
  g_ptr_array_unref (peer->ders);
  g_clear_pointer (&peer->chain, g_ptr_array_unref);
  g_ptr_array_unref (peer->validations);
  g_clear_pointer (&peer->stapled, g_bytes_unref);
}

void
cpd_peer_unref (CpdPeer *peer)
{
  if (peer != NULL)
    g_atomic_rc_box_release_full (peer, peer_clear);
}

/* Returns: (transfer none) (nullable): the requested host */
CpdHost *
cpd_peer_get_host (CpdPeer *peer)
{
  return peer->host;
}

/* Returns: (transfer none): of GBytes: as presented, whatever it is */
GPtrArray *
cpd_peer_get_ders (CpdPeer *peer)
{
  return peer->ders;
}

static GPtrArray *
parse_chain (GPtrArray *ders)
{
  GPtrArray *chain = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);

  for (unsigned int i = 0; i < ders->len; i++)
    {
      CpdCertificate *certificate = cpd_certificate_new (ders->pdata[i], NULL);

      if (certificate != NULL)
        g_ptr_array_add (chain, certificate);
      else if (i == 0)
        break;
    }
  return chain;
}

/* Parsing what a server chose to present can take long, too: once it was validated, it is parsed.
 * Returns: (transfer none): of CpdCertificate, as presented; empty where the server's own is
 * malformed */
GPtrArray *
cpd_peer_get_chain (CpdPeer *peer)
{
  GPtrArray *parsed;

  if (g_atomic_pointer_get (&peer->chain) != NULL)
    return g_atomic_pointer_get (&peer->chain);
  parsed = parse_chain (peer->ders);
  if (!g_atomic_pointer_compare_and_exchange (&peer->chain, NULL, parsed))
    g_ptr_array_unref (parsed);
  return g_atomic_pointer_get (&peer->chain);
}

/* A problem of a chain stays, unless it depends on the time. */
static gboolean
still_refused (const CpdValidation *validation, gint64 now)
{
  return (validation->problem != CPD_PROBLEM_EXPIRED
          && validation->problem != CPD_PROBLEM_NOT_YET_VALID
          && validation->problem != CPD_PROBLEM_CLOCK)
         || (now >= validation->now && now <= validation->now + REFUSED_FOR_S);
}

static gboolean
still_holds (const CpdPeer *peer, const CpdValidation *validation, gint64 now)
{
  if (validation->problem != CPD_PROBLEM_NONE)
    return still_refused (validation, now);
  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      const CpdPath *path = validation->paths->pdata[i];

      if (now < path->valid_from || now > path->valid_until)
        return FALSE;
    }
  return now >= peer->earliest;
}

/* Returns: (transfer none) (nullable): what is on record of these anchors and holds at this time */
CpdValidation *
cpd_peer_find_validation (CpdPeer *peer, CpdAnchors *anchors, gint64 now)
{
  for (unsigned int i = 0; i < peer->validations->len; i++)
    {
      CpdValidation *validation = peer->validations->pdata[i];

      if (validation->anchors == anchors && still_holds (peer, validation, now))
        return validation;
    }
  return NULL;
}

/* Takes long. Any thread may ask: the record is neither read nor changed.
 * Returns: (transfer full): what these anchors say of the chain at this time */
CpdValidation *
cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now)
{
  const CpdTrustQuestion question
      = { .name = peer->host != NULL ? cpd_host_get_name (peer->host) : NULL,
          .purpose = peer->purpose,
          .now = now,
          .earliest = peer->earliest,
          .handshaken = peer->handshaken,
          .stapled = peer->stapled };

  return cpd_trust_validate (anchors, cpd_peer_get_chain (peer), &question);
}

/* `validation`: what cpd_peer_ask () returned for this peer. It replaces what was on record of the
 * same anchors. */
void
cpd_peer_record (CpdPeer *peer, CpdValidation *validation)
{
  for (unsigned int i = peer->validations->len; i > 0; i--)
    if (((CpdValidation *)peer->validations->pdata[i - 1])->anchors == validation->anchors)
      g_ptr_array_remove_index (peer->validations, i - 1);
  g_ptr_array_add (peer->validations, cpd_validation_ref (validation));
  if (peer->validations->len > VALIDATIONS_MAX)
    g_ptr_array_remove_index (peer->validations, 0);
}

/* Takes long if it is not on record.
 * Returns: (transfer full): what these anchors say of the chain at this time */
CpdValidation *
cpd_peer_validate (CpdPeer *peer, CpdAnchors *anchors, gint64 now)
{
  CpdValidation *validation = cpd_peer_find_validation (peer, anchors, now);

  if (validation != NULL)
    return cpd_validation_ref (validation);
  validation = cpd_peer_ask (peer, anchors, now);
  cpd_peer_record (peer, validation);
  return validation;
}
