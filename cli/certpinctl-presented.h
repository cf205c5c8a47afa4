/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* What a server presents, and which of it is to be pinned. */
typedef struct
{
  GVariant *info;   /* of FetchChain */
  GPtrArray *chain; /* of GBytes */
  gboolean path;    /* the key of the authority, not of the server's certificate */
  char *key;
  GBytes *certificate; /* NULL: of a trust anchor, which the server does not present */
} CtlPresented;

CtlPresented *ctl_presented_fetch (Ctl *ctl, const char *host, gboolean path, GError **error);
void ctl_presented_free (CtlPresented *presented);
void ctl_presented_print (Ctl *ctl, const CtlPresented *presented);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlPresented, ctl_presented_free)

G_END_DECLS
