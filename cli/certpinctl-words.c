/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words of a command line as GOption reads them: it knows -o FILE, but not -oFILE (POSIX, Utility
 * Syntax Guidelines, guideline 6). */

#include "config.h"

#include "certpinctl-words.h"

#include <string.h>

/* Returns: (nullable) */
static const GOptionEntry *
find_short (const GOptionEntry *const *tables, char letter)
{
  for (; *tables != NULL; tables++)
    for (const GOptionEntry *option = *tables; option->long_name != NULL; option++)
      if (option->short_name == letter)
        return option;
  return NULL;
}

static gboolean
takes_value (const GOptionEntry *option)
{
  return option != NULL && option->arg != G_OPTION_ARG_NONE;
}

/* Whether the value of that option is the next word. */
static gboolean
long_takes_next (const GOptionEntry *const *tables, const char *name)
{
  for (; *tables != NULL; tables++)
    for (const GOptionEntry *option = *tables; option->long_name != NULL; option++)
      if (strcmp (option->long_name, name) == 0)
        return takes_value (option);
  return FALSE;
}

/* Adds -abcVALUE as -abc VALUE. Returns: whether a value must follow */
static gboolean
add_letters (GStrvBuilder *builder, const GOptionEntry *const *tables, const char *word)
{
  size_t end = 1;

  while (word[end] != '\0' && !takes_value (find_short (tables, word[end])))
    end++;
  if (word[end] == '\0' || word[end + 1] == '\0')
    {
      g_strv_builder_add (builder, word);
      return word[end] != '\0';
    }
  {
    g_autofree char *letters = g_strndup (word, end + 1);

    g_strv_builder_add (builder, letters);
    g_strv_builder_add (builder, word + end + 1);
  }
  return FALSE;
}

/* `tables`: of the options, ending with NULL. What stands after -- or is the value of an option is
 * left as it is.
 * Returns: (transfer full) */
char **
ctl_words_split (char **words, const GOptionEntry *const *tables)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  gboolean value = TRUE, over = FALSE; /* the first is the name of the program */

  for (size_t i = 0; words[i] != NULL; i++)
    {
      const char *word = words[i];
      gboolean option = !value && !over && word[0] == '-' && word[1] != '\0';

      value = FALSE;
      over = over || (option && strcmp (word, "--") == 0);
      if (option && word[1] != '-')
        {
          value = add_letters (builder, tables, word);
          continue;
        }
      g_strv_builder_add (builder, word);
      value = option && !over && long_takes_next (tables, word + 2);
    }
  return g_strv_builder_end (builder);
}
