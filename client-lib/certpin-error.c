/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The error domain, the D-Bus name of each of its codes, and the codes as an enumeration.
 * Registering the domain with GDBus makes an error cross the bus, in both directions, without any
 * further mapping. */

#include "config.h"

#include "certpin-error.h"

#include "dbus/certpin-names.h"

#include <gio/gio.h>

/* The codes, in their order, the last parts of their D-Bus names, and their nicks, from which the
 * names of the members in other languages are made. */
#define CODES(CODE)                                                                                \
  CODE (FAILED, "Failed", "failed")                                                                \
  CODE (INVALID_ARGUMENT, "InvalidArgument", "invalid-argument")                                   \
  CODE (INVALID_HOST, "InvalidHost", "invalid-host")                                               \
  CODE (INVALID_KEY, "InvalidKey", "invalid-key")                                                  \
  CODE (WRONG_FORMAT, "WrongFormat", "wrong-format")                                               \
  CODE (FILE_NOT_FOUND, "FileNotFound", "file-not-found")                                          \
  CODE (SELF_SIGNED, "SelfSigned", "self-signed")                                                  \
  CODE (NOT_SECURE, "NotSecure", "not-secure")                                                     \
  CODE (NOT_PINNED, "NotPinned", "not-pinned")                                                     \
  CODE (BLOCKED, "Blocked", "blocked")                                                             \
  CODE (PIN_EXPIRED, "PinExpired", "pin-expired")                                                  \
  CODE (PIN_MISMATCH, "PinMismatch", "pin-mismatch")                                               \
  CODE (PIN_CHANGED, "PinChanged", "pin-changed")                                                  \
  CODE (UNTRUSTED, "Untrusted", "untrusted")                                                       \
  CODE (TLS_FAILED, "TlsFailed", "tls-failed")                                                     \
  CODE (UNREACHABLE, "Unreachable", "unreachable")                                                 \
  CODE (OFFLINE, "Offline", "offline")                                                             \
  CODE (TIMED_OUT, "TimedOut", "timed-out")                                                        \
  CODE (CANCELLED, "Cancelled", "cancelled")                                                       \
  CODE (TRUNCATED, "Truncated", "truncated")                                                       \
  CODE (BODY_TOO_LARGE, "BodyTooLarge", "body-too-large")                                          \
  CODE (PROTOCOL_ERROR, "ProtocolError", "protocol-error")                                         \
  CODE (LIMIT_EXCEEDED, "LimitExceeded", "limit-exceeded")                                         \
  CODE (NOT_AUTHORIZED, "NotAuthorized", "not-authorized")                                         \
  CODE (STORE_FAILED, "StoreFailed", "store-failed")                                               \
  CODE (SERVICE_UNAVAILABLE, "ServiceUnavailable", "service-unavailable")                          \
  CODE (ADDRESS_DENIED, "AddressDenied", "address-denied")                                         \
  CODE (PROXY_FAILED, "ProxyFailed", "proxy-failed")                                               \
  CODE (PROXY_AUTH_REQUIRED, "ProxyAuthRequired", "proxy-auth-required")

#define ENTRY(code, name, nick) { CERTPIN_ERROR_##code, CERTPIN_ERROR_PREFIX name },

#define MEMBER(code, name, nick) { CERTPIN_ERROR_##code, "CERTPIN_ERROR_" #code, nick },

static const GDBusErrorEntry entries[] = { CODES (ENTRY) };

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

GType
certpin_error_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue members[] = { CODES (MEMBER){ 0 } };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CertpinError", members));
  return type;
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
