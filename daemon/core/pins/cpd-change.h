/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-edit.h"
#include "daemon/core/pins/cpd-state-dir.h"

G_BEGIN_DECLS

/* One change of a pin under way; belongs to its task. */
typedef struct
{
  CpdHost *host;
  CpdPin *pin;      /* NULL: it is removed, or what follows is not applied yet */
  CpdPin *old;      /* what was there in its turn; NULL: nothing, or not yet */
  CpdPinEdit *edit; /* of the pin that is in force in its turn; NULL: none */
  CpdStateDir *dir; /* NULL: nothing is kept on disk */
  CpdPlace *place;  /* among what is written there; NULL: none, or not now */
  char *folder;     /* its name in there */
  char *name;       /* the file's, in that */
  CpdLayer layer;
  CpdOwner owner;        /* whose, where the layer is the users' */
  gboolean imports;      /* it is nothing to be done where the pin shows the same as the old one */
  gboolean lends_note;   /* likewise; and its note stands for none */
  gboolean is_last;      /* it removes the last pin of an app */
  gboolean again;        /* the pin is in force already, in memory alone */
  guint32 written_bytes; /* set by the thread */
  gboolean uncertain;    /* likewise: it failed, and may be on disk all the same */
} CpdChange;

gboolean cpd_change_write (CpdChange *change, GError **error);
void cpd_change_free (gpointer change);

G_END_DECLS
