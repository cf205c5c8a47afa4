/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the resolver, GIO and TLS say, as errors of certpin. Whether a server was refused is never
 * read from here: that is in the verdict. */

#include "config.h"

#include "daemon/transport/cpd-fetch-error.h"

#include "client-lib/certpin-error-private.h"
#include "daemon/core/base/cpd-text.h"

#include <gio/gio.h>

#include <string.h>

/* The network failed, whatever it says of that: routes and firewalls can make connect () fail with
 * any error (EACCES, EINVAL, EPERM and more). */
static CertpinError
map_network_error (CpdStage stage)
{
  switch (stage)
    {
    case CPD_STAGE_OFFLINE:
      return CERTPIN_ERROR_OFFLINE;
    case CPD_STAGE_CONNECTING:
    case CPD_STAGE_HANDSHAKING:
      return CERTPIN_ERROR_UNREACHABLE;
    case CPD_STAGE_SENT:
    case CPD_STAGE_OPEN:
      break;
    }
  return CERTPIN_ERROR_TRUNCATED;
}

static CertpinError
map_io_error (int code, CpdStage stage)
{
  switch (code)
    {
    case G_IO_ERROR_CANCELLED:
      return CERTPIN_ERROR_CANCELLED;
    case G_IO_ERROR_TOO_MANY_OPEN_FILES:
      return CERTPIN_ERROR_FAILED;
    default:
      return map_network_error (stage);
    }
}

static CertpinError
map_tls_error (int code, CpdStage stage)
{
  if (stage < CPD_STAGE_SENT || code == G_TLS_ERROR_HANDSHAKE)
    return CERTPIN_ERROR_TLS_FAILED;
  return code == G_TLS_ERROR_EOF ? CERTPIN_ERROR_TRUNCATED : CERTPIN_ERROR_PROTOCOL_ERROR;
}

static CertpinError
map (const GError *reason, CpdStage stage)
{
  if (reason->domain == CERTPIN_ERROR)
    return (CertpinError)reason->code;
  if (reason->domain == G_RESOLVER_ERROR)
    return map_network_error (stage);
  if (reason->domain == G_IO_ERROR)
    return map_io_error (reason->code, stage);
  if (reason->domain == G_TLS_ERROR)
    return map_tls_error (reason->code, stage);
  return CERTPIN_ERROR_FAILED;
}

/* Returns: (nullable): NULL where the reason says it all */
static const char *
explain (CertpinError code)
{
  switch (code)
    {
    case CERTPIN_ERROR_UNREACHABLE:
      return "cannot be reached";
    case CERTPIN_ERROR_OFFLINE:
      return "cannot be reached, since this machine has no network";
    case CERTPIN_ERROR_ADDRESS_DENIED:
      return "has no address that the request may go to";
    case CERTPIN_ERROR_TLS_FAILED:
      return "did not complete a handshake of TLS 1.2 or newer";
    case CERTPIN_ERROR_TRUNCATED:
      return "did not send a complete response";
    case CERTPIN_ERROR_PROTOCOL_ERROR:
      return "sent data that is not valid TLS";
    case CERTPIN_ERROR_FAILED:
      return "did not complete the request";
    default:
      return NULL;
    }
}

/* Likewise, of a tunnel. */
static const char *
explain_tunnel (CertpinError code)
{
  switch (code)
    {
    case CERTPIN_ERROR_ADDRESS_DENIED:
      return "no longer passes, and the connection was cut";
    case CERTPIN_ERROR_TLS_FAILED:
      return "ended TLS with an error";
    case CERTPIN_ERROR_TRUNCATED:
      return "did not end the connection in order, and data may be missing";
    case CERTPIN_ERROR_PROTOCOL_ERROR:
      return "sent data that is not valid TLS";
    case CERTPIN_ERROR_FAILED:
      return "has a connection that failed";
    default:
      return NULL;
    }
}

/* Where the server's HTTP is read, it is said what is wrong with it. */
static gboolean
says_all (const GError *reason)
{
  return g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
}

/* Returns: (transfer full): the text of a reason, clean, and without the period with which GnuTLS
 * ends its own */
char *
cpd_fetch_error_make_detail (const GError *reason)
{
  char *detail = cpd_text_sanitize (reason->message, strlen (reason->message));
  size_t length = strlen (detail);

  if (length > 0 && detail[length - 1] == '.')
    detail[length - 1] = '\0';
  return detail;
}

/* An error of certpin has no other cause than the one it may have already. `detail`: of
 * `reason`.
 * Returns: (transfer full) */
static GError *
new_error (CertpinError code, const char *message, const GError *reason, const char *detail)
{
  GError *error = g_error_new_literal (CERTPIN_ERROR, (int)code, message);
  const GError *known = certpin_error_get_cause (reason);
  g_autoptr (GError) cause = reason->domain != CERTPIN_ERROR
                                 ? g_error_new_literal (reason->domain, reason->code, detail)
                                 : (known != NULL ? g_error_copy (known) : NULL);

  if (cause != NULL)
    certpin_error_set_cause (error, cause);
  return error;
}

/* Returns: (transfer full): the same, as an error of certpin that names the host, with its cause */
GError *
cpd_fetch_error_map (const GError *reason, CpdStage stage, const char *host)
{
  CertpinError code = map (reason, stage);
  const char *what = stage == CPD_STAGE_OPEN ? explain_tunnel (code) : explain (code);
  g_autofree char *detail = cpd_fetch_error_make_detail (reason);
  gboolean alone = what == NULL || says_all (reason);
  g_autofree char *message
      = g_strdup_printf ("host ‘%s’ %s%s%s", host, alone ? "" : what, alone ? "" : ": ", detail);

  if (code == CERTPIN_ERROR_CANCELLED)
    return g_error_new_literal (CERTPIN_ERROR, code, "the request was cancelled");
  return new_error (code, message, reason, detail);
}
