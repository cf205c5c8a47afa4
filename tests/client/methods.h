/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin.h>

G_BEGIN_DECLS

/* The arguments of a method of the client; `second` is what comes after the host. */
typedef struct
{
  CertpinClient *client;
  const char *host;
  gpointer second;
  CertpinRequest *third; /* (nullable): of a method with a file and a request */
  GVariant *options;
  GCancellable *cancellable;
} Arguments;

typedef struct
{
  const char *name;
  void (*start) (const Arguments *a, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*finish) (CertpinClient *client, GAsyncResult *result, GError **error);
  gboolean (*wait) (const Arguments *a, GError **error);
  gboolean has_host;
  gboolean has_second;
  gboolean has_options;
} Method;

/* Something for each method to be given. */
typedef struct
{
  GFile *file;
  char *path; /* of `target` */
  GFile *target;
  GInputStream *stream;
  GBytes *bytes;
  GPtrArray *chain;
  CertpinRequest *request;
} Sample;

Sample *sample_new (void);
void sample_free (Sample *sample);
Arguments sample_get_arguments (Sample *sample, const Method *method, CertpinClient *client);

extern const Method methods[];
extern const unsigned int n_methods;

const Method *method_find (const char *name);

G_END_DECLS
