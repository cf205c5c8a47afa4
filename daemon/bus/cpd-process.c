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
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX_BYTES (16 * 1024 * 1024)

/* Of one app, so many are looked at, the oldest first. That of bubblewrap which is inside the
 * sandbox is among the first, and lives as long as that does. */
#define PROCESSES_MAX 64

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

/* `folder`: of the process. `group`: (out) (transfer full) (nullable): the control group by which
 * it was judged, which it may leave meanwhile */
static CpdConfinement
judge_process (int folder, const char *bus_label, char **group, char **text)
{
  int init = open_folder (1);
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
  if (init >= 0)
    close (init);
  *group = cgroup != NULL ? cpd_confinement_find_group (cgroup) : NULL;
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

/* `folder`: of a process. Whether it is in a PID namespace of its own, as the programs of a Flatpak
 * are; the proxy through which they reach the bus is not. */
static gboolean
is_inside (int folder)
{
  g_autofree char *status = cpd_process_read_text (folder, "status", TEXT_MAX_BYTES);

  return status != NULL && cpd_confinement_has_pid_namespace (status);
}

/* Whether it is in the network namespace of this service. Each such namespace has files of its own
 * in /proc, and so their numbers are its own as well; to read one could take long. */
static gboolean
has_own_network (int folder)
{
  struct stat its, own;

  return fstatat (folder, "net/unix", &its, 0) == 0 && stat ("/proc/self/net/unix", &own) == 0
         && its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

/* `folder`: of a process */
static gboolean
is_in_group (int folder, const char *group)
{
  g_autofree char *cgroup = cpd_process_read_text (folder, "cgroup", TEXT_MAX_BYTES);
  g_autofree char *its = cgroup != NULL ? cpd_confinement_find_group (cgroup) : NULL;

  return g_strcmp0 (its, group) == 0;
}

/* Whether a process is inside a Flatpak, and has this service's network. That is asked first: it
 * takes the least time, and an app without network may have many processes. */
static gboolean
is_networked (int folder)
{
  return has_own_network (folder) && is_inside (folder);
}

/* Whether a process of this control group is. Since the group was read, another process may have
 * got the number: so all is read through one folder. */
static gboolean
is_networked_in (const char *pid, const char *group)
{
  g_autofree char *path = g_build_filename ("/proc", pid, NULL);
  int folder = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  gboolean is = folder >= 0 && is_networked (folder) && is_in_group (folder, group);

  if (folder >= 0)
    close (folder);
  return is;
}

/* A Flatpak has the network that its programs have. `folder`: of one of them, or of the app's
 * proxy. `group`: that of the app */
static gboolean
find_network (int folder, const char *group)
{
  g_autofree char *path = g_build_filename ("/sys/fs/cgroup", group, "cgroup.procs", NULL);
  g_autofree char *pids = NULL;
  g_auto (GStrv) lines = NULL;

  if (is_networked (folder))
    return TRUE;
  if (*group != '\0')
    pids = cpd_process_read_text (AT_FDCWD, path, TEXT_MAX_BYTES);
  if (pids == NULL)
    return FALSE;
  lines = g_strsplit (pids, "\n", PROCESSES_MAX);
  for (unsigned int i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0' && is_networked_in (lines[i], group))
      return TRUE;
  return FALSE;
}

/* `process`: (out): gets what is known of it, each (transfer full) */
static void
judge (guint32 pid, const char *bus_label, CpdProcess *process)
{
  int folder = open_folder (pid);
  g_autofree char *group = NULL, *text = NULL;

  switch (judge_process (folder, bus_label, &group, &text))
    {
    case CPD_CONFINEMENT_NONE:
      break;
    case CPD_CONFINEMENT_APP:
      process->app = g_steal_pointer (&text);
      process->networked
          = g_str_has_prefix (process->app, "flatpak:") && find_network (folder, group);
      break;
    case CPD_CONFINEMENT_REFUSED:
    default:
      process->refusal = g_steal_pointer (&text);
    }
  if (folder >= 0)
    close (folder);
}

/* `fds`: (nullable): sent with the credentials. `process`: (out) */
void
cpd_process_examine (GVariant *credentials, GUnixFDList *fds, CpdProcess *process)
{
  g_autoptr (GVariant) label
      = g_variant_lookup_value (credentials, "LinuxSecurityLabel", G_VARIANT_TYPE_BYTESTRING);
  guint32 pid;

  *process = (CpdProcess){ NULL };
  if (!g_variant_lookup (credentials, "ProcessID", "u", &pid))
    {
      process->refusal = g_strdup ("the bus does not say which process it is");
      return;
    }
  judge (pid, label != NULL ? g_variant_get_bytestring (label) : "", process);
  if (!has_ended (credentials, fds))
    return;
  g_free (process->refusal);
  process->refusal = g_strdup ("its process has ended");
}
