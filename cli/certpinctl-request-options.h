/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-body.h"
#include "certpinctl-run.h"

G_BEGIN_DECLS

/* The options of the verbs that make requests. */
typedef struct
{
  char *method; /* (nullable): -X */
  CtlBody body;
  char **headers; /* 'Name: value' */
  char *agent;
  char **outputs; /* names of files */
  gboolean remote_name;
  char *continue_at;
  gboolean include;
  gboolean head;
  gboolean location;
  char *max_redirs;
  char *max_time; /* seconds */
  char *retry;
  char *write_out;
  gboolean parallel;
  gboolean fail;
  gboolean silent;
  gboolean show_error;
  char **keys;
  char *proxy;

  unsigned int retries;   /* of `retry` */
  unsigned int redirects; /* of `location` and `max_redirs` */
} CtlRequestOptions;

/* Which of the options a verb has. */
typedef enum
{
  CTL_REQUEST_WITHOUT_BODY,
  CTL_REQUEST_WITH_BODY,
  CTL_REQUEST_ANY, /* and the method */
} CtlRequestKind;

gboolean ctl_request_options_parse (Ctl *ctl, CtlRequestKind kind, CtlRequestOptions *options,
                                    GError **error);
void ctl_request_options_clear (CtlRequestOptions *options);
GVariant *ctl_request_options_headers (const CtlRequestOptions *options, GError **error);
GVariant *ctl_request_options_for_service (const CtlRequestOptions *options, GError **error);
gboolean ctl_request_options_check (const Ctl *ctl, const CtlRequestOptions *options,
                                    unsigned int urls, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlRequestOptions, ctl_request_options_clear)

gboolean ctl_request_add_timeout (GVariantDict *dict, const char *text, GError **error);

G_END_DECLS
