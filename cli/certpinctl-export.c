/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb `export`: pins as one pin file, or as a folder of them. It replaces a file only if it is
 * told to. */

#include "config.h"

#include "certpinctl-export.h"

#include "certpinctl-lookup.h"
#include "certpinctl-options.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-trouble.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEADER "[Pin File]\nVersion=1\n"

/* What is wanted. */
typedef struct
{
  char *scope;
  char *output;
  gboolean force;
  GStrv hosts; /* as the service writes them; NULL: all */
} Wanted;

static void
wanted_clear (Wanted *wanted)
{
  g_free (wanted->scope);
  g_free (wanted->output);
  g_strfreev (wanted->hosts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wanted, wanted_clear)

static gboolean
is_wanted (const Wanted *wanted, GVariant *file)
{
  const char *host = "";

  g_variant_lookup (file, "host", "&s", &host);
  return wanted->hosts == NULL || g_strv_contains ((const char *const *)wanted->hosts, host);
}

/* `host`: as it is typed: with capitals, or in a script of its own.
 * Returns: (transfer full) (nullable): as the pin of exactly this host has it, if there is one */
static char *
find_name (Ctl *ctl, const Wanted *wanted, const char *host, GError **error)
{
  const gboolean is_system[] = { strcmp (wanted->scope, "system") == 0, TRUE };
  size_t n_scopes = strcmp (wanted->scope, "all") == 0 ? 2 : 1;
  char *name = NULL;

  for (size_t i = 0; i < n_scopes && name == NULL; i++)
    {
      g_autoptr (GVariant) pin = NULL;

      if (!ctl_lookup_exact_pin (ctl, host, is_system[i], &pin, error))
        return NULL;
      if (pin != NULL)
        g_variant_lookup (pin, "host", "s", &name);
    }
  return name != NULL ? name : g_strdup (host);
}

static gboolean
find_names (Ctl *ctl, Wanted *wanted, GError **error)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (char **host = ctl->arguments; host != NULL && *host != NULL; host++)
    {
      g_autofree char *name = find_name (ctl, wanted, *host, error);

      if (name == NULL)
        return FALSE;
      g_strv_builder_add (names, name);
    }
  if (ctl->arguments != NULL)
    wanted->hosts = g_strv_builder_end (names);
  return TRUE;
}

/* What is said of a host is about the first one of the command line. */
static void
put_first (char **words, size_t index)
{
  char *word = words[index];

  words[index] = words[0];
  words[0] = word;
}

/* `host`: it has no pin. */
static gboolean
fail_unpinned (Ctl *ctl, const Wanted *wanted, const char *host, GError **error)
{
  gboolean all = strcmp (wanted->scope, "all") == 0;
  const char *scope = ctl_scope_find_name (ctl, strcmp (wanted->scope, "system") == 0, error);

  if (scope == NULL)
    return FALSE;
  if (all)
    scope = strcmp (scope, "app") == 0 ? _ ("app or system") : _ ("user or system");
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
               _ ("there is no pin of exactly ‘%s’ in the scope %s"), host, scope);
  return FALSE;
}

/* A name that is given and has no pin is an error: the export would lack it. */
static gboolean
check_hosts (Ctl *ctl, const Wanted *wanted, GPtrArray *files, GError **error)
{
  for (size_t i = 0; wanted->hosts != NULL && wanted->hosts[i] != NULL; i++)
    {
      gboolean found = FALSE;

      for (unsigned int j = 0; !found && j < files->len; j++)
        {
          const char *host = "";

          g_variant_lookup (files->pdata[j], "host", "&s", &host);
          found = g_str_equal (host, wanted->hosts[i]);
        }
      if (!found)
        {
          put_first (ctl->arguments, i);
          return fail_unpinned (ctl, wanted, wanted->hosts[i], error);
        }
    }
  return TRUE;
}

/* Adds the files of one scope that are wanted. “user” is the caller's own, which is not named: in a
 * sandbox, it is the app's. */
static gboolean
ask (Ctl *ctl, const Wanted *wanted, const char *scope, GPtrArray *files, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) reply = NULL;

  certpin_client_export_pins_async (ctl->client,
                                    ctl_scope_options (ctl, g_str_equal (scope, "system")),
                                    ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  reply = ctl_reply_take_records (certpin_client_export_pins_finish (ctl->client, result, error),
                                  CTL_REPLY_FILE, error);
  if (reply == NULL)
    return FALSE;
  for (gsize i = 0; i < g_variant_n_children (reply); i++)
    {
      g_autoptr (GVariant) file = g_variant_get_child_value (reply, i);

      if (is_wanted (wanted, file))
        g_ptr_array_add (files, g_variant_ref (file));
    }
  return TRUE;
}

/* To standard output */

/* Returns: (transfer none): the text from its pin on */
static const char *
find_pin (const char *text)
{
  const char *first = strchr (text, '[');
  const char *pin = first != NULL ? strstr (first, "\n[") : NULL;

  return pin != NULL ? pin + 1 : "";
}

static void
print_files (Ctl *ctl, GPtrArray *files)
{
  ctl_stream_write (&ctl->out, HEADER, strlen (HEADER));
  for (unsigned int i = 0; i < files->len; i++)
    {
      const char *text = "";

      g_variant_lookup (files->pdata[i], "text", "&s", &text);
      ctl_stream_write (&ctl->out, "\n", 1);
      ctl_stream_write (&ctl->out, find_pin (text), strlen (find_pin (text)));
    }
}

/* To a folder */

/* Returns: (transfer full) (nullable): where the file goes; NULL with `error` set */
static char *
build_path (const Wanted *wanted, GVariant *file, GError **error)
{
  const char *name = "", *scope = "";

  g_variant_lookup (file, "name", "&s", &name);
  g_variant_lookup (file, "scope", "&s", &scope);
  if (strchr (name, '/') == NULL && strchr (scope, '/') == NULL && g_str_has_suffix (name, ".pin")
      && *name != '.')
    return strcmp (wanted->scope, "all") == 0 ? g_build_filename (wanted->output, scope, name, NULL)
                                              : g_build_filename (wanted->output, name, NULL);
  g_set_error (
      error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
      _ ("the reply of the certpin service is not valid: ‘%s’ is not the name of a pin file"),
      name);
  return NULL;
}

static gboolean
fail (GError **error, const char *doing, const char *path, int code)
{
  g_autofree char *trouble = ctl_trouble_write (code);

  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED, _ ("cannot %s ‘%s’: %s"), doing, path,
               trouble);
  return FALSE;
}

/* Before the first file is written, so that nothing is left half done for this. */
static gboolean
check_free (GPtrArray *paths, GError **error)
{
  for (unsigned int i = 0; i < paths->len; i++)
    if (g_file_test (paths->pdata[i], G_FILE_TEST_EXISTS)
        || g_file_test (paths->pdata[i], G_FILE_TEST_IS_SYMLINK))
      {
        g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                     _ ("‘%s’ exists, so nothing was written; add --force to replace files"),
                     (char *)paths->pdata[i]);
        return FALSE;
      }
  return TRUE;
}

static gboolean
write_new (const char *path, const char *text, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), code;
  gboolean written;

  if (fd < 0)
    return fail (error, _ ("write"), path, errno);
  written = ctl_fd_write (fd, text, strlen (text));
  code = errno;
  if (close (fd) < 0 && written)
    {
      written = FALSE;
      code = errno;
    }
  if (!written)
    unlink (path); /* a part of a pin file is none */
  return written || fail (error, _ ("write"), path, code);
}

static gboolean
write_file (const Wanted *wanted, const char *path, GVariant *file, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) reason = NULL;
  const char *text = "";

  g_variant_lookup (file, "text", "&s", &text);
  if (g_mkdir_with_parents (folder, 0755) < 0)
    return fail (error, _ ("make the folder"), folder, errno);
  if (!wanted->force)
    return write_new (path, text, error);
  if (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &reason))
    return TRUE;
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED, reason->message);
  return FALSE;
}

static gboolean
write_files (const Wanted *wanted, GPtrArray *files, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (unsigned int i = 0; i < files->len; i++)
    {
      char *path = build_path (wanted, files->pdata[i], error);

      if (path == NULL)
        return FALSE;
      g_ptr_array_add (paths, path);
    }
  if (!wanted->force && !check_free (paths, error))
    return FALSE;
  for (unsigned int i = 0; i < files->len; i++)
    if (!write_file (wanted, paths->pdata[i], files->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
check_wanted (Ctl *ctl, Wanted *wanted, GError **error)
{
  static const char *const scopes[] = { "user", "system", "all", NULL };

  if (wanted->scope != NULL && ctl->app != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("give only one of --scope and --app"));
      return FALSE;
    }
  if (wanted->scope == NULL)
    wanted->scope = g_strdup (ctl->app != NULL ? "app" : "user");
  if (g_strcmp0 (wanted->output, "-") == 0)
    g_clear_pointer (&wanted->output, g_free);
  if (ctl->app == NULL && !g_strv_contains (scopes, wanted->scope))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("--scope is ‘%s’; give user, system or all"), wanted->scope);
  else if (g_strcmp0 (wanted->output, "") == 0)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                         _ ("‘’ is not the name of a folder; give one with --output"));
  else if (wanted->output == NULL && strcmp (wanted->scope, "all") == 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("--scope=all needs --output=DIR: one file cannot have two pins of a host"));
  else
    return TRUE;
  return FALSE;
}

static CtlExit
print (Ctl *ctl, const Wanted *wanted, GPtrArray *files, GError **error)
{
  if (wanted->output != NULL && !write_files (wanted, files, error))
    return CTL_EXIT_FAILED;
  if (ctl->json)
    ctl_print_json (
        &ctl->out,
        g_variant_new_parsed ("{'files': %v}",
                              g_variant_new_array (G_VARIANT_TYPE_VARDICT,
                                                   (GVariant *const *)files->pdata, files->len)));
  else if (wanted->output == NULL)
    print_files (ctl, files);
  else
    ctl_print_line (&ctl->out,
                    ngettext ("Wrote %u pin file to %s", "Wrote %u pin files to %s", files->len),
                    files->len, wanted->output);
  return CTL_EXIT_OK;
}

CtlExit
ctl_export (Ctl *ctl, GError **error)
{
  g_auto (Wanted) wanted = { 0 };
  const GOptionEntry options[] = {
    { "scope", 0, 0, G_OPTION_ARG_STRING, &wanted.scope,
      N_ ("whose pins: user (yours, the default), system, or all"), N_ ("SCOPE") },
    CTL_OPTION_APP (ctl, N_ ("the pins of a sandboxed app")),
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &wanted.output,
      N_ ("write a file for each pin into this folder"), N_ ("DIR") },
    { "force", 0, 0, G_OPTION_ARG_NONE, &wanted.force, N_ ("replace files that exist"), NULL },
    { NULL },
  };
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  gboolean all;

  if (!ctl_parse (ctl, options, error))
    return CTL_EXIT_OK;
  if (!check_wanted (ctl, &wanted, error))
    return CTL_EXIT_USAGE;
  all = strcmp (wanted.scope, "all") == 0;
  if (!find_names (ctl, &wanted, error)
      || !ask (ctl, &wanted, all ? "system" : wanted.scope, files, error)
      || (all && !ask (ctl, &wanted, "user", files, error))
      || !check_hosts (ctl, &wanted, files, error))
    return CTL_EXIT_FAILED;
  return print (ctl, &wanted, files, error);
}
