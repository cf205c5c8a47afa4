/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-caller.h"

G_BEGIN_DECLS

/* What is asked of an authority. */
typedef struct
{
  CpdCaller *caller;
  const char *action;   /* a polkit action, static */
  const char *host;     /* for the dialog; NULL: none */
  const char *keys;     /* all of them, for the dialog; NULL: none */
  guint32 pause_s;      /* how long a pin is to be paused, for the dialog; 0: it is not */
  gboolean imports;     /* pins of a text are to be set, for the dialog */
  gboolean interactive; /* whether a password dialog is allowed */
} CpdAuthorityQuestion;

#define CPD_TYPE_AUTHORITY (cpd_authority_get_type ())

/* A port: may this caller do this? */
G_DECLARE_INTERFACE (CpdAuthority, cpd_authority, CPD, AUTHORITY, GObject)

struct _CpdAuthorityInterface
{
  GTypeInterface parent;

  gboolean (*allows_now) (CpdAuthority *authority, const CpdAuthorityQuestion *question);
  void (*check_async) (CpdAuthority *authority, const CpdAuthorityQuestion *question,
                       GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*check_finish) (CpdAuthority *authority, GAsyncResult *result, GError **error);
};

gboolean cpd_authority_allows_now (CpdAuthority *authority, const CpdAuthorityQuestion *question);
void cpd_authority_check_async (CpdAuthority *authority, const CpdAuthorityQuestion *question,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean cpd_authority_check_finish (CpdAuthority *authority, GAsyncResult *result, GError **error);

CpdAuthority *cpd_uid_authority_new (void);

G_END_DECLS
