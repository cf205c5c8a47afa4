/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one check of `doctor` has found: in text a line, and below a failure what it means and the
 * command that helps. */

#include "config.h"

#include "cli/doctor/doctor-finding.h"

#include "cli/certpinctl-output.h"

#include <glib/gi18n.h>

#include <stdarg.h>

/* Where names and texts begin; the names of most checks fit between. */
#define WORDS_WIDTH   8
#define SYMBOLS_WIDTH 2
#define NAME_WIDTH    18

/* In text: for programs and terminals of other encodings, and for people. */
static const struct
{
  const char *name; /* in JSON */
  const char *word;
  const char *symbol;
} states[] = {
  [CTL_STATE_OK] = { "ok", "ok", "✓" },
  [CTL_STATE_FAILED] = { "failed", "FAILED", "✗" },
  [CTL_STATE_SKIPPED] = { "skipped", "-", "-" },
};

/* `check`: static. `host`: (nullable) */
CtlFinding *
ctl_finding_new (const char *check, const char *host)
{
  CtlFinding *finding = g_new0 (CtlFinding, 1);

  finding->check = check;
  finding->host = g_strdup (host);
  return finding;
}

void
ctl_finding_free (CtlFinding *finding)
{
  g_free (finding->host);
  g_free (finding->text);
  g_free (finding->meaning);
  g_free (finding->command);
  g_free (finding->problem);
  g_free (finding);
}

static void
set (CtlFinding *finding, CtlState state, const char *format, va_list arguments)
{
  finding->state = state;
  g_free (finding->text);
  finding->text = g_strdup_vprintf (format, arguments);
}

void
ctl_finding_pass (CtlFinding *finding, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  set (finding, CTL_STATE_OK, format, arguments);
  va_end (arguments);
}

void
ctl_finding_fail (CtlFinding *finding, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  set (finding, CTL_STATE_FAILED, format, arguments);
  va_end (arguments);
}

void
ctl_finding_skip (CtlFinding *finding, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  set (finding, CTL_STATE_SKIPPED, format, arguments);
  va_end (arguments);
}

/* `meaning`, `command`: (nullable): what the finding means, and what helps */
void
ctl_finding_help (CtlFinding *finding, const char *meaning, const char *command)
{
  g_free (finding->meaning);
  g_free (finding->command);
  finding->meaning = g_strdup (meaning);
  finding->command = g_strdup (command);
}

static void
print_indented (CtlStream *out, int width, const char *text)
{
  ctl_print_cell (out, "", width);
  ctl_print_wrapped (out, text, width, width);
}

void
ctl_finding_print (Ctl *ctl, const CtlFinding *finding)
{
  CtlStream *out = &ctl->out;
  gboolean symbols = ctl->utf8 && out->terminal;
  int before = symbols ? SYMBOLS_WIDTH : WORDS_WIDTH, all = before + NAME_WIDTH;
  const char *name = finding->host != NULL ? finding->host : _ (finding->check);
  gboolean long_name = g_utf8_strlen (name, -1) > NAME_WIDTH - 2;

  ctl_print_cell (out, symbols ? states[finding->state].symbol : states[finding->state].word,
                  before);
  ctl_print_cell (out, name, long_name ? 0 : NAME_WIDTH);
  if (long_name)
    {
      ctl_print_blank (out);
      ctl_print_cell (out, "", all);
    }
  ctl_print_wrapped (out, finding->text, all, all);
  if (finding->meaning != NULL)
    print_indented (out, all, finding->meaning);
  if (finding->command != NULL)
    {
      g_autofree char *prefix = g_strdup_printf ("%*s$ ", all, "");

      ctl_print_command (out, prefix, finding->command);
    }
}

/* Returns: `a{sv}`, floating */
GVariant *
ctl_finding_to_variant (const CtlFinding *finding)
{
  const struct
  {
    const char *name;
    const char *text;
  } members[] = {
    { "check", finding->check },     { "host", finding->host },
    { "text", finding->text },       { "state", states[finding->state].name },
    { "meaning", finding->meaning }, { "command", finding->command },
    { "problem", finding->problem },
  };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    if (members[i].text != NULL)
      g_variant_dict_insert (&dict, members[i].name, "s", members[i].text);
  return g_variant_dict_end (&dict);
}
