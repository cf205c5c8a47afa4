/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds text to the reader of the configuration: whatever is wrong with it, every value is in
 * its range. */

#define _GNU_SOURCE /* memfd_create */

#include "config.h"

#include "daemon/core/base/cpd-config.h"
#include "daemon/core/base/cpd-fault.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  int fd = memfd_create ("certpind.conf", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) problems = cpd_faults_new ();
  g_autoptr (CpdConfig) config = NULL;

  if (fd < 0 || write (fd, data, size) != (ssize_t)size)
    abort ();
  config = cpd_config_load (path, warnings, problems);
  close (fd);
  if (config->running == 0 || config->trust_file == NULL)
    abort ();
  return 0;
}
