/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-client.h>
#include <certpin-error.h>
#include <certpin-key.h>
#include <certpin-request.h>
#include <certpin-response.h>
#include <certpin-version.h>
