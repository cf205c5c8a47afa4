/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the kernel and the bus say of one process. NULL: it could not be read. */
typedef struct
{
  const char *cgroup; /* the files of /proc/PID by these names … */
  const char *status;
  const char *uid_map;
  const char *mountinfo;   /* only if it is worth reading */
  const char *label;       /* … attr/current; "": this system labels no processes */
  const char *bus_label;   /* LinuxSecurityLabel; "": the bus did not name one */
  const char *init_status; /* of PID 1, which is not in a sandbox */
  const char *init_uid_map;
} CpdEvidence;

typedef enum
{
  CPD_CONFINEMENT_REFUSED, /* it may be in a sandbox, but the app is unknown */
  CPD_CONFINEMENT_APP, /* a sandboxed app, by name: “flatpak:org.example.App”, “snap:demo” */
  CPD_CONFINEMENT_NONE, /* its user's own program */
} CpdConfinement;

CpdConfinement cpd_confinement_judge (const CpdEvidence *evidence, char **text);
char *cpd_confinement_find_group (const char *cgroup);
gboolean cpd_confinement_has_pid_namespace (const char *status);
size_t cpd_confinement_mounts_max_bytes (const CpdEvidence *evidence);

G_END_DECLS
