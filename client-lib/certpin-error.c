/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The error domain, the D-Bus name of each of its codes, and the codes as an enumeration.
 * Registering the domain with GDBus makes an error cross the bus, in both directions, without any
 * further mapping. Each error has room for its cause, which GLib copies and frees with it. */

#include "config.h"

#include "certpin-error.h"

#include "certpin-causes.h"
#include "certpin-error-private.h"

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

/* What GLib keeps in front of each error of the domain. */
typedef struct
{
  GError *cause;     /* (nullable) */
  gboolean is_known; /* `cause` is what there is; else it may be found, if it is NULL */
} Detail;

static void
detail_init (GError *error)
{
}

static Detail *
detail_of (const GError *error)
{
  /* As G_DEFINE_EXTENDED_ERROR() finds it. That macro would name the domain differently. */
  const gsize unit = 2 * sizeof (gsize);

  return (Detail *)((char *)error - (sizeof (Detail) + unit - 1) / unit * unit);
}

static void
detail_copy (const GError *from, GError *to)
{
  const GError *cause = g_atomic_pointer_get (&detail_of (from)->cause);

  detail_of (to)->cause = cause != NULL ? g_error_copy (cause) : NULL;
  detail_of (to)->is_known = detail_of (from)->is_known;
}

static void
detail_clear (GError *error)
{
  g_clear_error (&detail_of (error)->cause);
}

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
  static gsize quark = 0, has_detail = 0;

  if (g_once_init_enter (&has_detail))
    {
      g_error_domain_register_static ("certpin-error-quark", sizeof (Detail), detail_init,
                                      detail_copy, detail_clear);
      g_once_init_leave (&has_detail, 1);
    }
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

/* `error`: of this domain. `cause`: (nullable): NULL: there is none */
void
certpin_error_set_cause (GError *error, const GError *cause)
{
  Detail *detail = detail_of (error);

  g_clear_error (&detail->cause);
  detail->cause = cause != NULL ? g_error_copy (cause) : NULL;
  detail->is_known = TRUE;
}

/* The error stays the same for whoever has it, so it may be looked at in several threads. */
static void
find_cause (const GError *error)
{
  Detail *detail = detail_of (error);
  GError *found = certpin_causes_recall (error);

  if (found != NULL && !g_atomic_pointer_compare_and_exchange (&detail->cause, NULL, found))
    g_error_free (found);
}

/**
 * certpin_error_get_cause:
 * @error: an error
 *
 * Gets what the resolver, the system or TLS said when the service could not reach or talk to a
 * server. The message of @error has that in words already; a program that wants to tell, for
 * example, a name that does not exist from a name server that does not answer needs its code:
 *
 * - `G_RESOLVER_ERROR`: the name could not be resolved;
 * - `G_IO_ERROR`: the system could not connect, or the connection failed: for example
 *   `G_IO_ERROR_CONNECTION_REFUSED`, `G_IO_ERROR_HOST_UNREACHABLE`, `G_IO_ERROR_TIMED_OUT`;
 * - `G_TLS_ERROR`: the server does not speak TLS as it should, or ended it: for example
 *   `G_TLS_ERROR_NOT_TLS`, `G_TLS_ERROR_HANDSHAKE`, `G_TLS_ERROR_EOF`.
 *
 * There is one in errors of certpin_client_secure_request(), certpin_client_send(),
 * certpin_client_download(), certpin_client_upload(), certpin_client_open_connection(),
 * certpin_client_get_connection_end() and certpin_client_fetch_chain(), and of reading the stream
 * of a response, with the codes `CERTPIN_ERROR_UNREACHABLE`, `CERTPIN_ERROR_OFFLINE`,
 * `CERTPIN_ERROR_TLS_FAILED`, `CERTPIN_ERROR_TRUNCATED`, `CERTPIN_ERROR_PROTOCOL_ERROR`,
 * `CERTPIN_ERROR_PROXY_FAILED` and `CERTPIN_ERROR_FAILED`, unless the service itself found the
 * fault. If a server was refused, there is none: #CertpinFailure:reason says why.
 *
 * A language whose errors are copies of the code and the message, such as Python, passes one back
 * without its cause. Then it is that of the last error with this code and this message; the
 * library remembers 32 causes.
 *
 * Returns: (transfer none) (nullable): the cause, which is a part of @error; %NULL if there is
 *   none, also of errors of other domains
 *
 * Since: 0.1
 */
const GError *
certpin_error_get_cause (const GError *error)
{
  Detail *detail;

  g_return_val_if_fail (error != NULL, NULL);

  if (error->domain != CERTPIN_ERROR)
    return NULL;
  detail = detail_of (error);
  if (!detail->is_known && g_atomic_pointer_get (&detail->cause) == NULL)
    find_cause (error);
  return g_atomic_pointer_get (&detail->cause);
}
