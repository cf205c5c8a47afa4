/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads entries of systemd's journal. journalctl does that, with the rights of the caller: it
 * decides what they may read. Its export format has a field on each line, NAME=VALUE; a value that
 * is no plain text is NAME, its length in 8 bytes (the least significant first) and the bytes. An
 * empty line ends an entry. */

#define _GNU_SOURCE /* memfd_create() */

#include "config.h"

#include "certpinctl-journal.h"

#include <glib/gi18n.h>

#include <certpin.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* No field of the service is as long; it is not taken from what is no journal. */
#define VALUE_MAX_BYTES (1024 * 1024)

#define COMPLAINT_MAX_BYTES 4096

/* What is written for people begins so; no field does. */
#define REMARK "-- "

struct _CtlJournal
{
  GSubprocess *program;
  GDataInputStream *entries;
  int complaints; /* a file in memory, with what it writes to standard error */
};

/* `arguments`: of journalctl, which ends by itself when nobody reads its output. */
CtlJournal *
ctl_journal_open (const char *const *arguments, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) reason = NULL;
  int complaints = memfd_create ("complaints", MFD_CLOEXEC);
  GSubprocess *program;
  CtlJournal *journal;

  if (complaints >= 0)
    g_subprocess_launcher_take_stderr_fd (launcher, dup (complaints));
  program = g_subprocess_launcher_spawnv (launcher, arguments, &reason);
  if (program == NULL)
    {
      if (complaints >= 0)
        close (complaints);
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                   _ ("the journal of systemd cannot be read without ‘%s’: %s"), arguments[0],
                   reason->message);
      return NULL;
    }
  journal = g_new0 (CtlJournal, 1);
  journal->program = program;
  journal->entries = g_data_input_stream_new (g_subprocess_get_stdout_pipe (program));
  journal->complaints = complaints;
  g_data_input_stream_set_byte_order (journal->entries, G_DATA_STREAM_BYTE_ORDER_LITTLE_ENDIAN);
  return journal;
}

void
ctl_journal_close (CtlJournal *journal)
{
  g_object_unref (journal->entries);
  g_object_unref (journal->program);
  if (journal->complaints >= 0)
    close (journal->complaints);
  g_free (journal);
}

/* Returns: (transfer full): the lines that it has written to standard error, as one; it may be
 * empty */
char *
ctl_journal_read_complaints (const CtlJournal *journal)
{
  char text[COMPLAINT_MAX_BYTES + 1];
  ssize_t length = pread (journal->complaints, text, COMPLAINT_MAX_BYTES, 0);

  text[MAX (length, 0)] = '\0';
  return g_strdelimit (g_strdup (g_strstrip (text)), "\n", ' ');
}

/* Returns: FALSE if it failed */
static gboolean
check_end (CtlJournal *journal, GError **error)
{
  g_autofree char *complaints = NULL;

  if (g_subprocess_wait_check (journal->program, NULL, NULL))
    return TRUE;
  complaints = ctl_journal_read_complaints (journal);
  if (strstr (complaints, "permission") != NULL)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED,
                 _ ("the journal of the system is only for root and the members of the groups "
                    "systemd-journal and adm (%s); use sudo, or become a member"),
                 complaints);
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "journalctl failed: %s",
                 *complaints != '\0' ? complaints : _ ("it does not say why"));
  return FALSE;
}

/* Returns: (transfer full) (nullable): NULL: it ends too early, or is too long */
static char *
read_bytes (GDataInputStream *stream)
{
  guint64 length = g_data_input_stream_read_uint64 (stream, NULL, NULL);
  g_autofree char *value = length <= VALUE_MAX_BYTES ? g_malloc0 (length + 1) : NULL;
  gsize got = 0;

  if (value == NULL
      || !g_input_stream_read_all (G_INPUT_STREAM (stream), value, length, &got, NULL, NULL)
      || got < length || g_data_input_stream_read_byte (stream, NULL, NULL) != '\n')
    return NULL;
  return g_steal_pointer (&value);
}

/* `line`: the beginning of a field. */
static gboolean
take_field (CtlJournal *journal, GHashTable *entry, const char *line)
{
  const char *equals = strchr (line, '=');
  char *value = equals != NULL ? g_strdup (equals + 1) : read_bytes (journal->entries);

  if (value == NULL)
    return FALSE;
  g_hash_table_replace (
      entry, equals != NULL ? g_strndup (line, (gsize)(equals - line)) : g_strdup (line), value);
  return TRUE;
}

/* Waits for the next entry. Values are bytes, maybe not UTF-8.
 * Returns: (transfer full) (nullable): name → value; NULL without error: that were all */
GHashTable *
ctl_journal_read (CtlJournal *journal, GError **error)
{
  g_autoptr (GHashTable) entry = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  while (TRUE)
    {
      g_autofree char *line = g_data_input_stream_read_line (journal->entries, NULL, NULL, NULL);

      if (line == NULL && g_hash_table_size (entry) == 0)
        {
          check_end (journal, error);
          return NULL;
        }
      if (line != NULL && g_str_has_prefix (line, REMARK) && g_hash_table_size (entry) == 0)
        continue;
      if (line != NULL && *line == '\0' && g_hash_table_size (entry) > 0)
        return g_steal_pointer (&entry);
      if (line == NULL || (*line != '\0' && !take_field (journal, entry, line)))
        {
          g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                               "journalctl has ended in the middle of an entry, or printed what is "
                               "none");
          return NULL;
        }
    }
}
