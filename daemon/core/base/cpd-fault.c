/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is wrong with files that are read: each fault with its place, as compilers write it, so
 * that editors find it. However many there are, a list of them is bounded, and says how many it
 * leaves out. */

#include "config.h"

#include "daemon/core/base/cpd-fault.h"

#include "daemon/core/base/cpd-text.h"

#include <string.h>

/* A sentence may quote a value, which may be of any length. */
#define SENTENCE_MAX_BYTES 1024

/* `file`, `key`: (nullable). `line`: 0: it is not about one line */
CpdFault *
cpd_fault_new (const char *file, unsigned int line, const char *key, const char *sentence)
{
  CpdFault *fault = g_atomic_rc_box_new0 (CpdFault);

  fault->file = g_strdup (file);
  fault->line = line;
  fault->owner = CPD_ALL_UIDS;
  fault->key = g_strdup (key);
  fault->sentence = cpd_text_shorten (sentence, strlen (sentence), SENTENCE_MAX_BYTES);
  return fault;
}

CpdFault *
cpd_fault_ref (CpdFault *fault)
{
  return g_atomic_rc_box_acquire (fault);
}

static void
fault_clear (gpointer data)
{
  CpdFault *fault = data;

  g_free (fault->file);
  g_free (fault->key);
  g_free (fault->sentence);
}

/* `fault`: (nullable) */
void
cpd_fault_unref (CpdFault *fault)
{
  if (fault != NULL)
    g_atomic_rc_box_release_full (fault, fault_clear);
}

/* Returns: (transfer full): such as “/etc/certpin/pins.d/a.pin:3: Keys=: it is empty” */
char *
cpd_fault_to_text (const CpdFault *fault)
{
  GString *text = g_string_new (NULL);

  if (fault->file != NULL)
    g_string_append_printf (text, "%s:", fault->file);
  if (fault->line != 0)
    g_string_append_printf (text, fault->file != NULL ? "%u:" : "line %u:", fault->line);
  if (text->len > 0)
    g_string_append_c (text, ' ');
  if (fault->key != NULL)
    g_string_append_printf (text, "%s=: ", fault->key);
  if (fault->more > 0)
    g_string_append_printf (text, "%u more problem%s not listed", fault->more,
                            fault->more == 1 ? " is" : "s are");
  else
    g_string_append (text, fault->sentence);
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full): of CpdFault */
GPtrArray *
cpd_faults_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_fault_unref);
}

static unsigned int
weigh (const CpdFault *fault)
{
  return MAX (fault->more, 1);
}

/* `fault`: (transfer full): past `most`, it is only counted */
void
cpd_faults_take (GPtrArray *faults, unsigned int most, CpdFault *fault)
{
  if (faults->len < most)
    {
      g_ptr_array_add (faults, fault);
      return;
    }
  if (faults->len == most)
    g_ptr_array_add (faults, cpd_fault_new (NULL, 0, NULL, ""));
  ((CpdFault *)faults->pdata[most])->more += weigh (fault);
  cpd_fault_unref (fault);
}

/* Adds one that says itself what it is about. */
void
cpd_faults_tell (GPtrArray *faults, const char *sentence)
{
  cpd_faults_take (faults, CPD_FAULTS_MAX, cpd_fault_new (NULL, 0, NULL, sentence));
}

/* Adds one that also says what follows, and what to do. `owner`: whom alone it concerns, beside
 * root; CPD_ALL_UIDS: everybody. `file`: (nullable). `sentence`: (transfer full) */
void
cpd_faults_tell_all (GPtrArray *faults, CpdOwner owner, const char *file, char *sentence)
{
  CpdFault *fault = cpd_fault_new (file, 0, NULL, sentence);

  fault->owner = owner;
  fault->says_all = TRUE;
  cpd_faults_take (faults, CPD_FAULTS_MAX, fault);
  g_free (sentence);
}

void
cpd_faults_add_all (GPtrArray *faults, GPtrArray *others)
{
  for (unsigned int i = 0; i < others->len; i++)
    cpd_faults_take (faults, CPD_FAULTS_MAX, cpd_fault_ref (others->pdata[i]));
}

/* Adds new ones, which concern one user alone; 0: root alone. */
void
cpd_faults_add_all_of (GPtrArray *faults, GPtrArray *others, CpdOwner owner)
{
  for (unsigned int i = 0; i < others->len; i++)
    ((CpdFault *)others->pdata[i])->owner = owner;
  cpd_faults_add_all (faults, others);
}

static int
compare_lines (gconstpointer a, gconstpointer b)
{
  const CpdFault *one = *(CpdFault *const *)a, *other = *(CpdFault *const *)b;

  if ((one->more > 0) != (other->more > 0))
    return one->more > 0 ? 1 : -1;
  return (one->line > other->line) - (one->line < other->line);
}

/* Puts those of one file into the order of its lines, in which somebody fixes them. */
void
cpd_faults_sort (GPtrArray *faults)
{
  g_ptr_array_sort (faults, compare_lines);
}

/* Returns: how many there are, with those that are not listed */
unsigned int
cpd_faults_count (GPtrArray *faults)
{
  unsigned int count = 0;

  for (unsigned int i = 0; i < faults->len; i++)
    count += weigh (faults->pdata[i]);
  return count;
}

/* Returns: (transfer full): as many as fit, at least one, and the number of the others */
char *
cpd_faults_summarise (GPtrArray *faults, gsize most_bytes)
{
  GString *summary = g_string_new (NULL);
  unsigned int left = cpd_faults_count (faults);

  for (unsigned int i = 0; i < faults->len; i++)
    {
      const CpdFault *fault = faults->pdata[i];
      g_autofree char *text = cpd_fault_to_text (fault);

      if (fault->more > 0 || (i > 0 && summary->len + strlen (text) > most_bytes))
        break;
      g_string_append_printf (summary, "%s%s", i > 0 ? "; " : "", text);
      left--;
    }
  if (left > 0)
    g_string_append_printf (summary, "; and %u more", left);
  return g_string_free (summary, FALSE);
}
