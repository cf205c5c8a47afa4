/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds text to the reader of pin files: what it reads must be written and read back as the same
 * pins. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_USER, .source = "fuzz.pin" };
  g_autoptr (GBytes) text = g_bytes_new (data, size);
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pins = cpd_pin_file_parse (text, &context, &hosts, &error);

  if ((pins != NULL) == (error != NULL))
    abort ();
  for (unsigned int i = 0; pins != NULL && i < pins->len; i++)
    {
      g_autoptr (GBytes) written = i % 2 == 0 ? cpd_pin_file_print (pins->pdata[i], NULL)
                                              : cpd_pin_file_export (pins->pdata[i]);
      g_autoptr (GPtrArray) more_hosts = NULL;
      g_autoptr (GPtrArray) again = cpd_pin_file_parse (written, &context, &more_hosts, NULL);

      if (again == NULL || again->len != 1
          || !cpd_pin_shows_the_same (again->pdata[0], pins->pdata[i]))
        abort ();
    }
  return 0;
}
