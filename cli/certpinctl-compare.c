/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `compare`: whether a renewed certificate has the key of the old one. */

#include "config.h"

#include "certpinctl-compare.h"

#include "certpinctl-named.h"
#include "certpinctl-options.h"

#include <glib/gi18n.h>

#include <string.h>

static const CtlField fields[] = {
  { "subject", N_ ("subject") },
  { "issuer", N_ ("issuer") },
  { "key", N_ ("key") },
  { "not-after", N_ ("not after") },
  { NULL },
};

/* Only what is shown. Returns: (transfer full) */
static GVariant *
pick (GVariant *certificate)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  for (const CtlField *field = fields; field->key != NULL; field++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (certificate, field->key, NULL);

      if (value != NULL)
        g_variant_dict_insert_value (&dict, field->key, value);
    }
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gboolean
have_same_key (GVariant *old, GVariant *new)
{
  const char *old_key = "", *new_key = "";

  g_variant_lookup (old, "key", "&s", &old_key);
  g_variant_lookup (new, "key", "&s", &new_key);
  return strcmp (old_key, new_key) == 0;
}

static void
print (Ctl *ctl, GVariant *old, GVariant *new, gboolean same)
{
  if (ctl->json)
    {
      ctl_print_json (&ctl->out,
                      g_variant_new_parsed ("{'comparison': {'same': <%b>, 'old': <%@a{sv}>, "
                                            "'new': <%@a{sv}>}}",
                                            same, old, new));
      return;
    }
  ctl_print_heading (&ctl->out, ctl->arguments[0]);
  ctl_print_fields (&ctl->out, old, fields);
  ctl_print_blank (&ctl->out);
  ctl_print_heading (&ctl->out, ctl->arguments[1]);
  ctl_print_fields (&ctl->out, new, fields);
  ctl_print_blank (&ctl->out);
  ctl_print_lines (
      &ctl->out,
      same
          ? _ ("Same key: a pin of it accepts both certificates.")
          : _ ("Different keys: a pin of the old one refuses the new certificate. Add the new\n"
               "one before the server uses it: certpinctl pin --add HOST NEW"));
}

CtlExit
ctl_compare (Ctl *ctl, GError **error)
{
  const GOptionEntry options[] = { { NULL } };
  g_autoptr (GVariant) old = NULL, new = NULL, old_shown = NULL, new_shown = NULL;
  gboolean same;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  old = ctl_named_certificate (ctl, ctl->arguments[0], error);
  new = old != NULL ? ctl_named_certificate (ctl, ctl->arguments[1], error) : NULL;
  if (new == NULL)
    return CTL_EXIT_FAILED;
  old_shown = pick (old);
  new_shown = pick (new);
  same = have_same_key (old, new);
  print (ctl, old_shown, new_shown, same);
  return same ? CTL_EXIT_OK : CTL_EXIT_FAILED;
}
