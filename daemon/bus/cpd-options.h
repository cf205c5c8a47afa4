/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-host.h"
#include "daemon/core/trust/cpd-anchors.h"

G_BEGIN_DECLS

/* One option that a method knows: its type decides what `value` points to, and what is not given is
 * left as it was. s: const char *, b: gboolean, u: guint32, t: guint64, x: gint64; h:
 * gint32; as, aay: GVariant * (transfer full). Strings belong to the dictionary. */
typedef struct
{
  const char *name;
  const char *type;
  gpointer value;
  guint64 least,
      most; /* of u, t and x, or of the length of s in bytes, or of as and aay in elements */
} CpdOption;

gboolean cpd_options_parse (GVariant *dictionary, const CpdOption *options, size_t n_options,
                            GError **error);
gboolean cpd_options_take_choice (const char *name, const char *value, const char *const *choices,
                                  int *chosen, GError **error);
GPtrArray *cpd_options_to_bytes (GVariant *array);
gboolean cpd_options_to_anchors (GVariant *array, CpdAnchors **anchors, GError **error);
CpdHost *cpd_options_take_host (const char *text, GError **error);
CpdHost *cpd_options_take_target (const char *host, guint16 port, GError **error);

G_END_DECLS
