/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a pin looks in text. */

#include "config.h"

#include "certpinctl-pin-text.h"

const CtlField ctl_pin_fields[] = {
  { "scope", "scope" },
  { "state", "state" },
  { "paused-until", "paused until" },
  { "pause-reason", "pause reason" },
  { "paused-by", "paused by" },
  { "stored", "stored" },
  { "reason", "reason" },
  { "match", "match" },
  { "mode", "mode" },
  { "keys", "keys" },
  { "expires", "expires" },
  { "trust-anchors", "own trust anchors" },
  { "subject", "subject" },
  { "issuer", "issuer" },
  { "not-after", "not after" },
  { "note", "note" },
  { "created", "created" },
  { "created-by", "created by" },
  { "source", "source" },
  { "generation", "generation" },
  { "warnings", "warnings" },
  { NULL },
};

/* Returns: (nullable): a warning for a pin that is not on disk: a block will be written later, the
 * pin of a temporary user will not */
const char *
ctl_warning_of_pin (GVariant *pin)
{
  gboolean stored = TRUE;
  const char *state = "";

  g_variant_lookup (pin, "stored", "b", &stored);
  g_variant_lookup (pin, "state", "&s", &state);
  if (stored)
    return NULL;
  return g_str_equal (state, "blocked") ? "not yet on disk" : "in memory only";
}

/* Prints a pin. That it is on disk is not shown, because that is the usual case. */
void
ctl_print_pin (CtlStream *stream, GVariant *pin, const CtlField *fields)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (pin);
  g_autoptr (GVariant) shown = NULL;
  const char *host = "", *warning = ctl_warning_of_pin (pin);

  g_variant_dict_remove (&dict, "stored");
  if (warning != NULL)
    g_variant_dict_insert (&dict, "stored", "s", warning);
  shown = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_variant_lookup (pin, "host", "&s", &host);
  ctl_print_heading (stream, host);
  ctl_print_fields (stream, shown, fields);
}
