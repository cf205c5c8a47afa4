/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One change of a pin on its way to the disk, in a thread. It has all that it needs, and what it
 * shares with the main loop does not change meanwhile. */

#include "config.h"

#include "daemon/core/pins/cpd-change.h"

#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/pins/cpd-account.h"
#include "daemon/core/pins/cpd-app-folder.h"
#include "daemon/core/pins/cpd-durable.h"
#include "daemon/core/pins/cpd-pin-file.h"

#include <unistd.h>

void
cpd_change_free (gpointer data)
{
  CpdChange *change = data;

  cpd_host_unref (change->host);
  cpd_pin_unref (change->pin);
  cpd_pin_unref (change->old);
  cpd_pin_edit_unref (change->edit);
  cpd_state_dir_unref (change->dir);
  g_free (change->folder);
  g_free (change->name);
  g_free (change);
}

/* What is written must be read again after the next start. */
static gboolean
check_text (CpdChange *change, GBytes *text, const char *account, GError **error)
{
  const CpdPinFileContext context
      = { .layer = change->layer, .source = change->name, .account = account };
  g_autoptr (GPtrArray) hosts = NULL, pins = NULL;

  if (g_bytes_get_size (text) <= CPD_PIN_FILE_MAX_BYTES)
    pins = cpd_pin_file_parse (text, &context, &hosts, error);
  if (pins != NULL && pins->len == 1 && cpd_pin_says_the_same (pins->pdata[0], change->pin))
    return TRUE;
  if (error != NULL && *error != NULL)
    return FALSE;
  return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED,
                     "the pin of ‘%s’ cannot be stored; leave out unusual text",
                     cpd_host_get_text (change->host));
}

/* Returns: (transfer full): what is to be in the file */
static GBytes *
print_text (CpdChange *change, GError **error)
{
  g_autofree char *account = NULL;
  g_autoptr (GBytes) text = NULL;

  if (change->owner != CPD_ALL_UIDS
      && (account = cpd_account_look_up (cpd_owner_get_uid (change->owner), error)) == NULL)
    return NULL;
  text = cpd_pin_file_print (change->pin, account);
  change->written_bytes = (guint32)g_bytes_get_size (text);
  return check_text (change, text, account, error) ? g_steal_pointer (&text) : NULL;
}

/* Only who has the lock may change anything; one that could not be had at the start is tried for
 * once more.
 * Returns: the folder, to be closed; -1: it is not there, or with `error` set */
static int
open_folder (CpdChange *change, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (!cpd_state_dir_lock (change->dir, /* most_ms= */ 0, NULL, &reason))
    {
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, reason->message);
      return -1;
    }
  return change->pin != NULL ? cpd_state_dir_make (change->dir, change->folder, error)
                             : cpd_state_dir_lookup (change->dir, change->folder, error);
}

/* Makes the change on disk, where there is a folder. Blocks: for a thread.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_change_write (CpdChange *change, GError **error)
{
  g_autoptr (GBytes) text = change->pin != NULL ? print_text (change, error) : NULL;
  g_autofree char *folder = cpd_state_dir_build_path (change->dir, change->folder);
  g_autofree char *path = g_build_filename (folder, change->name, NULL);
  CpdDurableFile file = { .name = change->name, .path = path };
  GError *reason = NULL;
  gboolean done;

  if (change->pin != NULL && text == NULL)
    return FALSE;
  file.folder_fd = open_folder (change, &reason);
  if (file.folder_fd < 0)
    {
      if (reason != NULL)
        g_propagate_error (error, reason);
      return reason == NULL; /* nothing is there to be removed */
    }
  done = text != NULL ? cpd_durable_write (&file, text, &change->uncertain, error)
                      : cpd_durable_remove (&file, &change->uncertain, error);
  close (file.folder_fd);
  if (done && change->is_last)
    cpd_app_folder_tidy (change->dir, change->folder);
  return done;
}
