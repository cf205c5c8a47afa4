/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds text to the host parser: what it accepts must be canonical, so that it is accepted again as
 * it is. */

#include "config.h"

#include "daemon/core/pins/cpd-host.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdHost) host = cpd_host_new (text, &error);
  g_autoptr (CpdHost) again = NULL;

  if ((host != NULL) == (error != NULL))
    abort ();
  if (host == NULL)
    return 0;
  again = cpd_host_new (cpd_host_get_text (host), NULL);
  if (again == NULL || !g_str_equal (cpd_host_get_text (again), cpd_host_get_text (host)))
    abort ();
  return 0;
}
