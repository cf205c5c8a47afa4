/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What no session changes, and all share: of each connection, they would be 15 KiB. */

#include "config.h"

#include "daemon/transport/cpd-tls-parameters.h"

/* In place of what the system's policy allows at most: no version before 1.2. */
#define PRIORITY "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS"

/* Never freed: threads may use them until the end. */
typedef struct
{
  gnutls_priority_t priority;
  gnutls_certificate_credentials_t credentials; /* none */
} Parameters;

static gpointer
parameters_new (gpointer data)
{
  Parameters *parameters = g_new0 (Parameters, 1);

  gnutls_priority_init2 (&parameters->priority, PRIORITY, NULL, GNUTLS_PRIORITY_INIT_DEF_APPEND);
  gnutls_certificate_allocate_credentials (&parameters->credentials);
  return parameters;
}

/* A session without a priority, because the system's policy is broken, fails its handshake. */
void
cpd_tls_parameters_set (gnutls_session_t session)
{
  static GOnce once = G_ONCE_INIT;
  const Parameters *parameters = g_once (&once, parameters_new, NULL);

  if (parameters->priority != NULL)
    gnutls_priority_set (session, parameters->priority);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, parameters->credentials);
}
