/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What certpin is compared with: the program bench-rivals, with the method SecureRequest. */
#define BENCH_ECHO_NAME       "org.certpin.Echo"
#define BENCH_PROXY_NAME      "org.certpin.Proxy"
#define BENCH_RIVAL_PATH      "/"
#define BENCH_RIVAL_INTERFACE "org.certpin.Rival"
