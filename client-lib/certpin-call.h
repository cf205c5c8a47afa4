/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: one call of the service. */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/* A method of the service. */
typedef struct
{
  const char *interface;
  const char *name;
  const char *reply; /* its type */
  gboolean changes;  /* later calls may depend on it */
} CertpinMethod;

/* A call of a method. It belongs to its task and does not change after it was started, except that
 * its reply may add to it before the task returns. */
typedef struct
{
  const CertpinMethod *method;
  GVariant *arguments;
  gboolean interactive;
  int timeout_ms;     /* 0: the default */
  gint64 deadline_us; /* on the monotonic clock */
  char *token;        /* (nullable): of the Request object that can cancel it */
  char *path;         /* (nullable): of the Request object that is called; NULL: the service's */

  GUnixFDList *sent; /* (nullable): descriptors that go with it */
  gboolean is_safe;  /* it changes nothing, here or in a server: to make it twice does no harm */

  GDBusConnection *connection; /* (nullable): over which the reply came */
  GUnixFDList *received;       /* (nullable): descriptors that came with it */
} CertpinCall;

CertpinCall *certpin_call_new (const CertpinMethod *method, GVariant *arguments);
void certpin_call_free (gpointer data);
gboolean certpin_call_is_transient (const CertpinCall *call);

GError *certpin_call_translate_error (GError *reason);

G_END_DECLS
