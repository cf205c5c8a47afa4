/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds what the kernel says of a process, field by field, to the rule by which it is its user's
 * own program or an app: an app has a name that can be shown, and a sign more makes nobody the
 * former. */

#include "config.h"

#include "daemon/bus/cpd-confinement.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

/* The next text, up to a NUL or the end. */
static const char *
take_text (const char **rest, const char *end)
{
  const char *text = *rest;

  *rest = MIN (text + strlen (text) + 1, end);
  return text;
}

static CpdConfinement
judge (const CpdEvidence *evidence)
{
  g_autofree char *text = NULL;
  CpdConfinement confinement = cpd_confinement_judge (evidence, &text);

  if ((confinement == CPD_CONFINEMENT_NONE) != (text == NULL))
    abort ();
  if (confinement == CPD_CONFINEMENT_APP
      && (strlen (text) > strlen ("flatpak:") + 255
          || text[strspn (text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-.:")] != '\0'))
    abort ();
  return confinement;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree char *texts = g_strndup ("", size); /* all NUL */
  const char *rest = memcpy (texts, data, size), *end = texts + size;
  CpdEvidence evidence = { .cgroup = take_text (&rest, end),
                           .status = take_text (&rest, end),
                           .uid_map = take_text (&rest, end),
                           .mountinfo = take_text (&rest, end),
                           .label = take_text (&rest, end),
                           .bus_label = take_text (&rest, end),
                           .init_status = take_text (&rest, end),
                           .init_uid_map = take_text (&rest, end) };
  CpdConfinement confinement = judge (&evidence);
  g_autofree char *scope = g_strconcat (evidence.cgroup, "/app-flatpak-a.b.C-1.scope", NULL);

  if ((cpd_confinement_mounts_max_bytes (&evidence) == 0) && confinement != CPD_CONFINEMENT_REFUSED)
    {
      evidence.mountinfo = NULL; /* it says nothing */
      if (judge (&evidence) != confinement)
        abort ();
    }
  evidence.cgroup = scope;
  if (judge (&evidence) == CPD_CONFINEMENT_NONE)
    abort ();
  return 0;
}
