/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "daemon/core/pins/cpd-store.h"

G_BEGIN_DECLS

#define CPD_CALLER_UID_UNKNOWN G_MAXUINT32

/* The program at the other end of one connection to the bus. A reference-counted value, the same
 * for all calls of that connection. */
typedef struct
{
  char *sender; /* unique name */
  guint32 uid;
  CpdOwner owner;      /* whose pins apply to it: those of its user, or of its app */
  CpdOwner connection; /* once it has transient pins: those apply to it as well; 0: it has none */
  CpdApps *apps;       /* where its app is held as long as it is there; NULL: it is no app */
  char *program;       /* the process's name: for people, never to decide by */
  char *app;           /* the sandboxed app that it is of; NULL: none */
  gboolean networked;  /* the app has the network that this service has */
  char *confinement;   /* why it is not served; NULL: it is */
  GCancellable *gone;  /* trips when the connection ends */
  unsigned int authorising; /* calls that are being authorised: later ones wait for them */
  GHashTable *allowed;      /* polkit action, static → nothing: those that were allowed before */
} CpdCaller;

CpdCaller *cpd_caller_new (const char *sender, guint32 uid);
CpdCaller *cpd_caller_new_from_credentials (const char *sender, GVariant *credentials,
                                            GUnixFDList *fds, CpdStore *store);
CpdCaller *cpd_caller_ref (CpdCaller *caller);
void cpd_caller_unref (CpdCaller *caller);

CpdOwner cpd_caller_get_owner (const CpdCaller *caller);
char *cpd_caller_describe (const CpdCaller *caller);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdCaller, cpd_caller_unref)

G_END_DECLS
