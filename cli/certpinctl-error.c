/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How every verb ends that fails: one sentence that says what is wrong and what to do, and below it
 * the evidence, on standard error; or one JSON document on standard output. */

#include "config.h"

#include "certpinctl-error.h"

#include "certpinctl-accept.h"
#include "certpinctl-certificate.h"
#include "certpinctl-failure.h"
#include "certpinctl-remedy.h"

#include <string.h>

/* What is shown below the error. */
static void
print_evidence (Ctl *ctl)
{
  if (ctl->failure != NULL)
    ctl_print_failure (&ctl->err, ctl->failure);
  if (ctl->accept != NULL)
    ctl_print_accept (&ctl->err, ctl->accept);
  if (ctl->certificates != NULL)
    {
      g_autoptr (GPtrArray) rows = ctl_certificate_rows (ctl->certificates);

      ctl_print_table (&ctl->err, rows, 3);
    }
}

static void
print_json (Ctl *ctl, const GError *error, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GVariantBuilder) members = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add_parsed (&members, "{'name', <%s>}", ctl_error_name (error));
  g_variant_builder_add_parsed (&members, "{'message', <%s>}", valid);
  if (ctl->failure != NULL)
    g_variant_builder_add (&members, "{sv}", "failure", ctl->failure);
  if (ctl->accept != NULL)
    g_variant_builder_add_parsed (&members, "{'accept', <%s>}", ctl->accept);
  if (ctl->certificates != NULL)
    g_variant_builder_add (&members, "{sv}", "certificates", ctl->certificates);
  ctl_print_json (&ctl->out,
                  g_variant_new_parsed ("{'error': %v}", g_variant_builder_end (&members)));
}

/* Prints it for people or for programs. Returns: the exit status */
CtlExit
ctl_error_print (Ctl *ctl, const GError *error)
{
  gboolean interrupted = g_cancellable_is_cancelled (ctl->cancellable);
  g_autofree char *remedy = ctl_remedy_find (ctl, error);
  g_autofree char *message = ctl_remedy_reword (error->message);
  /* The remedy may take a call, and somebody may not want to wait for it. */
  gboolean stopped = !interrupted && g_cancellable_is_cancelled (ctl->cancellable);
  CtlExit status = stopped ? CTL_EXIT_INTERRUPTED : ctl_error_exit (error, ctl->nameless);
  /* Some libraries end a sentence with a period. */
  gboolean dotted = remedy != NULL && g_str_has_suffix (message, ".");
  int length = (int)strlen (message) - dotted;
  const char *title = ctl_error_title (error);
  g_autofree char *text
      = g_strdup_printf ("%s%s%.*s%s", title != NULL ? title : "", title != NULL ? ": " : "",
                         length, message, remedy != NULL ? remedy : "");

  ctl->json = ctl->json || (status == CTL_EXIT_USAGE && ctl->json_named);
  if (ctl->json)
    print_json (ctl, error, text);
  else
    {
      g_autofree char *whole = g_strconcat (ctl->url != NULL ? ctl->url : "",
                                            ctl->url != NULL ? ": " : "", text, NULL);

      ctl_print_error (&ctl->err, whole, ctl_error_is_refusal (error));
      print_evidence (ctl);
    }
  return status;
}
