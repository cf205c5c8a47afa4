/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds text to the key parser: what it accepts must be written and read back as the same key. */

#include "config.h"

#include "client-lib/certpin-key.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (CertpinKey) key = certpin_key_new_from_text (text, NULL);
  g_autoptr (CertpinKey) again = NULL;
  g_autofree char *written = NULL;

  if (key == NULL)
    return 0;
  written = certpin_key_to_text (key);
  again = certpin_key_new_from_text (written, NULL);
  if (again == NULL || !certpin_key_equal (key, again))
    abort ();
  return 0;
}
