/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may be the name of an app is what Flatpak and snapd allow: so neither “..” nor a slash. */

#include "config.h"

#include "daemon/core/base/cpd-app.h"

#include <string.h>

static gboolean
is_made_of (const char *text, const char *allowed)
{
  return *text != '\0' && text[strspn (text, allowed)] == '\0';
}

#define LETTERS G_CSET_A_2_Z G_CSET_a_2_z "_"

/* As Flatpak requires: at least three elements, a dash only in the last. */
static gboolean
is_flatpak_id (const char *id)
{
  g_auto (GStrv) elements = g_strsplit (id, ".", -1);
  unsigned int count = g_strv_length (elements);

  if (strlen (id) > 255 || count < 3)
    return FALSE;
  for (unsigned int i = 0; i < count; i++)
    if (g_ascii_isdigit (*elements[i])
        || !is_made_of (elements[i],
                        i + 1 < count ? LETTERS G_CSET_DIGITS : LETTERS G_CSET_DIGITS "-"))
      return FALSE;
  return TRUE;
}

/* As snapd requires: NAME, or NAME_KEY for one of several instances; a letter in the name. */
static gboolean
is_snap_name (const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "_", 2);

  if (parts[0] == NULL || !is_made_of (parts[0], G_CSET_a_2_z G_CSET_DIGITS "-")
      || strpbrk (parts[0], G_CSET_a_2_z) == NULL)
    return FALSE;
  return parts[1] == NULL
         || (strlen (parts[1]) <= 10 && is_made_of (parts[1], G_CSET_a_2_z G_CSET_DIGITS));
}

/* Returns: (transfer full) (nullable): NULL: Flatpak allows no such id */
char *
cpd_app_make_flatpak (const char *id)
{
  return is_flatpak_id (id) ? g_strconcat ("flatpak:", id, NULL) : NULL;
}

/* Returns: (transfer full) (nullable): NULL: snapd allows no such name */
char *
cpd_app_make_snap (const char *name)
{
  return is_snap_name (name) ? g_strconcat ("snap:", name, NULL) : NULL;
}

gboolean
cpd_app_is_valid (const char *app)
{
  if (g_str_has_prefix (app, "flatpak:"))
    return is_flatpak_id (app + strlen ("flatpak:"));
  return g_str_has_prefix (app, "snap:") && is_snap_name (app + strlen ("snap:"));
}

/* Whether it is what the name of an app begins with, up to the colon. */
gboolean
cpd_app_is_kind (const char *kind)
{
  return g_str_equal (kind, "flatpak") || g_str_equal (kind, "snap");
}
