/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells of an error, and of the evidence behind it. */

#include "config.h"

#include "certpinctl-report.h"

#include "certpinctl-accept.h"
#include "certpinctl-certificate.h"
#include "certpinctl-failure.h"

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

/* Prints one line for people, or one JSON document for programs. Returns: the exit status */
CtlExit
ctl_report_error (Ctl *ctl, const GError *error)
{
  gboolean usage = error->domain == G_OPTION_ERROR;
  const char *verb = ctl->verb != NULL ? ctl->verb->name : "";
  g_autofree char *hint
      = g_strdup_printf ("; see ‘certpinctl %s%s--help’", verb, *verb != '\0' ? " " : "");
  g_autofree char *text = g_strconcat (error->message, usage ? hint : "", NULL);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GVariantBuilder) members = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  ctl->json = ctl->json || (usage && ctl->json_named);
  if (!ctl->json)
    {
      ctl_print_message (&ctl->err, /* kind= */ NULL, text);
      print_evidence (ctl);
      return ctl_error_exit (error, ctl->nameless);
    }
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
  return ctl_error_exit (error, ctl->nameless);
}
