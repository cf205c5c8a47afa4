/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpin-dbus.h"
#include "daemon/bus/cpd-call.h"

G_BEGIN_DECLS

void cpd_pin_judgements_attach (CertpinDBusPins *skeleton, const CpdBusParts *parts);

G_END_DECLS
