/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <stddef.h>

size_t count_heap_start (void);
size_t count_heap_peak (size_t start);
