/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libsoup, GIO and the resolver say, as errors of certpin. Whether a server was refused is
 * never read from here: that is in the verdict. */

#include "config.h"

#include "daemon/transport/cpd-fetch-error.h"

#include "daemon/core/base/cpd-text.h"

#include <libsoup/soup.h>

static CertpinError
map_io_error (const GError *reason, CpdStage stage)
{
  switch (reason->code)
    {
    case G_IO_ERROR_CANCELLED:
      return CERTPIN_ERROR_CANCELLED;
    case G_IO_ERROR_TIMED_OUT:
      return stage == CPD_STAGE_SENT ? CERTPIN_ERROR_TIMED_OUT : CERTPIN_ERROR_UNREACHABLE;
    case G_IO_ERROR_NETWORK_UNREACHABLE:
      return CERTPIN_ERROR_OFFLINE;
    case G_IO_ERROR_HOST_NOT_FOUND:
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_CONNECTION_REFUSED:
      return CERTPIN_ERROR_UNREACHABLE;
    case G_IO_ERROR_PARTIAL_INPUT:
      /* libsoup has no code of its own for a header block over its 64 KiB. */
      if (g_str_equal (reason->message, "Header too big"))
        return CERTPIN_ERROR_PROTOCOL_ERROR;
      G_GNUC_FALLTHROUGH;
    case G_IO_ERROR_CONNECTION_CLOSED:
      if (stage == CPD_STAGE_SENT)
        return CERTPIN_ERROR_TRUNCATED;
      return stage == CPD_STAGE_HANDSHAKING ? CERTPIN_ERROR_TLS_FAILED : CERTPIN_ERROR_UNREACHABLE;
    case G_IO_ERROR_INVALID_DATA:
      return CERTPIN_ERROR_PROTOCOL_ERROR;
    default:
      return stage == CPD_STAGE_HANDSHAKING ? CERTPIN_ERROR_TLS_FAILED : CERTPIN_ERROR_FAILED;
    }
}

static CertpinError
map_tls_error (int code, CpdStage stage)
{
  if (stage != CPD_STAGE_SENT || code == G_TLS_ERROR_HANDSHAKE)
    return CERTPIN_ERROR_TLS_FAILED;
  return code == G_TLS_ERROR_EOF ? CERTPIN_ERROR_TRUNCATED : CERTPIN_ERROR_PROTOCOL_ERROR;
}

static CertpinError
map (const GError *reason, CpdStage stage)
{
  if (reason->domain == CERTPIN_ERROR)
    return (CertpinError)reason->code;
  if (reason->domain == G_RESOLVER_ERROR)
    return CERTPIN_ERROR_UNREACHABLE;
  if (reason->domain == G_IO_ERROR)
    return map_io_error (reason, stage);
  if (reason->domain == G_TLS_ERROR)
    return map_tls_error (reason->code, stage);
  if (reason->domain == SOUP_SESSION_ERROR)
    return CERTPIN_ERROR_PROTOCOL_ERROR;
  return CERTPIN_ERROR_FAILED;
}

static const char *
explain (CertpinError code)
{
  switch (code)
    {
    case CERTPIN_ERROR_UNREACHABLE:
      return "cannot be reached";
    case CERTPIN_ERROR_OFFLINE:
      return "cannot be reached, since this machine has no network";
    case CERTPIN_ERROR_TIMED_OUT:
      return "did not answer in time";
    case CERTPIN_ERROR_TLS_FAILED:
      return "did not complete a handshake in TLS 1.2 or newer";
    case CERTPIN_ERROR_TRUNCATED:
      return "ended the connection before its response was complete";
    case CERTPIN_ERROR_PROTOCOL_ERROR:
      return "sent a response that is not valid HTTP/1.1";
    default:
      return "did not complete the request";
    }
}

/* Returns: (transfer full): the same, as an error of certpin that names the host */
GError *
cpd_fetch_error_map (const GError *reason, CpdStage stage, const char *host)
{
  CertpinError code = map (reason, stage);
  g_autofree char *detail = cpd_text_sanitize (reason->message, strlen (reason->message));

  if (code == CERTPIN_ERROR_CANCELLED)
    return g_error_new_literal (CERTPIN_ERROR, code, "the request was cancelled");
  return g_error_new (CERTPIN_ERROR, (int)code, "host ‘%s’ %s: %s", host, explain (code), detail);
}
