/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private to certpin; not installed. */

#pragma once

/* Whether it is the status code of a final response (RFC 9110, section 15). */
#define CERTPIN_IS_FINAL_STATUS(status) ((status) >= 200 && (status) <= 599)
