/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The only place that knows which failure has which exit status, which name in JSON, and what it is
 * called in other languages than English. */

#include "config.h"

#include "certpinctl-exit.h"

#include <glib/gi18n.h>

#include <certpin.h>

/* Whether an interrupt, or the service, has ended what was under way. `error`: (nullable) */
gboolean
ctl_error_is_cancelled (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
         || g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED);
}

/* The name of the error for programs. */
const char *
ctl_error_name (const GError *error)
{
  if (error->domain == G_OPTION_ERROR)
    return "Usage";
  if (ctl_error_is_cancelled (error))
    return certpin_error_get_name (CERTPIN_ERROR_CANCELLED);
  return certpin_error_get_name (error->domain == CERTPIN_ERROR ? error->code
                                                                : CERTPIN_ERROR_FAILED);
}

/* By the code of the error; each has a row. */
static const CtlExit exits[] = {
  [CERTPIN_ERROR_FAILED] = CTL_EXIT_FAILED,
  [CERTPIN_ERROR_INVALID_ARGUMENT] = CTL_EXIT_BAD_INPUT,
  [CERTPIN_ERROR_INVALID_HOST] = CTL_EXIT_BAD_INPUT,
  [CERTPIN_ERROR_INVALID_KEY] = CTL_EXIT_BAD_INPUT,
  [CERTPIN_ERROR_WRONG_FORMAT] = CTL_EXIT_BAD_INPUT,
  [CERTPIN_ERROR_FILE_NOT_FOUND] = CTL_EXIT_BAD_INPUT,
  [CERTPIN_ERROR_SELF_SIGNED] = CTL_EXIT_BAD_INPUT,
  [CERTPIN_ERROR_NOT_SECURE] = CTL_EXIT_NOT_SECURE,
  [CERTPIN_ERROR_NOT_PINNED] = CTL_EXIT_NOT_PINNED,
  [CERTPIN_ERROR_BLOCKED] = CTL_EXIT_BLOCKED,
  [CERTPIN_ERROR_PIN_EXPIRED] = CTL_EXIT_PIN_EXPIRED,
  [CERTPIN_ERROR_PIN_MISMATCH] = CTL_EXIT_REFUSED,
  [CERTPIN_ERROR_PIN_CHANGED] = CTL_EXIT_PIN_CHANGED,
  [CERTPIN_ERROR_UNTRUSTED] = CTL_EXIT_UNTRUSTED,
  [CERTPIN_ERROR_TLS_FAILED] = CTL_EXIT_TLS_FAILED,
  [CERTPIN_ERROR_UNREACHABLE] = CTL_EXIT_UNREACHABLE,
  [CERTPIN_ERROR_OFFLINE] = CTL_EXIT_OFFLINE,
  [CERTPIN_ERROR_TIMED_OUT] = CTL_EXIT_TIMED_OUT,
  [CERTPIN_ERROR_CANCELLED] = CTL_EXIT_INTERRUPTED,
  [CERTPIN_ERROR_TRUNCATED] = CTL_EXIT_TRUNCATED,
  [CERTPIN_ERROR_BODY_TOO_LARGE] = CTL_EXIT_TOO_LARGE,
  [CERTPIN_ERROR_PROTOCOL_ERROR] = CTL_EXIT_PROTOCOL,
  [CERTPIN_ERROR_LIMIT_EXCEEDED] = CTL_EXIT_LIMIT,
  [CERTPIN_ERROR_NOT_AUTHORIZED] = CTL_EXIT_NOT_AUTHORIZED,
  [CERTPIN_ERROR_STORE_FAILED] = CTL_EXIT_STORE,
  [CERTPIN_ERROR_SERVICE_UNAVAILABLE] = CTL_EXIT_NO_SERVICE,
  [CERTPIN_ERROR_ADDRESS_DENIED] = CTL_EXIT_ADDRESS_DENIED,
  [CERTPIN_ERROR_PROXY_FAILED] = CTL_EXIT_PROXY_FAILED,
  [CERTPIN_ERROR_PROXY_AUTH_REQUIRED] = CTL_EXIT_PROXY_AUTH,
};

/* The service and the library know only English. So in other languages, these words come before
 * what they say. Those that have none are mostly said by certpinctl itself. */
static const char *const titles[G_N_ELEMENTS (exits)] = {
  [CERTPIN_ERROR_INVALID_HOST] = NC_ ("failure", "the host is not valid"),
  [CERTPIN_ERROR_INVALID_KEY] = NC_ ("failure", "the key is not valid"),
  [CERTPIN_ERROR_SELF_SIGNED] = NC_ ("failure", "the certificate is self-signed"),
  [CERTPIN_ERROR_NOT_SECURE] = NC_ ("failure", "the request would not be secure"),
  [CERTPIN_ERROR_NOT_PINNED] = NC_ ("failure", "nothing is pinned"),
  [CERTPIN_ERROR_BLOCKED] = NC_ ("failure", "the host is blocked"),
  [CERTPIN_ERROR_PIN_EXPIRED] = NC_ ("failure", "the pin has expired"),
  [CERTPIN_ERROR_PIN_MISMATCH] = NC_ ("failure", "the key is not the pinned one"),
  [CERTPIN_ERROR_PIN_CHANGED] = NC_ ("failure", "the pin was changed meanwhile"),
  [CERTPIN_ERROR_UNTRUSTED] = NC_ ("failure", "the certificate is not trusted"),
  [CERTPIN_ERROR_TLS_FAILED] = NC_ ("failure", "TLS failed"),
  [CERTPIN_ERROR_UNREACHABLE] = NC_ ("failure", "the server cannot be reached"),
  [CERTPIN_ERROR_OFFLINE] = NC_ ("failure", "there is no network"),
  [CERTPIN_ERROR_TIMED_OUT] = NC_ ("failure", "it took too long"),
  [CERTPIN_ERROR_TRUNCATED] = NC_ ("failure", "the response is not complete"),
  [CERTPIN_ERROR_BODY_TOO_LARGE] = NC_ ("failure", "the body is too large"),
  [CERTPIN_ERROR_PROTOCOL_ERROR] = NC_ ("failure", "the server does not follow the protocol"),
  [CERTPIN_ERROR_LIMIT_EXCEEDED] = NC_ ("failure", "a limit is reached"),
  [CERTPIN_ERROR_NOT_AUTHORIZED] = NC_ ("failure", "that is not allowed"),
  [CERTPIN_ERROR_STORE_FAILED] = NC_ ("failure", "the pins cannot be read or stored"),
  [CERTPIN_ERROR_SERVICE_UNAVAILABLE] = NC_ ("failure", "the service cannot be reached"),
  [CERTPIN_ERROR_ADDRESS_DENIED] = NC_ ("failure", "the address is not allowed"),
  [CERTPIN_ERROR_PROXY_FAILED] = NC_ ("failure", "the proxy failed"),
  [CERTPIN_ERROR_PROXY_AUTH_REQUIRED] = NC_ ("failure", "the proxy wants a password"),
};

/* Returns: (nullable): what the failure is called; NULL in English, where the message says it */
const char *
ctl_error_title (const GError *error)
{
  gboolean known = error->domain == CERTPIN_ERROR && error->code >= 0
                   && error->code < (int)G_N_ELEMENTS (titles);
  const char *english = known ? titles[error->code] : NULL;
  const char *title = english != NULL ? g_dpgettext2 (NULL, "failure", english) : NULL;

  return title != english ? title : NULL;
}

/* Whether a check stopped a request. */
gboolean
ctl_error_is_refusal (const GError *error)
{
  static const int refusals[]
      = { CERTPIN_ERROR_NOT_SECURE,  CERTPIN_ERROR_NOT_PINNED,   CERTPIN_ERROR_BLOCKED,
          CERTPIN_ERROR_PIN_EXPIRED, CERTPIN_ERROR_PIN_MISMATCH, CERTPIN_ERROR_PIN_CHANGED,
          CERTPIN_ERROR_UNTRUSTED,   CERTPIN_ERROR_TLS_FAILED,   CERTPIN_ERROR_ADDRESS_DENIED };

  for (size_t i = 0; i < G_N_ELEMENTS (refusals); i++)
    if (g_error_matches (error, CERTPIN_ERROR, refusals[i]))
      return TRUE;
  return FALSE;
}

/* `nameless`: a host that could not be reached has no address. */
CtlExit
ctl_error_exit (const GError *error, gboolean nameless)
{
  if (error->domain == G_OPTION_ERROR)
    return CTL_EXIT_USAGE;
  if (ctl_error_is_cancelled (error))
    return CTL_EXIT_INTERRUPTED;
  if (error->domain != CERTPIN_ERROR || error->code < 0 || error->code >= (int)G_N_ELEMENTS (exits))
    return CTL_EXIT_FAILED;
  if (nameless && error->code == CERTPIN_ERROR_UNREACHABLE)
    return CTL_EXIT_NO_NAME;
  return exits[error->code];
}
