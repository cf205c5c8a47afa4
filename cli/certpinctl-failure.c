/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The evidence of a refused or reported request: how it is asked for, and how it looks in text. */

#include "config.h"

#include "certpinctl-failure.h"

#include "certpinctl-accept.h"
#include "certpinctl-reply.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

/* First what the error message says as well, then the evidence. */
static const CtlField failure_fields[] = {
  { "time", N_ ("time") },
  { "error", N_ ("error") },
  { "message", N_ ("message") },
  { "reason", N_ ("reason") },
  { "scope", N_ ("scope of the pin") },
#define FIRST_EVIDENCE 5
  { "likely-cause", N_ ("likely cause") },
  { "advice", N_ ("advice") },
  { "offered-keys", N_ ("offered keys") },
  { "pinned-keys", N_ ("pinned keys") },
  { "subject", N_ ("subject") },
  { "issuer", N_ ("issuer") },
  { NULL },
};

/* The message usually ends with the likely cause, which is then not said again. */
static void
print_fields (CtlStream *stream, GVariant *failure, const CtlField *fields)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (failure);
  g_autoptr (GVariant) shown = NULL;
  const char *message = "", *cause = NULL;

  g_variant_lookup (failure, "message", "&s", &message);
  g_variant_lookup (failure, "likely-cause", "&s", &cause);
  if (cause != NULL && strstr (message, cause) != NULL)
    g_variant_dict_remove (&dict, "likely-cause");
  shown = g_variant_ref_sink (g_variant_dict_end (&dict));
  ctl_print_fields (stream, shown, fields);
}

/* Prints the evidence that the error message does not contain. */
void
ctl_print_failure (CtlStream *stream, GVariant *failure)
{
  print_fields (stream, failure, failure_fields + FIRST_EVIDENCE);
}

/* Prints everything. */
void
ctl_print_whole_failure (CtlStream *stream, GVariant *failure)
{
  print_fields (stream, failure, failure_fields);
}

/* Returns: (transfer full) (nullable): the evidence of the last refusal; NULL without error: none
 * was refused */
GVariant *
ctl_lookup_failure (Ctl *ctl, const char *host, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  GVariant *failure;

  certpin_client_last_failure_async (ctl->client, host, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  failure
      = ctl_reply_take_record (certpin_client_last_failure_finish (ctl->client, result, &reason),
                               CTL_REPLY_FAILURE, &reason);
  if (reason != NULL && !g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    g_propagate_error (error, g_steal_pointer (&reason));
  return failure;
}

/* `host`: as pins name it. `started_s`: when the attempt began.
 * Keeps the evidence for `reason`, if that is still the last refusal of the host. */
void
ctl_keep_evidence (Ctl *ctl, const char *host, const GError *reason, gint64 started_s)
{
  g_autoptr (GError) ignored = NULL;
  g_autoptr (GVariant) failure = NULL;
  const char *name = "";
  gint64 time_s = 0;

  if (!g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH)
      && !g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_UNTRUSTED))
    return;
  failure = ctl_lookup_failure (ctl, host, &ignored);
  if (failure == NULL)
    return;
  g_variant_lookup (failure, "error", "&s", &name);
  g_variant_lookup (failure, "time", "x", &time_s);
  if (strcmp (name, ctl_error_name (reason)) != 0 || time_s < started_s)
    return;
  ctl->accept = ctl_accept_find (ctl, host, failure);
  ctl->failure = g_steal_pointer (&failure);
}

/* Of one error of several, which has been told. */
void
ctl_forget_evidence (Ctl *ctl)
{
  g_clear_pointer (&ctl->failure, g_variant_unref);
  g_clear_pointer (&ctl->accept, g_free);
  g_clear_pointer (&ctl->host, g_free);
  ctl->url = NULL;
  ctl->nameless = FALSE;
}
