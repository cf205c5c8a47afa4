/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The server of one connection. A path that was validated in the handshake stays valid while its
 * dates and the set of anchors do, so that checking a connection again needs no signatures. Without
 * a stored result, everything is validated. */

#include "config.h"

#include "daemon/core/verdict/cpd-peer.h"

/* One for each layer with pins, and one more: a pin that is set again and again with new anchors
 * must not make the list grow while the connection lasts. */
#define VALIDATIONS_MAX 4

struct _CpdPeer
{
  CpdHost *host; /* NULL: no name is checked */
  CpdPurpose purpose;
  gint64 earliest; /* a clock before it is wrong; 0: the time is given */
  gboolean handshaken;
  GBytes *stapled;  /* NULL: none */
  GPtrArray *chain; /* of CpdCertificate, as presented; empty where the server's own is malformed */
  GPtrArray *validations; /* of CpdValidation, one for each of the last sets of anchors */
};

/* A chain to be judged without a connection, at a given time.
 * `host`: (nullable): NULL: no name is checked. `ders`: of GBytes, as presented, the server's own
 * first. Later ones that are malformed are left out: they can be on no path. */
CpdPeer *
cpd_peer_new_offline (CpdHost *host, GPtrArray *ders, CpdPurpose purpose)
{
  CpdPeer *peer = g_atomic_rc_box_new0 (CpdPeer);

  peer->host = host != NULL ? cpd_host_ref (host) : NULL;
  peer->purpose = purpose;
  peer->chain = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);
  peer->validations = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_validation_unref);
  for (unsigned int i = 0; i < ders->len; i++)
    {
      CpdCertificate *certificate = cpd_certificate_new (ders->pdata[i], NULL);

      if (certificate != NULL)
        g_ptr_array_add (peer->chain, certificate);
      else if (i == 0)
        break;
    }
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
  g_ptr_array_unref (peer->chain);
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

/* Returns: (transfer none): of CpdCertificate */
GPtrArray *
cpd_peer_get_chain (CpdPeer *peer)
{
  return peer->chain;
}

/* A problem of a chain stays, unless it depends on the time. */
static gboolean
still_refused (const CpdValidation *validation)
{
  return validation->problem != CPD_PROBLEM_NONE && validation->problem != CPD_PROBLEM_EXPIRED
         && validation->problem != CPD_PROBLEM_NOT_YET_VALID
         && validation->problem != CPD_PROBLEM_CLOCK;
}

static gboolean
still_holds (const CpdPeer *peer, const CpdValidation *validation, gint64 now)
{
  if (still_refused (validation))
    return TRUE;
  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      const CpdPath *path = validation->paths->pdata[i];

      if (now < path->valid_from || now > path->valid_until)
        return FALSE;
    }
  return validation->problem == CPD_PROBLEM_NONE && now >= peer->earliest;
}

/* Returns: (transfer full): the result for these anchors at this time */
CpdValidation *
cpd_peer_validate (CpdPeer *peer, CpdAnchors *anchors, gint64 now)
{
  const CpdTrustQuestion question
      = { .name = peer->host != NULL ? cpd_host_get_name (peer->host) : NULL,
          .purpose = peer->purpose,
          .now = now,
          .earliest = peer->earliest,
          .handshaken = peer->handshaken,
          .stapled = peer->stapled };
  CpdValidation *fresh;

  for (unsigned int i = 0; i < peer->validations->len; i++)
    {
      CpdValidation *validation = peer->validations->pdata[i];

      if (validation->anchors == anchors && still_holds (peer, validation, now))
        return cpd_validation_ref (validation);
      if (validation->anchors == anchors)
        g_ptr_array_remove_index (peer->validations, i--);
    }
  fresh = cpd_trust_validate (anchors, peer->chain, &question);
  g_ptr_array_add (peer->validations, cpd_validation_ref (fresh));
  if (peer->validations->len > VALIDATIONS_MAX)
    g_ptr_array_remove_index (peer->validations, 0);
  return fresh;
}
