/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which words a mistyped one may stand for: those that the fewest slips of a hand lead to. */

#include "config.h"

#include "certpinctl-similar.h"

#include <glib/gi18n.h>

#include <string.h>

/* What a slip costs, as in git: letters that change places cost nothing, as the fingers were only
 * too quick, and a letter too many costs most. */
#define COST_OF_SWAP      0
#define COST_OF_CHANGE    2
#define COST_OF_FORGOTTEN 1
#define COST_OF_EXCESS    3

/* Longer words are not compared. */
#define LENGTH_MAX 255

/* What leads from `word` to `other`, letter by letter of ASCII (Damerau and Levenshtein). The rows
 * hold what leads from the first i - 2, i - 1 and i letters to each beginning of `other`. */
static unsigned int
distance (const char *word, const char *other)
{
  size_t length = strlen (word), width = strlen (other);
  unsigned int rows[3][LENGTH_MAX + 1] = { 0 };

  for (size_t j = 0; j <= width; j++)
    rows[0][j] = (unsigned int)j * COST_OF_FORGOTTEN;
  for (size_t i = 1; i <= length; i++)
    {
      unsigned int *row = rows[i % 3], *before = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];

      row[0] = (unsigned int)i * COST_OF_EXCESS;
      for (size_t j = 1; j <= width; j++)
        {
          row[j] = before[j - 1] + (word[i - 1] == other[j - 1] ? 0 : COST_OF_CHANGE);
          row[j] = MIN (row[j], row[j - 1] + COST_OF_FORGOTTEN);
          row[j] = MIN (row[j], before[j] + COST_OF_EXCESS);
          if (i > 1 && j > 1 && word[i - 1] == other[j - 2] && word[i - 2] == other[j - 1])
            row[j] = MIN (row[j], twice[j - 2] + COST_OF_SWAP);
        }
    }
  return rows[length % 3][width];
}

/* `farthest`: how much the words may differ; half of the letters at the most, so that a short word
 * is not like every other.
 * Returns: (transfer full): the candidates that are nearest, of which there may be none, in their
 * order; the word itself is none */
GStrv
ctl_similar_find (const char *word, const char *const *candidates, unsigned int farthest)
{
  g_autofree char *lower = g_ascii_strdown (word, -1);
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  unsigned int nearest = MIN (farthest, (unsigned int)strlen (word) - (*word != '\0'));

  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; strlen (word) <= LENGTH_MAX && candidates[i] != NULL; i++)
      {
        gboolean comparable
            = strlen (candidates[i]) <= LENGTH_MAX && strcmp (word, candidates[i]) != 0;

        if (pass == 0 && comparable)
          nearest = MIN (nearest, distance (lower, candidates[i]));
        else if (comparable && distance (lower, candidates[i]) == nearest)
          g_strv_builder_add (found, candidates[i]);
      }
  return g_strv_builder_end (found);
}

/* `words`: at least one.
 * Returns: (transfer full): “did you mean ‘a’, ‘b’ or ‘c’?” */
char *
ctl_similar_ask (const char *const *words)
{
  g_autoptr (GString) text = g_string_new (_ ("did you mean "));

  for (size_t i = 0; words[i] != NULL; i++)
    {
      g_string_append (text, i == 0 ? "" : (words[i + 1] != NULL ? ", " : _ (" or ")));
      g_string_append_printf (text, _ ("‘%s’"), words[i]);
    }
  g_string_append_c (text, '?');
  return g_string_free (g_steal_pointer (&text), /* free_segment= */ FALSE);
}
