/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-error.h"

G_BEGIN_DECLS

/* Sets the error of that code and is FALSE, for a check to return: in one statement, so that none
 * sets an error and goes on. A macro, so that the compiler knows the value. */
#define cpd_refuse(error, code, ...) (g_set_error (error, CERTPIN_ERROR, code, __VA_ARGS__), FALSE)

G_END_DECLS
