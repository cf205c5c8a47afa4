/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-version.h>
#include <glib-object.h>

G_BEGIN_DECLS

/**
 * CERTPIN_ERROR:
 *
 * The error domain of certpin. On D-Bus, each code is `org.certpin.Certpin1.Error.NAME`.
 *
 * Since: 0.1
 */
#define CERTPIN_ERROR (certpin_error_quark ())

/**
 * CertpinError:
 * @CERTPIN_ERROR_FAILED: another error; the message describes it
 * @CERTPIN_ERROR_INVALID_ARGUMENT: an argument or option is unknown, of the wrong type or out of
 *   range
 * @CERTPIN_ERROR_INVALID_HOST: the text is not a host, or not a host pattern
 * @CERTPIN_ERROR_INVALID_KEY: the text is not a SHA-256 key
 * @CERTPIN_ERROR_WRONG_FORMAT: the certificate is not exactly one DER certificate
 * @CERTPIN_ERROR_FILE_NOT_FOUND: the certificate's file is missing or unreadable (library only)
 * @CERTPIN_ERROR_SELF_SIGNED: the certificate is self-signed, which is not supported
 * @CERTPIN_ERROR_NOT_SECURE: the URL, or the target of a redirect, is not https
 * @CERTPIN_ERROR_NOT_PINNED: nothing is pinned for the host
 * @CERTPIN_ERROR_BLOCKED: the host is blocked, because the last attempt to pin it failed, because
 *   its pins cannot be read, or on request
 * @CERTPIN_ERROR_PIN_EXPIRED: the pin has expired
 * @CERTPIN_ERROR_PIN_MISMATCH: the server does not hold a pinned key
 * @CERTPIN_ERROR_PIN_CHANGED: a pin or a trust anchor changed while the request was in progress
 * @CERTPIN_ERROR_UNTRUSTED: the server's certification path is not valid
 * @CERTPIN_ERROR_TLS_FAILED: the TLS handshake failed for another reason, or the server asked for
 *   renegotiation
 * @CERTPIN_ERROR_UNREACHABLE: the host cannot be found or connected to
 * @CERTPIN_ERROR_OFFLINE: this machine has no network: no route to the host, nor a default route
 * @CERTPIN_ERROR_TIMED_OUT: the timeout has passed
 * @CERTPIN_ERROR_CANCELLED: the request was ended in the service, by
 *   `org.certpin.Certpin1.Request.Cancel`; a call whose #GCancellable is cancelled fails with
 *   `G_IO_ERROR_CANCELLED`
 * @CERTPIN_ERROR_TRUNCATED: the connection, or its network, ended before the response was complete
 * @CERTPIN_ERROR_BODY_TOO_LARGE: the response body is larger than the caller allows
 * @CERTPIN_ERROR_PROTOCOL_ERROR: the response is not valid HTTP/1.1
 * @CERTPIN_ERROR_LIMIT_EXCEEDED: a limit of the library, the bus or the service is reached
 * @CERTPIN_ERROR_NOT_AUTHORIZED: the caller may not do this
 * @CERTPIN_ERROR_STORE_FAILED: the change could not be written to disk
 * @CERTPIN_ERROR_SERVICE_UNAVAILABLE: the service could not be reached (library only)
 * @CERTPIN_ERROR_ADDRESS_DENIED: the host has only addresses that requests may not go to:
 *   link-local ones, or those that the administrator denied
 * @CERTPIN_ERROR_PROXY_FAILED: the proxy cannot be reached, is not trusted, or did not connect to
 *   the host
 * @CERTPIN_ERROR_PROXY_AUTH_REQUIRED: the proxy demands credentials, or does not accept those that
 *   the service has
 *
 * The errors of certpin. New codes are only appended.
 *
 * Since: 0.1
 */
typedef enum
{
  CERTPIN_ERROR_FAILED,
  CERTPIN_ERROR_INVALID_ARGUMENT,
  CERTPIN_ERROR_INVALID_HOST,
  CERTPIN_ERROR_INVALID_KEY,
  CERTPIN_ERROR_WRONG_FORMAT,
  CERTPIN_ERROR_FILE_NOT_FOUND,
  CERTPIN_ERROR_SELF_SIGNED,
  CERTPIN_ERROR_NOT_SECURE,
  CERTPIN_ERROR_NOT_PINNED,
  CERTPIN_ERROR_BLOCKED,
  CERTPIN_ERROR_PIN_EXPIRED,
  CERTPIN_ERROR_PIN_MISMATCH,
  CERTPIN_ERROR_PIN_CHANGED,
  CERTPIN_ERROR_UNTRUSTED,
  CERTPIN_ERROR_TLS_FAILED,
  CERTPIN_ERROR_UNREACHABLE,
  CERTPIN_ERROR_OFFLINE,
  CERTPIN_ERROR_TIMED_OUT,
  CERTPIN_ERROR_CANCELLED,
  CERTPIN_ERROR_TRUNCATED,
  CERTPIN_ERROR_BODY_TOO_LARGE,
  CERTPIN_ERROR_PROTOCOL_ERROR,
  CERTPIN_ERROR_LIMIT_EXCEEDED,
  CERTPIN_ERROR_NOT_AUTHORIZED,
  CERTPIN_ERROR_STORE_FAILED,
  CERTPIN_ERROR_SERVICE_UNAVAILABLE,
  CERTPIN_ERROR_ADDRESS_DENIED,
  CERTPIN_ERROR_PROXY_FAILED,
  CERTPIN_ERROR_PROXY_AUTH_REQUIRED,
} CertpinError;

CERTPIN_API GQuark certpin_error_quark (void);

#define CERTPIN_TYPE_ERROR (certpin_error_get_type ())

CERTPIN_API GType certpin_error_get_type (void);

CERTPIN_API const char *certpin_error_get_name (CertpinError code);
CERTPIN_API const GError *certpin_error_get_cause (const GError *error);

G_END_DECLS
