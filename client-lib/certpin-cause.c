/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cause of an error as a text, in which it crosses the bus: `DOMAIN WORD: MESSAGE`. The word is
 * the nick of the code in its enumeration. */

#include "config.h"

#include "certpin-cause.h"

#include <gio/gio.h>

#include <string.h>

/* The domains of causes. */
static const struct
{
  const char *name;
  GQuark (*quark) (void);
  GType (*codes) (void);
} domains[] = {
  { "resolver", g_resolver_error_quark, g_resolver_error_get_type },
  { "io", g_io_error_quark, g_io_error_enum_get_type },
  { "tls", g_tls_error_quark, g_tls_error_get_type },
};

/* Returns: (transfer full) (nullable): NULL: causes of this domain, or this code, are not told */
char *
certpin_cause_to_text (const GError *cause)
{
  for (size_t i = 0; i < G_N_ELEMENTS (domains); i++)
    if (cause->domain == domains[i].quark ())
      {
        g_autoptr (GEnumClass) codes = g_type_class_ref (domains[i].codes ());
        const GEnumValue *code = g_enum_get_value (codes, cause->code);

        return code != NULL ? g_strdup_printf ("%s %s: %s", domains[i].name, code->value_nick,
                                               cause->message)
                            : NULL;
      }
  return NULL;
}

/* Returns: (transfer full) (nullable): NULL: it is newer than this library, or no cause */
GError *
certpin_cause_new_from_text (const char *text)
{
  const char *word = strchr (text, ' ');
  const char *message = word != NULL ? strstr (word, ": ") : NULL;
  g_autofree char *domain = NULL, *nick = NULL;

  if (message == NULL)
    return NULL;
  domain = g_strndup (text, (gsize)(word - text));
  nick = g_strndup (word + 1, (gsize)(message - word - 1));
  for (size_t i = 0; i < G_N_ELEMENTS (domains); i++)
    if (g_str_equal (domain, domains[i].name))
      {
        g_autoptr (GEnumClass) codes = g_type_class_ref (domains[i].codes ());
        const GEnumValue *code = g_enum_get_value_by_nick (codes, nick);

        return code != NULL
                   ? g_error_new_literal (domains[i].quark (), code->value, message + strlen (": "))
                   : NULL;
      }
  return NULL;
}
