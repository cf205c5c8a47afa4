/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A protocol that begins TLS on a connection that was plaintext before. */
typedef struct
{
  const char *name;     /* as the service calls it */
  const char *greeting; /* what a client expects from the server at first; NULL: nothing */
} CtlStarttls;

const CtlStarttls *ctl_starttls_find (const char *name, GError **error);

G_END_DECLS
