/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CPD_HOST_NAME_MAX_BYTES 253
/* "**." and brackets and ":65535" around a name. */
#define CPD_HOST_TEXT_MAX_BYTES (CPD_HOST_NAME_MAX_BYTES + 16)

typedef enum
{
  CPD_HOST_EXACT,     /* h.example: that host */
  CPD_HOST_ONE_LABEL, /* *.h.example: exactly one more label */
  CPD_HOST_ANY_DEPTH, /* **.h.example: h.example itself and every depth below */
} CpdHostKind;

/* The port of a URL that names none. */
#define CPD_HTTPS_PORT 443

/* A host pattern, or the host of a request, in canonical form. An immutable, reference-counted
 * value. */
typedef struct _CpdHost CpdHost;

/* The texts of all patterns that match one host, the most specific first. */
typedef struct
{
  CpdHost *target;
  const char *rest;   /* the part of the name at the end of the next pattern; NULL after the last */
  CpdHostKind kind;   /* the kind of the next pattern */
  gboolean with_port; /* whether the next pattern has the port */
  char buffer[CPD_HOST_TEXT_MAX_BYTES + 1];
} CpdHostPatterns;

CpdHost *cpd_host_new (const char *text, GError **error);
CpdHost *cpd_host_new_target (const char *name, guint16 port, GError **error);
CpdHost *cpd_host_new_of_uri (GUri *uri, GError **error);
CpdHost *cpd_host_ref (CpdHost *host);
void cpd_host_unref (CpdHost *host);

const char *cpd_host_get_text (CpdHost *host);
const char *cpd_host_get_name (CpdHost *host);
CpdHostKind cpd_host_get_kind (CpdHost *host);
guint16 cpd_host_get_port (CpdHost *host);
gboolean cpd_host_is_address (CpdHost *host);

gboolean cpd_host_matches (CpdHost *pattern, CpdHost *target);

void cpd_host_patterns_init (CpdHostPatterns *patterns, CpdHost *target);
const char *cpd_host_patterns_next (CpdHostPatterns *patterns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdHost, cpd_host_unref)

G_END_DECLS
