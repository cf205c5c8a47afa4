/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds text to the parser of labels: what it accepts must have that label, and every text must
 * come back from its label. */

#include "config.h"

#include "daemon/bus/cpd-label.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check (const char *text, const char *label)
{
  g_autoptr (GString) written = g_string_new (NULL);
  g_autofree char *again = NULL;

  cpd_label_append (written, text);
  again = cpd_label_parse (written->str);
  if (g_strcmp0 (again, text) != 0 || (label != NULL && !g_str_equal (written->str, label)))
    abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autofree char *parsed = cpd_label_parse (text);

  check (text, NULL);
  if (parsed != NULL)
    check (parsed, text);
  return 0;
}
