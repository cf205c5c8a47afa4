/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The process at the other end of a connection: reads the evidence of the kernel and the bus, and
 * judges it. A process that cannot be examined, or has ended, does not have its user's rights. */

#define _GNU_SOURCE /* O_PATH */

#include "config.h"

#include "daemon/bus/cpd-process.h"

#include "daemon/bus/cpd-confinement.h"
#include "daemon/core/base/cpd-text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX_BYTES (16 * 1024 * 1024)

/* A folder of /proc that stays that of one process, even if a later one gets its number.
 * Returns: -1: it cannot be opened */
static int
open_folder (guint32 pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u", pid);

  return open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Returns: (transfer full) (nullable): NULL: it cannot be read completely, or is not text; errno
 * says why */
char *
cpd_process_read_text (int folder, const char *name, size_t most)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int file = openat (folder, name, O_RDONLY | O_CLOEXEC), problem;
  char part[16384];
  ssize_t count;

  if (file < 0)
    return NULL;
  while ((count = read (file, part, sizeof part)) > 0 && text->len + (size_t)count <= most)
    g_string_append_len (text, part, count);
  problem = count < 0 ? errno : EFBIG;
  close (file);
  if (text->len > 0 && text->str[text->len - 1] == '\0') /* SELinux's labels */
    g_string_truncate (text, text->len - 1);
  if (count == 0 && strlen (text->str) == text->len)
    return g_string_free (g_steal_pointer (&text), FALSE);
  errno = problem;
  return NULL;
}

/* Returns: (transfer full) (nullable): "": this system labels no processes */
static char *
read_label (int folder)
{
  char *label = cpd_process_read_text (folder, "attr/current", TEXT_MAX_BYTES);

  if (label == NULL && (errno == EINVAL || errno == ENOENT))
    return g_strdup ("");
  return label != NULL ? g_strchomp (label) : NULL;
}

/* `bus_label`: (nullable): NULL: it cannot be read */
static CpdConfinement
judge_process (guint32 pid, const char *bus_label, char **text)
{
  int folder = open_folder (pid), init = open_folder (1);
  g_autofree char *label = read_label (folder);
  g_autofree char *cgroup = cpd_process_read_text (folder, "cgroup", TEXT_MAX_BYTES);
  g_autofree char *status = cpd_process_read_text (folder, "status", TEXT_MAX_BYTES);
  g_autofree char *uid_map = cpd_process_read_text (folder, "uid_map", TEXT_MAX_BYTES);
  g_autofree char *init_status = cpd_process_read_text (init, "status", TEXT_MAX_BYTES);
  g_autofree char *init_uid_map = cpd_process_read_text (init, "uid_map", TEXT_MAX_BYTES);
  g_autofree char *mountinfo = NULL;
  CpdEvidence evidence = { .cgroup = cgroup,
                           .status = status,
                           .uid_map = uid_map,
                           .label = label,
                           .bus_label = bus_label,
                           .init_status = init_status,
                           .init_uid_map = init_uid_map };

  if (cpd_confinement_mounts_max_bytes (&evidence) > 0)
    evidence.mountinfo = mountinfo
        = cpd_process_read_text (folder, "mountinfo", cpd_confinement_mounts_max_bytes (&evidence));
  if (folder >= 0)
    close (folder);
  if (init >= 0)
    close (init);
  return cpd_confinement_judge (&evidence, text);
}

/* Whether the process that made the connection has ended, so that the evidence may be of another.
 * Buses before 1.16, and kernels before 6.5, do not say. */
static gboolean
has_ended (GVariant *credentials, GUnixFDList *fds)
{
  struct pollfd process = { .fd = -1, .events = POLLIN };
  int handle, count = 0;
  const int *numbers = fds != NULL ? g_unix_fd_list_peek_fds (fds, &count) : NULL;

  if (!g_variant_lookup (credentials, "ProcessFD", "h", &handle))
    return FALSE;
  if (handle < 0 || handle >= count)
    return TRUE;
  process.fd = numbers[handle];
  return poll (&process, 1, 0) != 0;
}

/* `credentials`: a{sv}, of org.freedesktop.DBus.GetConnectionCredentials.
 * Returns: (transfer full) (nullable): the name that the process gives itself */
char *
cpd_process_find_program (GVariant *credentials)
{
  g_autofree char *path = NULL, *name = NULL;
  guint32 pid;

  if (!g_variant_lookup (credentials, "ProcessID", "u", &pid))
    return NULL;
  path = g_strdup_printf ("/proc/%u/comm", pid);
  if (!g_file_get_contents (path, &name, NULL, NULL))
    return NULL;
  g_strchomp (name);
  return cpd_text_sanitize (name, strlen (name));
}

/* `fds`: (nullable): sent with the credentials.
 * Returns: (transfer full) (nullable): a clause that says why the process does not have its
 * user's rights; NULL: it has them */
char *
cpd_process_find_confinement (GVariant *credentials, GUnixFDList *fds)
{
  g_autoptr (GVariant) label
      = g_variant_lookup_value (credentials, "LinuxSecurityLabel", G_VARIANT_TYPE_BYTESTRING);
  g_autofree char *text = NULL;
  CpdConfinement confinement;
  guint32 pid;

  if (!g_variant_lookup (credentials, "ProcessID", "u", &pid))
    return g_strdup ("the bus does not say which process it is");
  confinement = judge_process (pid, label != NULL ? g_variant_get_bytestring (label) : "", &text);
  if (has_ended (credentials, fds))
    return g_strdup ("its process has ended");
  switch (confinement)
    {
    case CPD_CONFINEMENT_NONE:
      return NULL;
    case CPD_CONFINEMENT_APP:
      return g_strdup_printf (
          "it is the sandboxed app ‘%s’, and certpin does not serve sandboxed apps yet", text);
    case CPD_CONFINEMENT_REFUSED:
    default:
      return g_steal_pointer (&text);
    }
}
