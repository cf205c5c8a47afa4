/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints --help, from the same tables that the command line is parsed with, and --version. */

#include "config.h"

#include "certpinctl-help.h"

#include "certpinctl-locale.h"

#include <glib/gi18n.h>

#define NAME_WIDTH 28
#define GAP        2
/* A terminal has at least so many. */
#define COLUMNS 80

void
ctl_print_version (Ctl *ctl)
{
  ctl_print_line (&ctl->out, "certpinctl %s", PACKAGE_VERSION);
}

/* Pads by characters: printf() would count bytes. */
static void
print_cells (CtlStream *stream, const char *name, const char *description)
{
  int missing = NAME_WIDTH - (int)g_utf8_strlen (name, -1);

  ctl_print_line (stream, "%s%*s%s", name, MAX (missing, 0) + GAP, "", description);
}

/* A description that is too long for a line goes on in the next, and a name has one of its own. */
static void
print_row (CtlStream *stream, const char *name, const char *description)
{
  g_auto (GStrv) words = g_strsplit (description, " ", -1);
  g_autoptr (GString) line = g_string_new (NULL);

  if (g_utf8_strlen (name, -1) > NAME_WIDTH)
    {
      ctl_print_line (stream, "%s", name);
      name = "";
    }
  for (size_t i = 0; words[i] != NULL; i++)
    {
      if (line->len > 0
          && g_utf8_strlen (line->str, -1) + 1 + g_utf8_strlen (words[i], -1)
                 > COLUMNS - NAME_WIDTH - GAP)
        {
          print_cells (stream, name, line->str);
          g_string_truncate (line, 0);
          name = "";
        }
      g_string_append_printf (line, "%s%s", line->len > 0 ? " " : "", words[i]);
    }
  print_cells (stream, name, line->str);
}

static char *
text_of_option (const GOptionEntry *option)
{
  char letter[] = { '-', option->short_name, ',', ' ', '\0' };

  if (option->arg_description != NULL && (option->flags & G_OPTION_FLAG_OPTIONAL_ARG) != 0)
    return g_strdup_printf ("      --%s[=%s]", option->long_name, option->arg_description);
  return g_strdup_printf ("  %s--%s%s%s", option->short_name != 0 ? letter : "    ",
                          option->long_name, option->arg_description != NULL ? "=" : "",
                          option->arg_description != NULL ? _ (option->arg_description) : "");
}

static void
print_options (CtlStream *stream, const char *heading, const GOptionEntry *options)
{
  if (options->long_name == NULL)
    return;
  ctl_print_blank (stream);
  ctl_print_heading (stream, heading);
  for (const GOptionEntry *option = options; option->long_name != NULL; option++)
    {
      g_autofree char *text = text_of_option (option);

      print_row (stream, text, _ (option->description));
    }
}

/* `verbs`: ends with one that has no name */
void
ctl_print_help_of_program (Ctl *ctl, const CtlVerb *verbs)
{
  CtlStream *out = &ctl->out;

  ctl_print_lines (
      out, _ ("Usage: certpinctl [OPTION…] VERB [ARGUMENT…]\n\n"
              "Pin the public keys of HTTPS servers, and send requests that only a server with\n"
              "a pinned key receives.\n"));
  ctl_print_heading (out, _ ("Verbs"));
  for (const CtlVerb *verb = verbs; verb->name != NULL; verb++)
    {
      g_autofree char *text
          = verb->listed != NULL
                ? g_strdup_printf ("  %s", ctl_locale_translate (verb->listed))
                : g_strdup_printf ("  %s %s", verb->name, ctl_locale_translate (verb->arguments));

      if (g_strcmp0 (verb->listed, "") != 0)
        print_row (out, text, _ (verb->summary));
    }
  print_options (out, _ ("Options"), ctl->globals);
  ctl_print_lines (
      out, _ ("\n‘certpinctl VERB --help’ shows its options and an example; see certpinctl(1)."));
}

/* The first of them, which may go on in more lines, is the common case; the manual has the rest. */
static void
print_example (CtlStream *stream, const char *examples)
{
  g_auto (GStrv) lines = g_strsplit (examples, "\n", -1);

  for (size_t i = 0; lines[i] != NULL && (i == 0 || *lines[i] == ' '); i++)
    ctl_print_line (stream, "  %s", lines[i]);
}

/* One screen. `options`: those of the verb, the most frequent first, ending with an empty one */
void
ctl_print_help_of_verb (Ctl *ctl, const GOptionEntry *options)
{
  const CtlVerb *verb = ctl->verb;
  CtlStream *out = &ctl->out;
  g_autofree char *usage = g_strdup_printf (
      _ ("Usage: certpinctl %s%s%s [OPTION…] %s"), verb->name, verb->needs != NULL ? " " : "",
      verb->needs != NULL ? _ (verb->needs) : "", ctl_locale_translate (verb->arguments));

  ctl_print_line (out, "%s", g_strchomp (usage));
  ctl_print_blank (out);
  ctl_print_line (out, "%s:", _ (verb->summary));
  print_example (out, verb->examples);
  if (verb->details != NULL)
    {
      ctl_print_blank (out);
      ctl_print_lines (out, _ (verb->details));
    }
  print_options (out, _ ("Options"), options);
  ctl_print_blank (out);
  ctl_print_lines (
      out, _ ("‘certpinctl --help’ shows the options of all verbs; certpinctl(1) has the rest."));
}
