/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Values one after the other, in D-Bus's format, which begin at a multiple of eight bytes. */
typedef struct
{
  GByteArray *bytes; /* all but the inset */
  GBytes *inset;     /* bytes that are not copied; NULL: none */
  gsize inset_at;    /* where they belong in the others */
} CpdMarshal;

/* An array that is being written. */
typedef struct
{
  gsize length_at, begin;
} CpdMarshalArray;

void cpd_marshal_init (CpdMarshal *marshal);
void cpd_marshal_clear (CpdMarshal *marshal);

gsize cpd_marshal_get_size (const CpdMarshal *marshal);
void cpd_marshal_set_number (CpdMarshal *marshal, gsize at, guint32 number);

void cpd_marshal_align (CpdMarshal *marshal, gsize alignment);
void cpd_marshal_byte (CpdMarshal *marshal, guint8 byte);
void cpd_marshal_number (CpdMarshal *marshal, guint32 number);
void cpd_marshal_long (CpdMarshal *marshal, guint64 number);
void cpd_marshal_text (CpdMarshal *marshal, const char *text);
void cpd_marshal_signature (CpdMarshal *marshal, const char *signature);
void cpd_marshal_inset (CpdMarshal *marshal, GBytes *bytes);
void cpd_marshal_value (CpdMarshal *marshal, GVariant *value);
void cpd_marshal_children (CpdMarshal *marshal, GVariant *container);

CpdMarshalArray cpd_marshal_begin_array (CpdMarshal *marshal, gsize alignment);
void cpd_marshal_end_array (CpdMarshal *marshal, CpdMarshalArray array);
void cpd_marshal_name (CpdMarshal *marshal, const char *name, const char *type);

G_END_DECLS
