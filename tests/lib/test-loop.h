/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void test_loop_step (void);
void test_loop_run_for (unsigned int ms);
void test_loop_settle (void);
void test_loop_release (gpointer object);

void test_loop_on_result (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *test_loop_wait_for (GAsyncResult **result);

G_END_DECLS
