/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides whether a caller is its user's own program, or a sandboxed app: such an app has its
 * user's uid, but not that user's rights. A sign of a sandbox only takes rights away, so nobody
 * gains by forging one. A caller that cannot be examined is refused. This file reads no files. */

#include "config.h"

#include "daemon/bus/cpd-confinement.h"

#include "daemon/core/base/cpd-app.h"

#include <string.h>

typedef struct
{
  char *app;           /* (nullable): the app that the signs name so far */
  const char *refusal; /* (nullable): the first reason why it cannot be decided */
} Judgement;

static void
refuse (Judgement *judgement, const char *clause)
{
  if (judgement->refusal == NULL)
    judgement->refusal = clause;
}

/* `app`: (transfer full) (nullable): NULL: the sign cannot be read */
static void
take_name (Judgement *judgement, char *app)
{
  g_autofree char *name = app;

  if (name == NULL)
    refuse (judgement, "the name of its sandbox cannot be read");
  else if (judgement->app == NULL)
    judgement->app = g_steal_pointer (&name);
  else if (!g_str_equal (judgement->app, name))
    refuse (judgement, "the signs of its sandbox contradict each other");
}

/* The value of a field of /proc/PID/status.
 * Returns: (transfer full) (nullable): NULL: the field does not occur exactly once, or is empty */
static char *
find_field (const char *status, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (status, "\n", -1);
  g_autofree char *value = NULL;

  for (unsigned int i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], name) && lines[i][strlen (name)] == ':')
      {
        if (value != NULL)
          return NULL;
        value = g_strstrip (g_strdup (lines[i] + strlen (name) + 1));
      }
  return value != NULL && *value != '\0' ? g_steal_pointer (&value) : NULL;
}

/* The process's control group from systemd: the unified one, or that of systemd's own hierarchy. A
 * line of /proc/PID/cgroup is NUMBER:CONTROLLERS:PATH.
 * Returns: (transfer full): "": none */
char *
cpd_confinement_find_group (const char *cgroup)
{
  g_auto (GStrv) lines = g_strsplit (cgroup, "\n", -1);
  const char *unified = "", *named = "";

  for (unsigned int i = 0; lines[i] != NULL; i++)
    {
      const char *controllers = lines[i] + strspn (lines[i], G_CSET_DIGITS);

      if (g_str_has_prefix (lines[i], "0::/"))
        unified = lines[i] + strlen ("0::");
      else if (g_str_has_prefix (controllers, ":name=systemd:/"))
        named = controllers + strlen (":name=systemd:");
    }
  return g_strdup (strlen (unified) > 1 ? unified : named);
}

/* A service of the system's systemd: root has set up its sandbox. */
static gboolean
is_system_service (const char *group)
{
  g_auto (GStrv) folders = g_strsplit (group, "/", -1);
  unsigned int count = g_strv_length (folders);

  if (count < 3 || g_str_equal (folders[1], "user.slice"))
    return FALSE;
  for (unsigned int i = 1; i + 1 < count; i++)
    if (!g_str_has_suffix (folders[i], ".slice"))
      return FALSE;
  return g_str_has_suffix (folders[count - 1], ".service");
}

/* Decodes systemd's escapes in names of units, such as “\x2d”.
 * Returns: (transfer full) (nullable) */
static char *
unescape (const char *text)
{
  g_autoptr (GString) plain = g_string_new (NULL);

  for (const char *c = text; *c != '\0'; c++)
    {
      int high, low;

      if (*c != '\\')
        {
          g_string_append_c (plain, *c);
          continue;
        }
      if (c[1] != 'x' || (high = g_ascii_xdigit_value (c[2])) < 0
          || (low = g_ascii_xdigit_value (c[3])) < 0 || high + low == 0)
        return NULL;
      g_string_append_c (plain, (char)(high * 16 + low));
      c += 3;
    }
  return g_string_free (g_steal_pointer (&plain), FALSE);
}

/* `scope`: [app-]flatpak-ID-INSTANCE.scope. Returns: (transfer full) (nullable) */
static char *
app_of_flatpak_scope (const char *scope)
{
  const char *id = strstr (scope, "flatpak-") + strlen ("flatpak-");
  const char *dash = strrchr (scope, '-');
  g_autofree char *escaped = NULL, *plain = NULL;

  if (dash < id || strspn (dash + 1, G_CSET_DIGITS) == 0
      || !g_str_equal (dash + 1 + strspn (dash + 1, G_CSET_DIGITS), ".scope"))
    return NULL;
  escaped = g_strndup (id, (size_t)(dash - id));
  plain = unescape (escaped);
  return plain != NULL ? cpd_app_make_flatpak (plain) : NULL;
}

/* `text`: snap.NAME.REST. Returns: (transfer full) (nullable) */
static char *
app_of_snap (const char *text)
{
  const char *name = text + strlen ("snap.");
  const char *dot = strchr (name, '.');
  g_autofree char *plain = dot != NULL ? g_strndup (name, (size_t)(dot - name)) : NULL;

  return plain != NULL ? cpd_app_make_snap (plain) : NULL;
}

static const char unconfined_snap[] = "it is a snap that AppArmor does not confine";

/* AppArmor's, which a process cannot give itself: “snap.NAME.APP (enforce)”. */
static void
judge_label (Judgement *judgement, const char *label)
{
  if (strstr (label, "//&snap.") != NULL)
    take_name (judgement, NULL); /* several profiles at once */
  else if (g_str_has_prefix (label, "snap.") && !g_str_has_suffix (label, " (enforce)"))
    refuse (judgement, unconfined_snap);
  else if (g_str_has_prefix (label, "snap."))
    take_name (judgement, app_of_snap (label));
}

/* `folder`: one of a control group's path */
static void
judge_folder (Judgement *judgement, const char *folder)
{
  gboolean flatpak
      = g_str_has_prefix (folder, "app-flatpak-") || g_str_has_prefix (folder, "flatpak-");

  if (flatpak && !g_str_has_suffix (folder, ".service")) /* Flatpak's own services are no apps */
    take_name (judgement, app_of_flatpak_scope (folder));
  else if (g_str_has_prefix (folder, "snap.") && judgement->app == NULL)
    refuse (judgement, unconfined_snap);
  else if (g_str_has_prefix (folder, "snap."))
    take_name (judgement, app_of_snap (folder));
}

/* In all hierarchies. */
static void
judge_groups (Judgement *judgement, const char *cgroup)
{
  g_auto (GStrv) folders = g_strsplit_set (cgroup, "/\n", -1);

  for (unsigned int i = 0; folders[i] != NULL; i++)
    judge_folder (judgement, folders[i]);
}

/* `root`: what Flatpak mounts as an app's files: …/app/ID/ARCH/BRANCH/COMMIT/files.
 * Returns: (transfer full) (nullable) */
static char *
app_of_files (const char *root)
{
  g_auto (GStrv) folders = g_strsplit (root, "/", -1);
  unsigned int count = g_strv_length (folders);

  if (count < 6 || !g_str_equal (folders[count - 1], "files")
      || !g_str_equal (folders[count - 6], "app"))
    return NULL;
  return g_strconcat ("flatpak:", folders[count - 5], NULL);
}

/* `root`: what is mounted, as a path in its file system; `point`: where */
static void
judge_mount (Judgement *judgement, const char *root, const char *point)
{
  /* An app may mount another /app; that of Flatpak is then at /run/parent. */
  gboolean files = g_str_equal (point, "/app") || g_str_equal (point, "/run/parent/app");
  char *app = files && judgement->app != NULL ? app_of_files (root) : NULL;

  if (app != NULL)
    take_name (judgement, app);
  else if (judgement->app == NULL && g_str_equal (root, "/newroot") && g_str_equal (point, "/"))
    refuse (judgement, "it runs in a bubblewrap sandbox, such as Flatpak's");
}

/* The fourth and the fifth field of each line; see proc(5). */
static void
judge_mounts (Judgement *judgement, const char *mountinfo)
{
  g_auto (GStrv) lines = g_strsplit (mountinfo, "\n", -1);

  for (unsigned int i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], " ", 6);

      if (g_strv_length (fields) == 6)
        judge_mount (judgement, fields[3], fields[4]);
    }
}

/* Returns: (transfer full): the words of a text, with one space between them */
static char *
squeeze (const char *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
  unsigned int count = 0;

  for (unsigned int i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0')
      words[count++] = words[i];
    else
      g_free (words[i]);
  words[count] = NULL;
  return g_strjoinv (" ", words);
}

/* Whether the process is in the user namespace of PID 1, or in one that root made: nobody else can
 * map root. */
static gboolean
has_users_of_system (const char *uid_map, const char *init_uid_map)
{
  g_autofree char *own = squeeze (uid_map), *init = squeeze (init_uid_map);

  return g_str_equal (own, init) || g_str_has_prefix (own, "0 0 ");
}

/* bubblewrap and other sandboxes set the flag for every process that they start. */
static gboolean
has_no_new_privileges (const char *status)
{
  g_autofree char *flag = find_field (status, "NoNewPrivs");

  return !g_str_equal (flag, "0");
}

/* `status`: of /proc/PID. Whether the process has a number in a namespace of its own. */
gboolean
cpd_confinement_has_pid_namespace (const char *status)
{
  g_autofree char *pids = find_field (status, "NSpid");

  return pids != NULL && strpbrk (pids, " \t") != NULL;
}

/* The signs of a sandbox without the name of an app. */
static void
judge_unnamed (Judgement *judgement, const CpdEvidence *evidence)
{
  g_autofree char *group = cpd_confinement_find_group (evidence->cgroup);

  if (cpd_confinement_has_pid_namespace (evidence->status))
    refuse (judgement, "it runs in its own PID namespace, as in a sandbox");
  if (!has_users_of_system (evidence->uid_map, evidence->init_uid_map))
    refuse (judgement, "it runs in its own user namespace, as in a sandbox");
  /* Where PID 1 has the flag, all have it. */
  if (has_no_new_privileges (evidence->status) && !has_no_new_privileges (evidence->init_status)
      && !is_system_service (group))
    refuse (judgement, "it runs with no_new_privs, as in a sandbox, and is not a system service");
}

static gboolean
has_fields (const char *status)
{
  g_autofree char *state = find_field (status, "State"), *pids = find_field (status, "NSpid"),
                  *flag = find_field (status, "NoNewPrivs");

  return state != NULL && *state != 'Z' && *state != 'X' && pids != NULL && flag != NULL;
}

static gboolean
is_complete (const CpdEvidence *evidence)
{
  return evidence->cgroup != NULL && evidence->uid_map != NULL && evidence->label != NULL
         && evidence->bus_label != NULL && evidence->init_uid_map != NULL
         && evidence->status != NULL && has_fields (evidence->status)
         && evidence->init_status != NULL && has_fields (evidence->init_status)
         && (evidence->mountinfo != NULL || !has_no_new_privileges (evidence->status));
}

static void
judge (Judgement *judgement, const CpdEvidence *evidence)
{
  if (!is_complete (evidence))
    {
      refuse (judgement, "the service cannot examine its process in /proc");
      return;
    }
  judge_label (judgement, evidence->bus_label);
  judge_label (judgement, evidence->label);
  judge_groups (judgement, evidence->cgroup);
  if (has_no_new_privileges (evidence->status))
    judge_mounts (judgement, evidence->mountinfo);
  if (judgement->app == NULL)
    judge_unnamed (judgement, evidence);
}

/* `text`: (out) (transfer full): the app's name, or the reason of a refusal, or NULL */
CpdConfinement
cpd_confinement_judge (const CpdEvidence *evidence, char **text)
{
  Judgement judgement = { NULL, NULL };
  g_autofree char *app = NULL;

  judge (&judgement, evidence);
  app = judgement.app;
  if (judgement.refusal != NULL)
    {
      *text = g_strdup (judgement.refusal);
      return CPD_CONFINEMENT_REFUSED;
    }
  *text = g_steal_pointer (&app);
  return *text != NULL ? CPD_CONFINEMENT_APP : CPD_CONFINEMENT_NONE;
}

/* How much of its mount table to read; 0: nothing. In a user namespace, a program can make the
 * table as long, and reading it as slow, as it likes. */
size_t
cpd_confinement_mounts_max_bytes (const CpdEvidence *evidence)
{
  if (evidence->status == NULL || evidence->uid_map == NULL || evidence->init_uid_map == NULL
      || !has_fields (evidence->status) || !has_no_new_privileges (evidence->status))
    return 0;
  return has_users_of_system (evidence->uid_map, evidence->init_uid_map) ? 16 * 1024 * 1024
                                                                         : 256 * 1024;
}
