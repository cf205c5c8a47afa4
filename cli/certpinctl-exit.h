/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The exit status; see certpinctl(1). Where curl(1) has the same failure, it has the same number:
 * 18, 22, 28, 35, 47, 60 and 63. */
typedef enum
{
  CTL_EXIT_OK = 0,
  CTL_EXIT_FAILED = 1,
  CTL_EXIT_USAGE = 2,
  CTL_EXIT_REFUSED = 3,
  CTL_EXIT_BAD_INPUT = 4,
  CTL_EXIT_UNREACHABLE = 5,
  CTL_EXIT_NOT_AUTHORIZED = 6,
  CTL_EXIT_NO_SERVICE = 7,
  CTL_EXIT_OFFLINE = 8,
  CTL_EXIT_NO_NAME = 9,
  CTL_EXIT_NOT_PINNED = 10,
  CTL_EXIT_BLOCKED = 11,
  CTL_EXIT_PIN_EXPIRED = 12,
  CTL_EXIT_PIN_CHANGED = 13,
  CTL_EXIT_ADDRESS_DENIED = 14,
  CTL_EXIT_NOT_SECURE = 15,
  CTL_EXIT_PROXY_FAILED = 16,
  CTL_EXIT_PROXY_AUTH = 17,
  CTL_EXIT_TRUNCATED = 18,
  CTL_EXIT_PROTOCOL = 19,
  CTL_EXIT_LIMIT = 20,
  CTL_EXIT_STORE = 21,
  CTL_EXIT_HTTP_STATUS = 22,
  CTL_EXIT_TIMED_OUT = 28,
  CTL_EXIT_TLS_FAILED = 35,
  CTL_EXIT_REDIRECTS = 47,
  CTL_EXIT_UNTRUSTED = 60,
  CTL_EXIT_TOO_LARGE = 63,
  CTL_EXIT_INTERRUPTED = 130,
} CtlExit;

gboolean ctl_error_is_cancelled (const GError *error);
gboolean ctl_error_is_refusal (const GError *error);
const char *ctl_error_name (const GError *error);
const char *ctl_error_title (const GError *error);
CtlExit ctl_error_exit (const GError *error, gboolean nameless);

G_END_DECLS
