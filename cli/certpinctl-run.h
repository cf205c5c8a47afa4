/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run of the program, which all verbs are given: the command line as it was understood, the way
 * to the service, and where output goes. */

#pragma once

#include "certpinctl-output.h"

#include <certpin.h>

G_BEGIN_DECLS

typedef struct _Ctl Ctl;

/* One verb. `run` returns an exit status, and sets an error where it could not do its work. */
typedef struct
{
  const char *name;
  const char *arguments; /* as the usage line shows them */
  const char *summary;   /* half a sentence */
  const char *details;   /* (nullable): lines of text for its own help */
  const char *examples;  /* lines */
  int arguments_min;
  int arguments_max;
  int texts; /* how many of the first are sent: others are names of files, and may be any bytes */
  CtlExit (*run) (Ctl *ctl, GError **error);
} CtlVerb;

/* One run of the program. */
struct _Ctl
{
  gboolean json;
  gboolean json_named; /* the option is somewhere in a command line that cannot be parsed */
  gboolean verbose;
  gboolean no_ask_password;
  gboolean help;
  gboolean version;
  GOptionEntry globals[6]; /* the options above */

  const CtlVerb *verb;
  char **words;     /* the command line, as far as it was not understood yet */
  char **arguments; /* (nullable): of the verb, without its options */

  CtlStream out;
  CtlStream err;

  CertpinClient *client;
  GCancellable *cancellable; /* trips when the user interrupts */
  GAsyncResult *result;      /* of the call under way */
  GVariant *failure;         /* (nullable): the evidence behind the error */
};

G_END_DECLS
