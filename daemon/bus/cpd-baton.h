/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <semaphore.h>

G_BEGIN_DECLS

/* Whoever has it may use what it stands for. Unlike a mutex, one thread may take it and another one
 * give it back. */
typedef struct
{
  sem_t semaphore;
} CpdBaton;

void cpd_baton_init (CpdBaton *baton);
void cpd_baton_clear (CpdBaton *baton);

void cpd_baton_take (CpdBaton *baton);
gboolean cpd_baton_try (CpdBaton *baton);
void cpd_baton_give (CpdBaton *baton);

G_END_DECLS
