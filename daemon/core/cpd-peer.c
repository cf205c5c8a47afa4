/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The other end of one connection. A path that was validated in its handshake stays validated as
 * long as its dates hold and the anchors are the same set, so that judging a connection again needs
 * no signature. What is not on record is validated in full. */

#include "config.h"

#include "cpd-peer.h"

struct _CpdPeer
{
  CpdHost *host;
  GPtrArray *chain; /* of CpdCertificate, as presented; empty where the server's own is malformed */
  GPtrArray *validations; /* of CpdValidation, one for each set of anchors that was asked about */
};

/* `ders`: of GBytes, as presented, the server's own first. One behind it that is malformed is left
 * out: it can be on no path. */
CpdPeer *
cpd_peer_new (CpdHost *host, GPtrArray *ders)
{
  CpdPeer *peer = g_atomic_rc_box_new0 (CpdPeer);

  peer->host = cpd_host_ref (host);
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
}

void
cpd_peer_unref (CpdPeer *peer)
{
  if (peer != NULL)
    g_atomic_rc_box_release_full (peer, peer_clear);
}

/* Returns: (transfer none): the host that was asked for */
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

/* What is wrong with a chain stays wrong, unless it is a matter of time. */
static gboolean
still_refused (const CpdValidation *validation)
{
  return validation->problem != CPD_PROBLEM_NONE && validation->problem != CPD_PROBLEM_EXPIRED
         && validation->problem != CPD_PROBLEM_NOT_YET_VALID
         && validation->problem != CPD_PROBLEM_CLOCK;
}

static gboolean
still_holds (const CpdValidation *validation, gint64 now)
{
  if (still_refused (validation))
    return TRUE;
  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      const CpdPath *path = validation->paths->pdata[i];

      if (now < path->valid_from || now > path->valid_until)
        return FALSE;
    }
  return validation->problem == CPD_PROBLEM_NONE && now >= CPD_RELEASE_UNIX_S;
}

/* Returns: (transfer full): what these anchors say of the chain at this time */
CpdValidation *
cpd_peer_validate (CpdPeer *peer, CpdAnchors *anchors, gint64 now)
{
  const CpdTrustQuestion question = { .name = cpd_host_get_name (peer->host),
                                      .purpose = CPD_PURPOSE_SERVER,
                                      .now = now,
                                      .earliest = CPD_RELEASE_UNIX_S };
  CpdValidation *fresh;

  for (unsigned int i = 0; i < peer->validations->len; i++)
    {
      CpdValidation *validation = peer->validations->pdata[i];

      if (validation->anchors == anchors && still_holds (validation, now))
        return cpd_validation_ref (validation);
      if (validation->anchors == anchors)
        g_ptr_array_remove_index_fast (peer->validations, i--);
    }
  fresh = cpd_trust_validate (anchors, peer->chain, &question);
  g_ptr_array_add (peer->validations, cpd_validation_ref (fresh));
  return fresh;
}
