/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is made of the process that the bus names: whoever is gone, or may be somebody else
 * by now, does not have its user's rights. */

#include "config.h"

#include "daemon/bus/cpd-process.h"
#include "tests/lib/test-core.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_HANDLE (-1)

static GVariant *
make_credentials (guint32 pid, int handle, const char *label)
{
  g_auto (GVariantDict) credentials = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&credentials, "ProcessID", "u", pid);
  if (handle != NO_HANDLE)
    g_variant_dict_insert (&credentials, "ProcessFD", "h", handle);
  if (label != NULL)
    g_variant_dict_insert (&credentials, "LinuxSecurityLabel", "^ay", label);
  return g_variant_ref_sink (g_variant_dict_end (&credentials));
}

/* Returns: (transfer full) (nullable): why the process is not served */
static char *
examine (GVariant *credentials, GUnixFDList *fds)
{
  CpdProcess process;

  cpd_process_examine (credentials, fds, &process);
  g_assert_null (process.app);
  g_assert_false (process.networked);
  return process.refusal;
}

static char *
find_confinement (guint32 pid, int handle, GUnixFDList *fds)
{
  g_autoptr (GVariant) credentials = make_credentials (pid, handle, NULL);
  char *clause = examine (credentials, fds);

  g_test_message ("%u: %s", pid, clause);
  return clause;
}

/* As the bus sends it. Returns: (transfer full): its handle is 0 */
static GUnixFDList *
open_process (pid_t pid)
{
  int fd = (int)syscall (SYS_pidfd_open, pid, 0);

  g_assert_cmpint (fd, >=, 0);
  return g_unix_fd_list_new_from_array (&fd, 1);
}

/* One that has ended, and whose parent has yet to ask for its status. */
static pid_t
make_zombie (void)
{
  pid_t child = fork ();
  siginfo_t info;

  if (child == 0)
    _exit (0);
  g_assert_cmpint (waitid (P_PID, (id_t)child, &info, WEXITED | WNOWAIT), ==, 0);
  return child;
}

static void
test_lives (void)
{
  g_autoptr (GUnixFDList) fds = open_process (getpid ());
  g_autofree char *without = find_confinement ((guint32)getpid (), NO_HANDLE, NULL);
  g_autofree char *with = find_confinement ((guint32)getpid (), 0, fds);

  g_assert_cmpstr (without, ==, NULL);
  g_assert_cmpstr (with, ==, NULL);
}

static void
test_not_named (void)
{
  g_autoptr (GVariant) nothing = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autofree char *clause = examine (nothing, NULL);

  g_assert_nonnull (clause);
}

static void
test_nobody (void)
{
  static const guint32 numbers[] = { 0, G_MAXINT32, G_MAXUINT32 };

  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autofree char *clause = find_confinement (numbers[i], NO_HANDLE, NULL);

      g_assert_nonnull (clause);
    }
}

static void
test_zombie (void)
{
  pid_t child = make_zombie ();
  g_autofree char *clause = find_confinement ((guint32)child, NO_HANDLE, NULL);

  g_assert_nonnull (clause);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
}

/* The number is that of a process which lives. */
static void
test_number_of_another (void)
{
  pid_t child = make_zombie ();
  g_autoptr (GUnixFDList) fds = open_process (child);
  g_autofree char *before = find_confinement ((guint32)getpid (), 0, fds);
  g_autofree char *after = NULL;

  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  after = find_confinement ((guint32)getpid (), 0, fds);
  g_assert_nonnull (before);
  g_assert_nonnull (after);
}

static void
test_missing_descriptor (void)
{
  static const int handles[] = { 1, G_MAXINT32, G_MININT32 };
  g_autoptr (GUnixFDList) fds = open_process (getpid ());
  g_autofree char *no_list = find_confinement ((guint32)getpid (), 0, NULL);

  g_assert_nonnull (no_list);
  for (size_t i = 0; i < G_N_ELEMENTS (handles); i++)
    {
      g_autofree char *clause = find_confinement ((guint32)getpid (), handles[i], fds);

      g_assert_nonnull (clause);
    }
}

static void
test_label (void)
{
  g_autoptr (GVariant) credentials
      = make_credentials ((guint32)getpid (), NO_HANDLE, "snap.demo.app (enforce)");
  CpdProcess process;
  g_autofree char *app = NULL;

  cpd_process_examine (credentials, NULL, &process);
  app = process.app;
  g_assert_null (process.refusal);
  g_assert_cmpstr (app, ==, "snap:demo");
  g_assert_false (process.networked);
}

static void
test_program (void)
{
  g_autoptr (GVariant) own = make_credentials ((guint32)getpid (), NO_HANDLE, NULL);
  g_autoptr (GVariant) nobody = make_credentials (0, NO_HANDLE, NULL);
  g_autofree char *name = cpd_process_find_program (own);

  g_assert_cmpstr (name, ==, "test-process");
  g_assert_null (cpd_process_find_program (nobody));
}

static void
write_bytes (const char *folder, const char *bytes, size_t length)
{
  g_autofree char *path = g_build_filename (folder, "text", NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, bytes, (gssize)length, &error);
  g_assert_no_error (error);
}

static void
test_texts (void)
{
  static const struct
  {
    const char *bytes;
    size_t length;
    const char *text; /* NULL: it is refused */
  } cases[] = {
    { "a\nb\n", 4, "a\nb\n" },
    { "a\nb", 3, "a\nb" },
    { "", 0, "" },
    { "a\0", 2, "a" },
    { "a\0b", 3, NULL },
    { "a\0\0", 3, NULL },
    { "12345678", 8, "12345678" },
    { "123456789", 9, NULL },
  };
  g_autoptr (TestFolder) folder = test_folder_new ();
  int number = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_assert_null (cpd_process_read_text (number, "text", 8));
  g_assert_cmpint (errno, ==, ENOENT);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = NULL;

      write_bytes (folder, cases[i].bytes, cases[i].length);
      text = cpd_process_read_text (number, "text", 8);
      g_assert_cmpstr (text, ==, cases[i].text);
    }
  close (number);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/process/lives", test_lives);
  g_test_add_func ("/bus/process/not-named", test_not_named);
  g_test_add_func ("/bus/process/nobody", test_nobody);
  g_test_add_func ("/bus/process/zombie", test_zombie);
  g_test_add_func ("/bus/process/number-of-another", test_number_of_another);
  g_test_add_func ("/bus/process/missing-descriptor", test_missing_descriptor);
  g_test_add_func ("/bus/process/label", test_label);
  g_test_add_func ("/bus/process/program", test_program);
  g_test_add_func ("/bus/process/texts", test_texts);
  return g_test_run ();
}
