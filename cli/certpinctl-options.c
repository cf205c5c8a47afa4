/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line: the options of all verbs, the parsing, the files that are named on it, and what
 * --help prints, which is made from the same tables. */

#include "config.h"

#include "certpinctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Lines of text, indented under a heading. */
static void
print_lines (CtlStream *stream, const char *heading, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  if (heading != NULL)
    ctl_print_heading (stream, heading);
  for (size_t i = 0; lines[i] != NULL; i++)
    ctl_print_line (stream, "%s%s", heading != NULL ? "  " : "", lines[i]);
}

static char *
text_of_option (const GOptionEntry *option)
{
  char letter[] = { '-', option->short_name, ',', ' ', '\0' };

  return g_strdup_printf ("  %s--%s%s%s", option->short_name != 0 ? letter : "    ",
                          option->long_name, option->arg_description != NULL ? "=" : "",
                          option->arg_description != NULL ? option->arg_description : "");
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

      ctl_print_line (stream, "%-28s  %s", text, option->description);
    }
}

static void
print_program_help (Ctl *ctl)
{
  CtlStream *out = &ctl->out;

  print_lines (
      out, /* heading= */ NULL,
      "Usage: certpinctl [OPTION…] VERB [ARGUMENT…]\n\n"
      "Pin the keys of HTTPS servers for this machine, and make requests that only a server\n"
      "with a pinned key ever sees.\n");
  ctl_print_heading (out, "Verbs");
  for (const CtlVerb *verb = ctl_verbs; verb->name != NULL; verb++)
    {
      g_autofree char *text = g_strdup_printf ("%s %s", verb->name, verb->arguments);

      ctl_print_line (out, "  %-26s  %s", text, verb->summary);
    }
  print_options (out, "Options", ctl->globals);
  print_lines (out, /* heading= */ NULL,
               "\n‘certpinctl VERB --help’ tells more of a verb, certpinctl(1) of everything.");
}

static void
print_verb_help (Ctl *ctl, const GOptionEntry *options)
{
  const CtlVerb *verb = ctl->verb;
  CtlStream *out = &ctl->out;

  ctl_print_line (out, "Usage: certpinctl %s [OPTION…] %s", verb->name, verb->arguments);
  ctl_print_blank (out);
  ctl_print_line (out, "%s.", verb->summary);
  if (verb->details != NULL)
    {
      ctl_print_blank (out);
      print_lines (out, /* heading= */ NULL, verb->details);
    }
  print_options (out, "Options", options);
  print_options (out, "General options", ctl->globals);
  ctl_print_blank (out);
  print_lines (out, "Examples", verb->examples);
}

/* The help, or the version. `options`: those of the verb, ending with an empty one; not looked at
 * without a verb */
void
ctl_print_help (Ctl *ctl, const GOptionEntry *options)
{
  if (ctl->version)
    ctl_print_line (&ctl->out, "certpinctl %s", PACKAGE_VERSION);
  else if (ctl->verb != NULL)
    print_verb_help (ctl, options);
  else
    print_program_help (ctl);
}

/* The options that every verb has; they may also stand before it. */
void
ctl_init_globals (Ctl *ctl)
{
  const GOptionEntry globals[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, "print one JSON document, errors too", NULL },
    { "no-ask-password", 0, 0, G_OPTION_ARG_NONE, &ctl->no_ask_password,
      "fail where somebody would have to be asked", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &ctl->verbose,
      "tell of connections even if nobody seems to read it", NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &ctl->help, "show this help", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &ctl->version, "show the version", NULL },
    { NULL },
  };

  G_STATIC_ASSERT (sizeof globals == sizeof ctl->globals);
  memcpy (ctl->globals, globals, sizeof globals);
}

/* Whatever is wrong about the command line is an error of usage. */
static gboolean
parse_words (Ctl *ctl, GOptionContext *context, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (g_option_context_parse_strv (context, &ctl->words, &reason))
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, reason->message);
  return FALSE;
}

/* Parses the options before the verb. */
gboolean
ctl_parse_globals (Ctl *ctl, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_add_main_entries (context, ctl->globals, NULL);
  return parse_words (ctl, context, error);
}

/* The bus carries only UTF-8. */
static gboolean
check_arguments (Ctl *ctl, GError **error)
{
  int count = ctl->arguments != NULL ? (int)g_strv_length (ctl->arguments) : 0;

  for (int i = 0; i < MIN (count, ctl->verb->texts); i++)
    if (!g_utf8_validate (ctl->arguments[i], -1, NULL))
      {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     "argument ‘%s’ is not valid UTF-8", ctl->arguments[i]);
        return FALSE;
      }
  if (count >= ctl->verb->arguments_min && count <= ctl->verb->arguments_max)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "‘%s’ takes %s, but was given %d argument%s", ctl->verb->name,
               *ctl->verb->arguments != '\0' ? ctl->verb->arguments : "none", count,
               count == 1 ? "" : "s");
  return FALSE;
}

/* Parses the options and arguments of the verb, which takes the program's place. `options` ends
 * with an empty one. Returns FALSE without an error after --help and --version. */
gboolean
ctl_parse (Ctl *ctl, const GOptionEntry *options, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry rest[] = {
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &ctl->arguments, NULL, NULL },
    { NULL },
  };

  g_free (ctl->words[0]);
  memmove (ctl->words, ctl->words + 1,
           g_strv_length (ctl->words + 1) * sizeof (char *) + sizeof (char *));
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_main_entries (context, ctl->globals, NULL);
  g_option_context_add_main_entries (context, rest, NULL);
  if (!parse_words (ctl, context, error))
    return FALSE;
  if (ctl->help || ctl->version)
    {
      ctl_print_help (ctl, options);
      return FALSE;
    }
  certpin_client_set_interactive (ctl->client, !ctl->no_ask_password && isatty (STDIN_FILENO) == 1);
  return check_arguments (ctl, error);
}

/* Returns: (transfer full): what messages call the file */
char *
ctl_file_show (const char *path)
{
  return strcmp (path, "-") == 0 ? g_strdup ("the standard input") : g_strdup_printf ("‘%s’", path);
}

/* Returns: (transfer full): what is in the file, or in the standard input where it is called - */
GBytes *
ctl_file_read (const char *path, size_t max_bytes, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gboolean standard = strcmp (path, "-") == 0;
  g_autofree char *shown = ctl_file_show (path);
  FILE *file = standard ? stdin : fopen (path, "rbe");
  guint8 buffer[16 * 1024];
  size_t length = 0;
  int failure = file == NULL ? errno : 0;

  while (failure == 0 && bytes->len <= max_bytes
         && (length = fread (buffer, 1, sizeof buffer, file)) > 0)
    g_byte_array_append (bytes, buffer, length);
  if (failure == 0 && ferror (file))
    failure = errno;
  if (file != NULL && !standard)
    fclose (file);
  if (failure == 0 && bytes->len <= max_bytes)
    return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));

  if (failure != 0)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND, "cannot read %s: %s", shown,
                 g_strerror (failure));
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                 "%s is larger than %" G_GSIZE_FORMAT " bytes", shown, max_bytes);
  return NULL;
}
