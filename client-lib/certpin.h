/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-certificate.h>
#include <certpin-chain.h>
#include <certpin-client.h>
#include <certpin-connection-end.h>
#include <certpin-enums.h>
#include <certpin-error.h>
#include <certpin-evidence.h>
#include <certpin-failure.h>
#include <certpin-imported-pin.h>
#include <certpin-key.h>
#include <certpin-pin-list.h>
#include <certpin-pin-builder.h>
#include <certpin-pin-change.h>
#include <certpin-pin-file.h>
#include <certpin-pin.h>
#include <certpin-record.h>
#include <certpin-request-builder.h>
#include <certpin-request.h>
#include <certpin-response.h>
#include <certpin-sighting.h>
#include <certpin-version.h>
