/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#define ECHO_NAME "org.certpin.Echo"
