/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-apart.h"
#include "daemon/transport/cpd-route.h"

G_BEGIN_DECLS

/* A connected socket that a caller lends, and still shares. It is used as another one of our own,
 * from the thread that made it. */
typedef struct _CpdLentSocket CpdLentSocket;

/* `error`: (transfer full) (nullable): NULL: a handshake may begin */
typedef void (*CpdLentSocketFunc) (GError *error, gpointer user_data);

typedef struct
{
  int given; /* the caller's */
  CpdApart apart;
  CpdLentSocketFunc ready; /* called once, from the main loop */
  gpointer user_data;
} CpdLentSocketSettings;

CpdLentSocket *cpd_lent_socket_new (const CpdLentSocketSettings *settings, GError **error);
void cpd_lent_socket_free (CpdLentSocket *lent);

GInetAddress *cpd_lent_socket_get_address (CpdLentSocket *lent);
int cpd_lent_socket_get_fd (CpdLentSocket *lent);
gboolean cpd_lent_socket_is_lost (CpdLentSocket *lent);
int cpd_lent_socket_get_failure (CpdLentSocket *lent);
gsize cpd_lent_socket_count_queued (CpdLentSocket *lent);

void cpd_lent_socket_cut (CpdLentSocket *lent);

G_END_DECLS
