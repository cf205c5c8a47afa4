/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Who is at the other end of one connection to the bus. A reference-counted value, the same for all
 * calls that come over that connection. */
typedef struct
{
  char *sender; /* unique name */
  guint32 uid;
  char *program;      /* the process's name: for people, never to decide by */
  char *confinement;  /* why it is taken for sandboxed, or cannot be judged; NULL: it is neither */
  GCancellable *gone; /* trips when the connection ends */
  unsigned int
      authorising;     /* calls whose authorisation is under way: later ones wait behind them */
  unsigned int calls;  /* under way … */
  guint64 call_bytes;  /* … and what their messages take */
  GHashTable *allowed; /* polkit action, static → nothing: what was asked and allowed before */
} CpdCaller;

CpdCaller *cpd_caller_new (const char *sender, guint32 uid);
CpdCaller *cpd_caller_ref (CpdCaller *caller);
void cpd_caller_unref (CpdCaller *caller);

char *cpd_caller_describe (const CpdCaller *caller);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdCaller, cpd_caller_unref)

#define CPD_TYPE_CALLERS (cpd_callers_get_type ())

/* All connections that have called the service. */
G_DECLARE_FINAL_TYPE (CpdCallers, cpd_callers, CPD, CALLERS, GObject)

CpdCallers *cpd_callers_new (GDBusConnection *connection);

CpdCaller *cpd_callers_lookup (CpdCallers *callers, const char *sender);
void cpd_callers_identify_async (CpdCallers *callers, const char *sender,
                                 GAsyncReadyCallback callback, gpointer user_data);
CpdCaller *cpd_callers_identify_finish (CpdCallers *callers, GAsyncResult *result, GError **error);

GPtrArray *cpd_callers_list (CpdCallers *callers);
void cpd_callers_forget_answers (CpdCallers *callers);

G_END_DECLS
