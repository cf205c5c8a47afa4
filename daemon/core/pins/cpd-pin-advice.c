/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What people should know of a pin before its host is refused: warnings, as sentences. They are
 * made when they are asked for, from the pin and what was seen of its servers. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-advice.h"

#include "daemon/core/base/cpd-text.h"

#define DAY_S G_GINT64_CONSTANT (86400)

/* A backup that was pinned so long ago, and never seen, may be lost. */
#define BACKUP_FORGOTTEN_S (90 * DAY_S)

/* What the sentences are made from. */
typedef struct
{
  const CpdPin *pin;
  const CpdSighting *sighting; /* NULL: nothing was seen */
  gint64 now;
  GStrvBuilder *sentences;
} Advice;

static void G_GNUC_PRINTF (2, 3) say (const Advice *advice, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list arguments;

  va_start (arguments, format);
  sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_strv_builder_add (advice->sentences, sentence);
}

static const char *
get_host (const Advice *advice)
{
  return cpd_host_get_text (advice->pin->host);
}

/* Returns: (transfer none) (nullable) */
static const CpdSightingKey *
find_key (const Advice *advice, unsigned int index)
{
  return advice->sighting != NULL
             ? cpd_sighting_find_key (advice->sighting, advice->pin->keys->pdata[index])
             : NULL;
}

/* While servers change one after the other, some still have the first key. On a path, keys may
 * stand together. */
static gboolean
is_in_use (const Advice *advice, unsigned int index)
{
  const CpdSightingKey *seen = find_key (advice, index);

  return seen != NULL
         && (advice->pin->match == CPD_MATCH_LEAF ? advice->sighting->seen - seen->last < DAY_S
                                                  : seen->last == advice->sighting->seen);
}

/* A pin that was made from keys has them in any order, unless it was seen that the first is the one
 * in use. */
static gboolean
has_backups (const Advice *advice)
{
  return advice->pin->keys->len > 1
         && (advice->pin->subject != NULL || find_key (advice, 0) != NULL);
}

/* Says that a server has begun to use a key that waited for that. */
static void
say_backup_in_use (const Advice *advice)
{
  if (!has_backups (advice) || (advice->pin->match == CPD_MATCH_PATH && is_in_use (advice, 0)))
    return;
  for (unsigned int i = 1; i < advice->pin->keys->len; i++)
    if (is_in_use (advice, i))
      {
        g_autofree char *key = certpin_key_to_text (advice->pin->keys->pdata[i]);
        g_autofree char *day = cpd_text_date (find_key (advice, i)->first);

        say (advice,
             "‘%s’ has used the backup key %s since %s; add the next backup key, and remove the "
             "keys that are not used any more",
             get_host (advice), key, day);
        return;
      }
}

/* `whose`: which certificate */
static void
say_end (const Advice *advice, const char *whose, gint64 not_after)
{
  gint64 left_s = not_after - advice->now;
  g_autofree char *day = cpd_text_date (not_after);

  if (left_s < 0)
    say (advice, "%s ended on %s; requests are refused until the server has a new one", whose, day);
  else if (left_s < CPD_ADVICE_ENDING_S)
    say (advice,
         "%s ends on %s (days left: %d); the pin stays valid if it is renewed with the same key",
         whose, day, (int)(left_s / DAY_S));
}

static void
say_served_end (const Advice *advice)
{
  g_autofree char *whose = g_strdup_printf ("the certificate of ‘%s’", get_host (advice));

  if (advice->sighting != NULL)
    say_end (advice, whose, advice->sighting->not_after);
}

/* What was said when the pin was made. The dates of its certificate do not matter any more once a
 * server was seen. */
static void
say_stored (const Advice *advice)
{
  const CpdPin *pin = advice->pin;
  gboolean dated = FALSE;

  for (size_t i = 0; pin->warnings != NULL && pin->warnings[i] != NULL; i++)
    {
      gboolean of_date = cpd_pin_is_warning_of_date (pin->warnings[i]);

      if (!of_date || advice->sighting == NULL)
        g_strv_builder_add (advice->sentences, pin->warnings[i]);
      dated = dated || of_date;
    }
  if (advice->sighting == NULL && !dated && pin->not_after != 0)
    say_end (advice, "the pinned certificate", pin->not_after);
}

static void
say_no_backup (const Advice *advice)
{
  if (advice->pin->keys->len == 1 && advice->pin->mode == CPD_MODE_ENFORCE)
    say (advice, "the pin has no backup key: if the server loses or changes its key, requests are "
                 "refused until the host is pinned again");
}

static gboolean
is_older_than (const Advice *advice, gint64 age_s)
{
  return advice->pin->created != 0 && advice->now - advice->pin->created >= age_s;
}

/* A backup is not expected to be seen; but whoever made it should still have it. */
static void
say_forgotten_backups (const Advice *advice)
{
  g_autofree char *day = cpd_text_date (advice->pin->created);

  for (unsigned int i = 1; i < advice->pin->keys->len && is_older_than (advice, BACKUP_FORGOTTEN_S);
       i++)
    if (find_key (advice, i) == NULL)
      {
        g_autofree char *key = certpin_key_to_text (advice->pin->keys->pdata[i]);

        say (advice,
             "the backup key %s has not been seen at the server since it was pinned, on %s or "
             "before; make sure that you still have it",
             key, day);
      }
}

static void
say_never_seen (const Advice *advice)
{
  gboolean any = advice->sighting != NULL && advice->sighting->keys->len > 0;

  if (!any && is_older_than (advice, DAY_S))
    say (advice, "no key of this pin has been seen at the server yet");
  if (!any)
    return;
  if (advice->pin->match == CPD_MATCH_LEAF && advice->pin->subject == NULL
      && find_key (advice, 0) == NULL)
    {
      g_autofree char *key = certpin_key_to_text (advice->pin->keys->pdata[0]);

      say (advice, "the pin's first key, %s, has not been seen at the server, which uses another",
           key);
    }
  say_forgotten_backups (advice);
}

/* Requests pass all the same, so nobody else says it. A pin that is newer may have that key. */
static void
say_only_reported (const Advice *advice)
{
  const CpdSighting *sighting = advice->sighting;
  g_autofree char *day = sighting != NULL ? cpd_text_date (sighting->seen) : NULL;

  if (advice->pin->mode != CPD_MODE_REPORT || sighting == NULL
      || advice->pin->created > sighting->seen)
    return;
  for (unsigned int i = 0; i < sighting->keys->len; i++)
    if (g_array_index (sighting->keys, CpdSightingKey, i).last >= sighting->seen)
      return;
  say (advice,
       "the pin only reports, and ‘%s’ had another key when it was last seen, on %s; if the "
       "operator of the server says that it is right, add it",
       get_host (advice), day);
}

/* Returns: (transfer full) (nullable) */
static GStrv
conclude (Advice *advice)
{
  GStrv sentences = g_strv_builder_end (advice->sentences);

  if (sentences[0] == NULL)
    g_clear_pointer (&sentences, g_strfreev);
  return sentences;
}

static gboolean
is_in_force (const Advice *advice)
{
  return advice->pin->state == CPD_STATE_ACTIVE && !cpd_pin_is_expired (advice->pin, advice->now);
}

static void
say_urgent (const Advice *advice)
{
  if (!is_in_force (advice))
    return;
  say_backup_in_use (advice);
  say_served_end (advice);
}

static void
say_other (const Advice *advice)
{
  say_stored (advice);
  if (!is_in_force (advice))
    return;
  say_only_reported (advice);
  say_no_backup (advice);
  say_never_seen (advice);
}

/* `sighting`: (nullable). `now`: Unix seconds.
 * Returns: (transfer full) (nullable): all warnings, the most urgent first; NULL: none */
GStrv
cpd_pin_advice (const CpdPin *pin, const CpdSighting *sighting, gint64 now)
{
  g_autoptr (GStrvBuilder) sentences = g_strv_builder_new ();
  Advice advice = { pin, sighting, now, sentences };

  say_urgent (&advice);
  say_other (&advice);
  return conclude (&advice);
}

/* Returns: (transfer full) (nullable): what somebody should do soon: a backup key is in use, or the
 * server's certificate ends within 21 days */
GStrv
cpd_pin_advice_urgent (const CpdPin *pin, const CpdSighting *sighting, gint64 now)
{
  g_autoptr (GStrvBuilder) sentences = g_strv_builder_new ();
  Advice advice = { pin, sighting, now, sentences };

  say_urgent (&advice);
  return conclude (&advice);
}

/* Returns: (transfer full) (nullable): all but these */
GStrv
cpd_pin_advice_other (const CpdPin *pin, const CpdSighting *sighting, gint64 now)
{
  g_autoptr (GStrvBuilder) sentences = g_strv_builder_new ();
  Advice advice = { pin, sighting, now, sentences };

  say_other (&advice);
  return conclude (&advice);
}
