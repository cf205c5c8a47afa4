/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the rotation of a pin's keys is, by what was seen at its server: which key is in use, which
 * wait for that, and which are not used any more. It changes nothing. */

#include "config.h"

#include "certpinctl-rotation.h"

#include "certpinctl-input.h"
#include "certpinctl-scope.h"
#include "certpinctl-time.h"

#include <glib/gi18n.h>

/* Returns: the times; 0 if it was never seen */
CtlSeen
ctl_rotation_find_seen (GVariant *pin, const char *key)
{
  g_autoptr (GVariant) all = g_variant_lookup_value (pin, "seen", G_VARIANT_TYPE ("a{s(xx)}"));
  CtlSeen seen = { 0, 0 };

  if (all != NULL)
    g_variant_lookup (all, key, "(xx)", &seen.first, &seen.last);
  return seen;
}

static GStrv
get_keys (GVariant *pin)
{
  GStrv keys = NULL;

  g_variant_lookup (pin, "keys", "^as", &keys);
  return keys;
}

/* `since`: Unix seconds. A key that was never seen waits for its use, and one that is in use must
 * remain.
 * Errors: CERTPIN_ERROR_FAILED: no key was seen since then.
 * Returns: (transfer full): the keys that were seen, but not since then */
GStrv
ctl_rotation_find_unused (GVariant *pin, gint64 since, GError **error)
{
  g_autoptr (GStrvBuilder) unused = g_strv_builder_new ();
  g_auto (GStrv) keys = get_keys (pin);
  g_autofree char *day = ctl_time_to_text (since);
  gboolean used = FALSE;

  for (size_t i = 0; keys[i] != NULL; i++)
    {
      CtlSeen seen = ctl_rotation_find_seen (pin, keys[i]);

      used = used || seen.last >= since;
      if (seen.last != 0 && seen.last < since)
        g_strv_builder_add (unused, keys[i]);
    }
  if (used)
    return g_strv_builder_end (unused);
  g_set_error (
      error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
      _ ("no key of this pin has been seen at the server since %s, so it is not known which "
         "one is in use; nothing was changed; make a request to the host first, or give an "
         "earlier date with --not-seen-since"),
      day);
  return NULL;
}

/* Returns: (transfer full): since when, or until when, it is so */
static char *
describe_key (GVariant *pin, const char *key, gint64 newest)
{
  CtlSeen seen = ctl_rotation_find_seen (pin, key);
  g_autofree char *first = ctl_time_to_text (seen.first), *last = ctl_time_to_text (seen.last);

  if (seen.last == 0)
    return g_strdup (_ ("waits, never seen at the server"));
  if (seen.last == newest)
    return g_strdup_printf (_ ("in use since %s, last seen %s"), first, last);
  return g_strdup_printf (_ ("not in use, last seen %s"), last);
}

/* A key and its state are wider than a terminal. */
static void
print_keys (Ctl *ctl, GVariant *pin, char **keys, gint64 newest)
{
  for (size_t i = 0; keys[i] != NULL; i++)
    {
      g_autofree char *state = describe_key (pin, keys[i], newest);

      ctl_print_line (&ctl->out, "%s", keys[i]);
      ctl_print_line (&ctl->out, "  %s", state);
    }
}

static gint64
get_newest (GVariant *pin)
{
  gint64 newest = 0;

  g_variant_lookup (pin, "last-seen", "x", &newest);
  return newest;
}

/* Returns: when the last of the old keys was last seen; 0: none is old */
static gint64
find_last_of_old (GVariant *pin, char **keys)
{
  gint64 newest = get_newest (pin), latest = 0;

  for (size_t i = 0; keys[i] != NULL; i++)
    {
      gint64 last = ctl_rotation_find_seen (pin, keys[i]).last;

      if (last != newest)
        latest = MAX (latest, last);
    }
  return latest;
}

/* Returns: (transfer full): why no key is removed */
char *
ctl_rotation_explain_rest (GVariant *pin)
{
  g_auto (GStrv) keys = get_keys (pin);
  gint64 latest = find_last_of_old (pin, keys);
  g_autofree char *last = ctl_time_to_text (latest);

  if (latest == 0)
    return g_strdup (_ ("there is no key to remove"));
  return g_strdup_printf (_ ("nothing was removed: an old key was seen at the server at %s"), last);
}

static void
print_end (Ctl *ctl, gint64 latest, const char *option, const char *word)
{
  gint64 rested = latest + CTL_ROTATION_REST_S;
  g_autofree char *last = ctl_time_to_text (latest), *day = ctl_time_to_text (rested);
  g_autofree char *since = ctl_time_to_text (latest + 1);

  ctl_print_line (&ctl->out, _ ("When no server uses them any more, remove the old keys:"));
  if (rested < g_get_real_time () / G_USEC_PER_SEC)
    {
      ctl_print_line (&ctl->out, _ ("  certpinctl rotate --finish %s%s"), option, word);
      return;
    }
  ctl_print_line (&ctl->out, _ ("  certpinctl rotate --finish --not-seen-since=%s %s%s"), since,
                  option, word);
  ctl_print_line (&ctl->out, _ ("An old key was last seen at %s."), last);
  ctl_print_line (&ctl->out,
                  _ ("Without --not-seen-since, --finish removes it after 30 days: at %s."), day);
}

static void
print_next_step (Ctl *ctl, GVariant *pin, char **keys)
{
  gint64 newest = get_newest (pin), latest = find_last_of_old (pin, keys);
  const char *host = "", *scope = "";
  g_autofree char *word = NULL, *option = NULL;
  g_autoptr (GVariant) served = g_variant_lookup_value (pin, "served", NULL);
  gboolean waits = FALSE;

  for (size_t i = 0; keys[i] != NULL; i++)
    waits = waits || ctl_rotation_find_seen (pin, keys[i]).last == 0;
  g_variant_lookup (pin, "host", "&s", &host);
  g_variant_lookup (pin, "scope", "&s", &scope);
  word = ctl_input_quote (host);
  option = ctl_scope_make_option (ctl, g_str_equal (scope, "system"));
  if (newest == 0 && served != NULL)
    ctl_print_line (&ctl->out, _ ("The server was seen with another key: certpinctl show %s"),
                    word);
  else if (newest == 0)
    ctl_print_line (&ctl->out, _ ("No key has been seen at the server yet."));
  else if (latest != 0)
    print_end (ctl, latest, option, word);
  else if (waits)
    ctl_print_line (&ctl->out, _ ("The server does not use another key yet."));
  else
    {
      ctl_print_line (&ctl->out, _ ("No key waits. To add the next one:"));
      ctl_print_line (&ctl->out, _ ("  certpinctl rotate %s%s NEW"), option, word);
    }
}

/* Prints which key is in use, which wait, and what comes next. */
void
ctl_rotation_print (Ctl *ctl, GVariant *pin)
{
  g_auto (GStrv) keys = get_keys (pin);

  print_keys (ctl, pin, keys, get_newest (pin));
  print_next_step (ctl, pin, keys);
}
