/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The error domain, and the D-Bus name of each of its codes. Registering the domain with GDBus
 * makes an error cross the bus, in both directions, without any further mapping. */

#include "config.h"

#include "certpin-error.h"

#include "dbus/certpin-names.h"

#include <gio/gio.h>

#define ENTRY(code, name)                                                                          \
  {                                                                                                \
    CERTPIN_ERROR_##code, CERTPIN_ERROR_PREFIX name                                                \
  }

static const GDBusErrorEntry entries[] = {
  ENTRY (FAILED, "Failed"),
  ENTRY (INVALID_ARGUMENT, "InvalidArgument"),
  ENTRY (INVALID_HOST, "InvalidHost"),
  ENTRY (INVALID_KEY, "InvalidKey"),
  ENTRY (WRONG_FORMAT, "WrongFormat"),
  ENTRY (FILE_NOT_FOUND, "FileNotFound"),
  ENTRY (SELF_SIGNED, "SelfSigned"),
  ENTRY (NOT_SECURE, "NotSecure"),
  ENTRY (NOT_PINNED, "NotPinned"),
  ENTRY (BLOCKED, "Blocked"),
  ENTRY (PIN_EXPIRED, "PinExpired"),
  ENTRY (PIN_MISMATCH, "PinMismatch"),
  ENTRY (PIN_CHANGED, "PinChanged"),
  ENTRY (UNTRUSTED, "Untrusted"),
  ENTRY (TLS_FAILED, "TlsFailed"),
  ENTRY (UNREACHABLE, "Unreachable"),
  ENTRY (OFFLINE, "Offline"),
  ENTRY (TIMED_OUT, "TimedOut"),
  ENTRY (CANCELLED, "Cancelled"),
  ENTRY (TRUNCATED, "Truncated"),
  ENTRY (BODY_TOO_LARGE, "BodyTooLarge"),
  ENTRY (PROTOCOL_ERROR, "ProtocolError"),
  ENTRY (LIMIT_EXCEEDED, "LimitExceeded"),
  ENTRY (NOT_AUTHORIZED, "NotAuthorized"),
  ENTRY (STORE_FAILED, "StoreFailed"),
  ENTRY (SERVICE_UNAVAILABLE, "ServiceUnavailable"),
  ENTRY (ADDRESS_DENIED, "AddressDenied"),
  ENTRY (PROXY_FAILED, "ProxyFailed"),
  ENTRY (PROXY_AUTH_REQUIRED, "ProxyAuthRequired"),
};

G_STATIC_ASSERT (G_N_ELEMENTS (entries) == CERTPIN_ERROR_PROXY_AUTH_REQUIRED + 1);

/**
 * certpin_error_quark:
 *
 * Gets the error domain of certpin, and registers it with GDBus.
 *
 * Returns: the quark of `CERTPIN_ERROR`
 *
 * Since: 0.1
 */
GQuark
certpin_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain ("certpin-error-quark", &quark, entries,
                                      G_N_ELEMENTS (entries));
  return (GQuark)quark;
}

/**
 * certpin_error_get_name:
 * @code: an error code
 *
 * Gets the last part of the code's D-Bus name, such as `PinMismatch`.
 *
 * Returns: (transfer none): the name; `Failed` for a number that is not a code
 *
 * Since: 0.1
 */
const char *
certpin_error_get_name (CertpinError code)
{
  if ((unsigned int)code >= G_N_ELEMENTS (entries))
    code = CERTPIN_ERROR_FAILED;
  return entries[code].dbus_error_name + strlen (CERTPIN_ERROR_PREFIX);
}
