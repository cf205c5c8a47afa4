/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the verbs share: the command line as it was understood, the way to the service, and where
 * output goes. */

#pragma once

#include "certpinctl-file.h"
#include "certpinctl-output.h"
#include "certpinctl-reply.h"

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

extern const CtlVerb ctl_verbs[];

/* certpinctl.c */
void ctl_on_result (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *ctl_wait (Ctl *ctl);

/* certpinctl-options.c */
void ctl_init_globals (Ctl *ctl);
gboolean ctl_parse_globals (Ctl *ctl, GError **error);
gboolean ctl_parse (Ctl *ctl, const GOptionEntry *options, GError **error);
void ctl_print_help (Ctl *ctl, const GOptionEntry *options);
char *ctl_file_show (const char *path);
GBytes *ctl_file_read (const char *path, size_t max_bytes, GError **error);

/* certpinctl-pin.c */
CtlExit ctl_pin (Ctl *ctl, GError **error);
CtlExit ctl_unpin (Ctl *ctl, GError **error);
CtlExit ctl_block (Ctl *ctl, GError **error);

/* certpinctl-list.c */
CtlExit ctl_list (Ctl *ctl, GError **error);

/* certpinctl-show.c */
CtlExit ctl_show (Ctl *ctl, GError **error);
extern const CtlField ctl_pin_fields[];
const char *ctl_warning_of_pin (GVariant *pin);
void ctl_print_pin (CtlStream *stream, GVariant *pin, const CtlField *fields);
void ctl_print_failure (CtlStream *stream, GVariant *failure);
GVariant *ctl_lookup_failure (Ctl *ctl, const char *host, GError **error);

/* certpinctl-judge.c */
CtlExit ctl_explain (Ctl *ctl, GError **error);
CtlExit ctl_verify (Ctl *ctl, GError **error);

/* certpinctl-answer.c */
/* What is done with an answer. */
typedef struct
{
  CtlFile *file; /* (nullable): where it goes instead of the standard output */
  gboolean include;
  gboolean fail;
} CtlAnswer;

CtlExit
ctl_print_answer (Ctl *ctl, CertpinResponse *response, const CtlAnswer *answer, GError **error);

/* certpinctl-request.c */
CtlExit ctl_get (Ctl *ctl, GError **error);
CtlExit ctl_request (Ctl *ctl, GError **error);

G_END_DECLS
