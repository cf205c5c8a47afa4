/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The state of one run of the program, which every verb gets: the parsed command line, the client,
 * and the output. */

#pragma once

#include "certpinctl-exit.h"
#include "certpinctl-output.h"

#include <certpin.h>

G_BEGIN_DECLS

typedef struct _Ctl Ctl;

/* A verb. `run` returns an exit status, and sets an error if it fails. */
typedef struct
{
  const char *name;
  const char *arguments; /* as the usage line shows them */
  const char *summary;   /* a sentence without a period */
  const char *details;   /* (nullable): lines of text for its own help */
  const char *examples;  /* lines; its own help shows the first command */
  int arguments_min;
  int arguments_max;
  int texts; /* so many of the first arguments are UTF-8; others are file names of any bytes */
  CtlExit (*run) (Ctl *ctl, GError **error);
  const char *listed; /* (nullable): how the list of verbs shows it with others; "" if one of these
                         does */
  const char *needs;  /* (nullable): options that it does not go without, as the usage line shows
                         them */
} CtlVerb;

/* One run of the program. */
struct _Ctl
{
  gboolean json;
  gboolean utf8;       /* the terminal shows UTF-8 */
  gboolean json_named; /* --json is somewhere in the command line, which may be wrong */
  gboolean verbose;
  gboolean no_ask_password;
  gboolean no_pager;
  gboolean help;
  gboolean version;
  gboolean completing;     /* a shell asks what may come next */
  GOptionEntry globals[7]; /* the options above */

  const CtlVerb *verb;
  char **typed;     /* the whole command line */
  char **words;     /* the part of the command line that is not parsed yet */
  char **arguments; /* (nullable): of the verb, without its options */

  char *app; /* (nullable): of whose pins, instead of the user's own */

  CtlStream out;
  CtlStream err;

  GSubprocess *pager; /* (nullable) */
  GSubprocess *agent; /* (nullable): asks for passwords on the terminal */

  CertpinClient *client;
  GCancellable *cancellable; /* cancelled when the user interrupts the program */
  GAsyncResult *result;      /* of the call under way */
  unsigned int change_held;  /* of ctl_wait_hold(): a change of pins is under way */
  char *host;                /* (nullable): of the request that failed, of several */
  const char *url;           /* (nullable): likewise, to tell it from the others */
  gboolean nameless;         /* it could not be reached because its name has no address */
  GVariant *failure;         /* (nullable): the evidence behind the error */
  char *accept;              /* (nullable): the command that would accept what was refused */
  GVariant *certificates;    /* (nullable): those of which one must be chosen after the error */
};

G_END_DECLS
