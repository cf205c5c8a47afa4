/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds text to the reader of files of sightings: what it reads must be written and read back as
 * the same. */

#include "config.h"

#include "daemon/core/pins/cpd-sighting-file.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GBytes) text = g_bytes_new (data, size), written = NULL, rewritten = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sightings = cpd_sighting_file_parse (text, &error), again = NULL;

  if ((sightings != NULL) == (error != NULL))
    abort ();
  if (sightings == NULL)
    return 0;
  written = cpd_sighting_file_print (sightings, G_MAXSIZE);
  again = cpd_sighting_file_parse (written, NULL);
  if (again == NULL || again->len != sightings->len)
    abort ();
  rewritten = cpd_sighting_file_print (again, G_MAXSIZE);
  if (!g_bytes_equal (written, rewritten))
    abort ();
  return 0;
}
