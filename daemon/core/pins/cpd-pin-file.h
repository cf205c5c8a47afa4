/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-places.h"
#include "daemon/core/pins/cpd-pin.h"

G_BEGIN_DECLS

#define CPD_PIN_FILE_MAX_BYTES (16 * 1024 * 1024)

/* How many pins a text may have that is read at run time; it is not read much further. */
#define CPD_PIN_FILE_RUN_TIME_MAX 200

/* What is known of a pin file before it is read. */
typedef struct
{
  CpdLayer layer;
  const char *source;  /* its path, for messages and for the pins; NULL: it is not a file */
  const char *account; /* the name of the account that it must belong to; NULL: none */

  gboolean at_run_time; /* its pins are set at run time, and limited accordingly */

  /* Reads a file in its folder, by name; NULL: it may name none. */
  GBytes *(*read_beside) (const char *name, gpointer folder, GError **error);
  gpointer folder; /* for read_beside */

  GArray *places;      /* of CpdPinPlace: gets where each pin is, also on failure; NULL: none */
  GPtrArray *problems; /* of CpdFault: gets each error; NULL: none */
} CpdPinFileContext;

GPtrArray *cpd_pin_file_parse (GBytes *text, const CpdPinFileContext *context, GPtrArray **hosts,
                               GError **error);
GBytes *cpd_pin_file_print (const CpdPin *pin, const char *account);
gsize cpd_pin_file_measure (const CpdPin *pin);
GBytes *cpd_pin_file_export (const CpdPin *pin);

G_END_DECLS
