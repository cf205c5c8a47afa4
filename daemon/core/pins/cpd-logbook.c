/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sightings of all layers, in memory and on disk. What is new is written, in a thread, an hour
 * later, and when the service ends; so a crash loses at most an hour. A file that is missing, torn
 * or unreadable means that nothing is known: that must never be an error, and no verdict may depend
 * on what is here. */

#include "config.h"

#include "daemon/core/pins/cpd-logbook.h"

#include "daemon/core/pins/cpd-account.h"
#include "daemon/core/pins/cpd-durable.h"
#include "daemon/core/pins/cpd-generations.h"
#include "daemon/core/pins/cpd-pin-advice.h"
#include "daemon/core/pins/cpd-pin-file.h"
#include "daemon/core/pins/cpd-pin-folder.h"
#include "daemon/core/pins/cpd-sighting-file.h"

#include <fcntl.h>
#include <unistd.h>

#define WARN_AGAIN_S (24 * 60 * 60)

/* With a write an hour, this is at most once a day. */
#define TELL_EVERY 24

/* One layer: of one user or app, for their pins. */
typedef struct
{
  CpdSightings *sightings;
  char *folder; /* where its file is; NULL: in memory only */
  const char *name;
  gboolean makes_folder; /* it may be the first to write there */
  gboolean dirty;
} Section;

struct _CpdLogbook
{
  GObject parent;

  CpdStateDir *dir; /* NULL: nothing is kept on disk */
  unsigned int write_s;
  Section *files, *system;
  CpdApps *apps;
  GHashTable *users; /* CpdOwner → Section: of users and apps */
  unsigned int timer;
  GArray *forgotten;     /* of CpdOwner: while it writes */
  gboolean busy, again;  /* it writes; it writes once more after that */
  unsigned int failures; /* how often, one after the other, it could not be written */
};

G_DEFINE_FINAL_TYPE (CpdLogbook, cpd_logbook, G_TYPE_OBJECT)

enum
{
  KEY_SEEN,
  WARNS,
  FAILED,
  RECOVERED,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

/* `folder`: (nullable) (transfer full) */
static Section *
section_new (char *folder, const char *name)
{
  Section *section = g_new0 (Section, 1);

  section->sightings = cpd_sightings_new (CPD_SIGHTINGS_MAX);
  section->folder = folder;
  section->name = name;
  return section;
}

static void
section_free (gpointer data)
{
  Section *section = data;

  cpd_sightings_free (section->sightings);
  g_free (section->folder);
  g_free (section);
}

static void
cpd_logbook_finalize (GObject *object)
{
  CpdLogbook *logbook = CPD_LOGBOOK (object);

  g_clear_handle_id (&logbook->timer, g_source_remove);
  cpd_state_dir_unref (logbook->dir);
  cpd_apps_unref (logbook->apps);
  section_free (logbook->files);
  section_free (logbook->system);
  g_hash_table_unref (logbook->users);
  g_array_unref (logbook->forgotten);
  G_OBJECT_CLASS (cpd_logbook_parent_class)->finalize (object);
}

static void
cpd_logbook_class_init (CpdLogbookClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_logbook_finalize;
  signals[KEY_SEEN]
      = g_signal_new ("key-seen", CPD_TYPE_LOGBOOK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 3, G_TYPE_UINT64, G_TYPE_POINTER, G_TYPE_POINTER);
  signals[WARNS] = g_signal_new ("warns", CPD_TYPE_LOGBOOK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 3, G_TYPE_UINT64, G_TYPE_POINTER, G_TYPE_POINTER);
  signals[FAILED] = g_signal_new ("failed", CPD_TYPE_LOGBOOK, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[RECOVERED] = g_signal_new ("recovered", CPD_TYPE_LOGBOOK, G_SIGNAL_RUN_LAST, 0, NULL,
                                     NULL, NULL, G_TYPE_NONE, 0);
}

static void
cpd_logbook_init (CpdLogbook *logbook)
{
  logbook->users = cpd_owner_table_new (section_free);
  logbook->forgotten = g_array_new (FALSE, FALSE, sizeof (CpdOwner));
}

/* `dir`: (nullable). `write_s`: seconds from what is new to the next write. */
CpdLogbook *
cpd_logbook_new (CpdStateDir *dir, CpdApps *apps, unsigned int write_s)
{
  CpdLogbook *logbook = g_object_new (CPD_TYPE_LOGBOOK, NULL);

  logbook->dir = dir != NULL ? cpd_state_dir_ref (dir) : NULL;
  logbook->apps = cpd_apps_ref (apps);
  logbook->write_s = write_s;
  logbook->files = section_new (g_strdup ("system"), "sightings-of-files");
  logbook->files->makes_folder = TRUE;
  logbook->system = section_new (g_strdup ("system"), CPD_SIGHTING_FILE_NAME);
  return logbook;
}

/* Returns: (transfer none) (nullable) */
static Section *
find_section (CpdLogbook *logbook, CpdLayer layer, CpdOwner owner)
{
  if (layer == CPD_LAYER_FILES)
    return logbook->files;
  if (layer == CPD_LAYER_SYSTEM)
    return logbook->system;
  return cpd_owner_table_get (logbook->users, cpd_apps_find_owner (logbook->apps, layer, owner));
}

/* Returns: (transfer none): made if there is none */
static Section *
get_section (CpdLogbook *logbook, CpdLayer layer, CpdOwner owner)
{
  Section *section = find_section (logbook, layer, owner);

  if (section != NULL)
    return section;
  owner = cpd_apps_find_owner (logbook->apps, layer, owner);
  section = section_new (cpd_apps_make_folder (logbook->apps, owner), CPD_SIGHTING_FILE_NAME);
  cpd_owner_table_set (logbook->users, owner, section);
  return section;
}

/* Returns: (transfer full) (nullable): NULL without error if there is no file */
static GPtrArray *
read_file (CpdLogbook *logbook, const Section *section, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GBytes) text = NULL;
  int fd = cpd_state_dir_lookup (logbook->dir, section->folder, &reason);

  if (fd >= 0 && faccessat (fd, section->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    text = cpd_pin_folder_read_file (fd, section->name, &reason);
  if (fd >= 0)
    close (fd);
  if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  return text != NULL ? cpd_sighting_file_parse (text, error) : NULL;
}

/* Takes what is on disk of the keys that are still pinned. Blocks: call it before the service is
 * up, when the pins are loaded. `table`: of which layer. `problems`: of char *: gets a sentence if
 * the file cannot be read. */
void
cpd_logbook_load (CpdLogbook *logbook, CpdOwner owner, CpdPinTable *table, GPtrArray *problems)
{
  Section *section = get_section (logbook, cpd_pin_table_get_layer (table), owner);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = NULL;

  if (logbook->dir == NULL || section->folder == NULL)
    return;
  found = read_file (logbook, section, &error);
  for (unsigned int i = 0; found != NULL && i < found->len; i++)
    cpd_sightings_set (section->sightings, cpd_sighting_ref (found->pdata[i]));
  cpd_sightings_retain_all (section->sightings, table);
  if (error != NULL)
    {
      g_autofree char *folder = cpd_state_dir_build_path (logbook->dir, section->folder);

      g_ptr_array_add (problems,
                       g_strdup_printf ("‘%s/%s’ cannot be read, so it is not known when keys were "
                                        "last seen at servers: %s",
                                        folder, section->name, error->message));
    }
}

static gboolean
on_time (gpointer user_data)
{
  CpdLogbook *logbook = user_data;

  logbook->timer = 0;
  cpd_logbook_write (logbook);
  return G_SOURCE_REMOVE;
}

static void
schedule (CpdLogbook *logbook)
{
  if (logbook->timer == 0)
    logbook->timer = g_timeout_add_seconds (logbook->write_s, on_time, logbook);
}

static void
mark (CpdLogbook *logbook, Section *section)
{
  if (logbook->dir == NULL || section->folder == NULL)
    return;
  section->dirty = TRUE;
  schedule (logbook);
}

/* `owner`: for whom it applies.
 * Returns: (transfer none) (nullable): what is known of a pin that is in force */
CpdSighting *
cpd_logbook_lookup (CpdLogbook *logbook, CpdOwner owner, const CpdPin *pin)
{
  Section *section = find_section (logbook, pin->layer, owner);

  return section != NULL ? cpd_sightings_lookup (section->sightings, pin->host) : NULL;
}

static void
warn (CpdLogbook *logbook, CpdOwner owner, CpdPin *pin, CpdSighting *sighting)
{
  g_auto (GStrv) warnings = NULL;

  if (sighting->warned <= sighting->seen && sighting->seen - sighting->warned < WARN_AGAIN_S)
    return;
  warnings = cpd_pin_advice (pin, sighting, sighting->seen);
  if (warnings == NULL)
    return;
  sighting->warned = sighting->seen;
  g_signal_emit (logbook, signals[WARNS], 0, cpd_apps_find_owner (logbook->apps, pin->layer, owner),
                 pin, warnings);
}

static void
tell_new_keys (CpdLogbook *logbook, CpdOwner owner, CpdPin *pin, GPtrArray *keys)
{
  for (unsigned int i = 0; i < keys->len; i++)
    g_signal_emit (logbook, signals[KEY_SEEN], 0,
                   cpd_apps_find_owner (logbook->apps, pin->layer, owner), pin, keys->pdata[i]);
}

/* Returns: (transfer full): of CertpinKey: those of the observation that were never seen before */
static GPtrArray *
list_new_keys (const CpdSighting *old, const CpdObservation *observation)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);

  for (unsigned int i = 0; i < observation->keys->len; i++)
    if (old == NULL || cpd_sighting_find_key (old, observation->keys->pdata[i]) == NULL)
      g_ptr_array_add (keys, certpin_key_ref (observation->keys->pdata[i]));
  return keys;
}

/* A server has passed by a pin that is in force, which may be one that only reports.
 * Returns: (transfer none): what is known now */
CpdSighting *
cpd_logbook_note (CpdLogbook *logbook, CpdOwner owner, CpdPin *pin,
                  const CpdObservation *observation)
{
  Section *section = get_section (logbook, pin->layer, owner);
  const CpdSighting *old = cpd_sightings_lookup (section->sightings, pin->host);
  g_autoptr (GPtrArray) new_keys = list_new_keys (old, observation);
  CpdSighting *sighting = cpd_sighting_observe (old, pin, observation);

  cpd_sightings_set (section->sightings, sighting);
  mark (logbook, section);
  tell_new_keys (logbook, owner, pin, new_keys);
  warn (logbook, owner, pin, sighting);
  return sighting;
}

/* The pin of a host has changed. `pin`: (nullable): NULL: it was removed. */
void
cpd_logbook_retain (CpdLogbook *logbook, CpdLayer layer, CpdOwner owner, CpdHost *host,
                    const CpdPin *pin)
{
  Section *section = find_section (logbook, layer, owner);

  if (section != NULL && cpd_sightings_retain (section->sightings, host, pin))
    mark (logbook, section);
}

/* All pins of a layer, which is not the users', may have changed. */
void
cpd_logbook_retain_all (CpdLogbook *logbook, CpdLayer layer, CpdPinTable *table)
{
  Section *section = find_section (logbook, layer, CPD_ALL_UIDS);

  if (cpd_sightings_retain_all (section->sightings, table))
    mark (logbook, section);
}

/* An app, or a connection, is known no more. */
void
cpd_logbook_forget (CpdLogbook *logbook, CpdOwner owner)
{
  if (logbook->busy) /* with its section, perhaps */
    g_array_append_val (logbook->forgotten, owner);
  else
    g_hash_table_remove (logbook->users, &owner);
}

/* One file that is to be written. The thread has it alone. */
typedef struct
{
  Section *section; /* not of the thread */
  char *folder;
  const char *name;
  gboolean makes_folder;
  GPtrArray *sightings;
  gboolean failed;
} Job;

typedef struct
{
  CpdStateDir *dir;
  GPtrArray *jobs; /* of Job */
} Writing;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->folder);
  g_ptr_array_unref (job->sightings);
  g_free (job);
}

static void
writing_free (gpointer data)
{
  Writing *writing = data;

  cpd_state_dir_unref (writing->dir);
  g_ptr_array_unref (writing->jobs);
  g_free (writing);
}

/* The folder of pins that are gone is not made again. */
static gboolean
write_file (CpdStateDir *dir, const Job *job, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autofree char *folder = cpd_state_dir_build_path (dir, job->folder);
  g_autofree char *path = g_build_filename (folder, job->name, NULL);
  g_autoptr (GBytes) text = cpd_sighting_file_print (job->sightings, CPD_PIN_FILE_MAX_BYTES);
  int fd = job->makes_folder ? cpd_state_dir_make (dir, job->folder, &reason)
                             : cpd_state_dir_lookup (dir, job->folder, &reason);
  const CpdDurableFile file = { fd, job->name, path };

  if (fd >= 0)
    {
      cpd_durable_replace (&file, text, &reason);
      close (fd);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* The first failure is told; the other files are written all the same. */
static void
write_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Writing *writing = task_data;
  GError *first = NULL;

  for (unsigned int i = 0; i < writing->jobs->len; i++)
    {
      Job *job = writing->jobs->pdata[i];

      job->failed = !write_file (writing->dir, job, first == NULL ? &first : NULL);
    }
  if (first != NULL)
    g_task_return_error (task, first);
  else
    g_task_return_boolean (task, TRUE);
}

/* It is tried again every hour: to tell of each failure would fill the journal. `error`:
 * (nullable) */
static void
tell_how_it_went (CpdLogbook *logbook, const GError *error)
{
  unsigned int before = logbook->failures;

  logbook->failures = error != NULL ? before + 1 : 0;
  if (error != NULL && before % TELL_EVERY == 0)
    g_signal_emit (logbook, signals[FAILED], 0, error->message);
  else if (error == NULL && before > 0)
    g_signal_emit (logbook, signals[RECOVERED], 0);
}

/* Back on the main loop. What could not be written is tried again with what is new by then. */
static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdLogbook *logbook = CPD_LOGBOOK (source);
  const Writing *writing = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  gboolean again = logbook->again;

  logbook->busy = logbook->again = FALSE;
  g_task_propagate_boolean (G_TASK (result), &error);
  for (unsigned int i = 0; i < writing->jobs->len; i++)
    {
      const Job *job = writing->jobs->pdata[i];

      if (job->failed)
        mark (logbook, job->section);
    }
  for (unsigned int i = 0; i < logbook->forgotten->len; i++)
    g_hash_table_remove (logbook->users, &g_array_index (logbook->forgotten, CpdOwner, i));
  g_array_set_size (logbook->forgotten, 0);
  tell_how_it_went (logbook, error);
  if (error == NULL && again)
    cpd_logbook_write (logbook);
}

static void
add_job (GPtrArray *jobs, Section *section)
{
  Job *job;

  if (!section->dirty)
    return;
  section->dirty = FALSE;
  job = g_new0 (Job, 1);
  job->section = section;
  job->folder = g_strdup (section->folder);
  job->name = section->name;
  job->makes_folder = section->makes_folder;
  job->sightings = cpd_sightings_list (section->sightings);
  g_ptr_array_add (jobs, job);
}

/* Returns: (transfer full): of Job */
static GPtrArray *
list_jobs (CpdLogbook *logbook)
{
  GPtrArray *jobs = g_ptr_array_new_with_free_func (job_free);
  GHashTableIter iter;
  gpointer section;

  add_job (jobs, logbook->files);
  add_job (jobs, logbook->system);
  g_hash_table_iter_init (&iter, logbook->users);
  while (g_hash_table_iter_next (&iter, NULL, &section))
    add_job (jobs, section);
  return jobs;
}

/* Writes what is new, now: by itself, it is done a while after something is new. */
void
cpd_logbook_write (CpdLogbook *logbook)
{
  g_autoptr (GPtrArray) jobs = NULL;
  g_autoptr (GTask) task = NULL;
  Writing *writing;

  logbook->again = logbook->busy;
  if (logbook->busy || logbook->dir == NULL)
    return;
  g_clear_handle_id (&logbook->timer, g_source_remove);
  jobs = list_jobs (logbook);
  if (jobs->len == 0)
    return;
  writing = g_new0 (Writing, 1);
  writing->dir = cpd_state_dir_ref (logbook->dir);
  writing->jobs = g_steal_pointer (&jobs);
  logbook->busy = TRUE;
  task = g_task_new (logbook, NULL, on_written, NULL);
  g_task_set_task_data (task, writing, writing_free);
  g_task_run_in_thread (task, write_in_thread);
}

gboolean
cpd_logbook_is_busy (CpdLogbook *logbook)
{
  return logbook->busy;
}
