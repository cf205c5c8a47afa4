/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a pin looks in text. */

#include "config.h"

#include "certpinctl-pin-text.h"

#include "certpinctl-rotation.h"
#include "certpinctl-time.h"

#include <glib/gi18n.h>

const CtlField ctl_pin_fields[] = {
  { "scope", N_ ("scope") },
  { "app", N_ ("app") },
  { "state", N_ ("state") },
  { "paused-until", N_ ("paused until") },
  { "pause-reason", N_ ("pause reason") },
  { "paused-by", N_ ("paused by") },
  { "stored", N_ ("stored") },
  { "reason", N_ ("reason") },
  { "match", N_ ("match") },
  { "mode", N_ ("mode") },
  { "keys", N_ ("keys") },
  { "expires", N_ ("expires") },
  { "trust-anchors", N_ ("own trust anchors") },
  { "subject", N_ ("subject") },
  { "issuer", N_ ("issuer") },
  { "not-after", N_ ("not after") },
  { "served", N_ ("served") },
  { "note", N_ ("note") },
  { "created", N_ ("created") },
  { "created-by", N_ ("created by") },
  { "source", N_ ("source") },
  { "generation", N_ ("generation") },
  { "warnings", N_ ("warnings") },
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
  return g_str_equal (state, "blocked") ? _ ("not yet on disk") : _ ("in memory only");
}

G_GNUC_PRINTF (2, 3)
static void
add_line (GStrvBuilder *lines, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_strv_builder_add (lines, line);
}

/* Returns: (transfer full): the certificate that the server had when it was last seen, in lines;
 * none if it was not */
static GStrv
describe_served (GVariant *pin)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  g_autoptr (GVariant) served = g_variant_lookup_value (pin, "served", G_VARIANT_TYPE_VARDICT);
  const char *subject = "", *issuer = "";
  g_autofree char *end = NULL, *seen = NULL;
  gint64 not_after = 0, time = 0;

  if (served == NULL)
    return g_strv_builder_end (lines);
  g_variant_lookup (served, "subject", "&s", &subject);
  g_variant_lookup (served, "issuer", "&s", &issuer);
  g_variant_lookup (served, "not-after", "x", &not_after);
  g_variant_lookup (served, "time", "x", &time);
  end = ctl_time_to_text (not_after);
  seen = ctl_time_to_text (time);
  add_line (lines, "%s", subject);
  add_line (lines, _ ("issued by %s"), issuer);
  add_line (lines, _ ("ends %s"), end);
  add_line (lines, _ ("seen %s"), seen);
  return g_strv_builder_end (lines);
}

/* Once a server was seen, each key says whether it was, in a line of its own: both are wider than a
 * terminal.
 * Returns: (transfer full) */
static GStrv
describe_keys (GVariant *pin)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  g_autoptr (GVariant) served = g_variant_lookup_value (pin, "served", NULL);
  g_auto (GStrv) keys = NULL;

  g_variant_lookup (pin, "keys", "^as", &keys);
  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      gint64 last = ctl_rotation_find_seen (pin, keys[i]).last;
      g_autofree char *seen = ctl_time_to_text (last);

      add_line (lines, "%s", keys[i]);
      if (last != 0)
        add_line (lines, _ ("  last seen %s"), seen);
      else if (served != NULL)
        add_line (lines, _ ("  never seen"));
    }
  return g_strv_builder_end (lines);
}

/* Puts what was seen of the server in words. */
static void
put_sightings_in_words (GVariantDict *dict, GVariant *pin)
{
  g_auto (GStrv) served = describe_served (pin), keys = describe_keys (pin);

  g_variant_dict_insert (dict, "keys", "^as", keys);
  g_variant_dict_insert (dict, "served", "^as", served);
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
  put_sightings_in_words (&dict, pin);
  shown = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_variant_lookup (pin, "host", "&s", &host);
  ctl_print_heading (stream, host);
  ctl_print_fields (stream, shown, fields);
}
