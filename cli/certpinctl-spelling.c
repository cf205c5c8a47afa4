/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks for options that there are not, that lack a value, or that have one that they do not take,
 * before GLib does, which would not say which options there are. */

#include "config.h"

#include "certpinctl-spelling.h"

#include "certpinctl-input.h"
#include "certpinctl-similar.h"

#include <glib/gi18n.h>

#include <string.h>

/* What users of other tools look for, of curl for example. */
static const struct
{
  const char *option;
  const char *remedy;
} elsewhere[] = {
#define NEVER                                                                                      \
  N_ ("certpin never leaves a check out; to accept a new key, see ‘certpinctl rotate --help’")
#define TRUST  N_ ("which authorities are trusted belongs to the pin; see ‘certpinctl pin --help’")
#define BODY   N_ ("‘post’, ‘put’ and ‘request’ send a body; see ‘certpinctl post --help’")
#define CERT   N_ ("a program cannot present a certificate of its own; see certpinctl(1)")
#define SENDER N_ ("-H 'Referer: URL' sends it")
#define JSON   N_ ("did you mean ‘--json’?")
#define ABOUT  N_ ("did you mean ‘--version’?")
  { "--insecure", NEVER },
  { "-k", NEVER },
  { "--cacert", TRUST },
  { "--capath", TRUST },
  { "-d", BODY },
  { "--data", BODY },
  { "--pinnedpubkey", N_ ("did you mean ‘--require-key’?") },
  { "--scope", N_ ("did you mean ‘--system’ or ‘--app’?") },
  { "--cert", CERT },
  { "-j", JSON },
  { "-o", JSON },
  { "--output", JSON },
  { "--no-legend", JSON },
  { "-V", ABOUT },
};

/* Those that its users give to the verbs that make requests; docs/FROM-CURL.md says more. */
static const struct
{
  const char *option;
  const char *remedy;
} of_requests[] = {
#define METHOD  N_ ("‘request’ sends any method; see ‘certpinctl request --help’")
#define SECRET  N_ ("put the header Authorization into a file, and give it with -H @FILE")
#define COOKIE  N_ ("no cookies are kept; send one with -H 'Cookie: …'")
#define FORM    N_ ("make the body with another program, and send it with -T")
#define QUERY   N_ ("write the query into the URL")
#define RANGE   N_ ("give it as -H 'Range: bytes=…'; -C - continues a file")
#define CHOSEN  N_ ("the server does not choose the name of a file; give it with -o, or give -O")
#define AS_SENT N_ ("a body stays as the server sent it; leave the option out")
#define LIMIT   N_ ("one limit is for all of it: --max-time")
#define HEADERS N_ ("-i writes the headers before the body, and -w '%header{NAME}' one of them")
#define FOLDER  N_ ("name the folder, which must exist, with -o")
#define FAILING N_ ("without -f, the body is written; -w '%{http_code}' tells the status")
#define SIZE    N_ ("the shell limits the size of files: ulimit -f")
#define WAIT    N_ ("--retry waits 1, 2, 4… seconds, or as long as the server says")
#define FILES   N_ ("there is no file of options; give them in the command line")
#define VERSION N_ ("the service speaks HTTP/1.1; leave the option out")
#define ADDRESS N_ ("a pin is for a name, and only the resolver says where that is")
#define ROUTE   N_ ("the service chooses among the addresses of a host; leave the option out")
#define SHOWN   N_ ("a terminal shows how far it is; leave the option out")
#define FLOWING N_ ("a body is written as it comes; leave the option out")
#define NO_FILE N_ ("there is no file of options; leave the option out")
#define TLS     N_ ("the service speaks TLS 1.2 and 1.3, and nothing older; leave the option out")
#define ALONE   N_ ("give the URL without an option")
#define SINCE   N_ ("-H 'If-Modified-Since: …' asks whether it has changed")
  { "-T", BODY },
  { "--upload-file", BODY },
  { "--json-body", BODY },
  { "--data-raw", BODY },
  { "--data-binary", BODY },
  { "--data-urlencode", BODY },
  { "--data-file", BODY },
  { "-X", METHOD },
  { "--request", METHOD },
  { "-u", SECRET },
  { "--user", SECRET },
  { "-n", SECRET },
  { "--netrc", SECRET },
  { "-b", COOKIE },
  { "--cookie", COOKIE },
  { "-c", COOKIE },
  { "--cookie-jar", COOKIE },
  { "-e", SENDER },
  { "--referer", SENDER },
  { "-F", FORM },
  { "--form", FORM },
  { "-G", QUERY },
  { "--get", QUERY },
  { "-r", RANGE },
  { "--range", RANGE },
  { "-J", CHOSEN },
  { "--remote-header-name", CHOSEN },
  { "--compressed", AS_SENT },
  { "--connect-timeout", LIMIT },
  { "-D", HEADERS },
  { "--dump-header", HEADERS },
  { "--output-dir", FOLDER },
  { "--create-dirs", FOLDER },
  { "--fail-with-body", FAILING },
  { "--max-filesize", SIZE },
  { "--retry-delay", WAIT },
  { "-K", FILES },
  { "--config", FILES },
  { "--http2", VERSION },
  { "--http1.1", VERSION },
  { "--resolve", ADDRESS },
  { "--connect-to", ADDRESS },
  { "-E", CERT },
  { "-4", ROUTE },
  { "-6", ROUTE },
  { "--ipv4", ROUTE },
  { "--ipv6", ROUTE },
  { "-#", SHOWN },
  { "--progress-bar", SHOWN },
  { "-N", FLOWING },
  { "--no-buffer", FLOWING },
  { "-q", NO_FILE },
  { "--disable", NO_FILE },
  { "--tlsv1.2", TLS },
  { "--tlsv1.3", TLS },
  { "--url", ALONE },
  { "-z", SINCE },
  { "--time-cond", SINCE },
};

/* The options that may stand where a word stands: two tables, the second of them of all verbs. */
typedef struct
{
  const CtlVerb *verb; /* NULL: before the verb */
  const GOptionEntry *tables[2];
} Options;

/* `name`: `length` bytes, without dashes. Returns: (nullable) */
static const GOptionEntry *
find_long (const Options *options, const char *name, size_t length)
{
  for (size_t i = 0; i < G_N_ELEMENTS (options->tables); i++)
    for (const GOptionEntry *option = options->tables[i]; option->long_name != NULL; option++)
      if (strlen (option->long_name) == length && strncmp (option->long_name, name, length) == 0)
        return option;
  return NULL;
}

static const GOptionEntry *
find_short (const Options *options, char letter)
{
  for (size_t i = 0; i < G_N_ELEMENTS (options->tables); i++)
    for (const GOptionEntry *option = options->tables[i]; option->long_name != NULL; option++)
      if (option->short_name == letter)
        return option;
  return NULL;
}

static gboolean
takes_value (const GOptionEntry *option)
{
  return option->arg != G_OPTION_ARG_NONE;
}

/* A letter is no beginning.
 * Returns: (transfer full): those that begin so, as other programs take them */
static GStrv
list_beginning (const char *const *names, const char *word)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();

  for (size_t i = 0; names[i] != NULL; i++)
    if (strlen (word) > 1 && g_str_has_prefix (names[i], word))
      g_strv_builder_add (found, names[i]);
  return g_strv_builder_end (found);
}

/* Returns: (transfer full): with their dashes */
static GStrv
list_similar (const Options *options, const char *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_auto (GStrv) found = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (options->tables); i++)
    for (const GOptionEntry *option = options->tables[i]; option->long_name != NULL; option++)
      g_ptr_array_add (names, (gpointer)option->long_name);
  g_ptr_array_add (names, NULL);
  if (find_long (options, name, strlen (name)) != NULL) /* with one dash */
    found = g_strdupv ((char *[]){ (char *)name, NULL });
  else
    found = list_beginning ((const char *const *)names->pdata, name);
  if (found[0] == NULL)
    {
      g_strfreev (found);
      found = ctl_similar_find (name, (const char *const *)names->pdata, CTL_SIMILAR_WORD);
    }
  for (size_t i = 0; found[i] != NULL; i++)
    {
      g_autofree char *bare = found[i];

      found[i] = g_strconcat ("--", bare, NULL);
    }
  return g_steal_pointer (&found);
}

/* `verb`: (nullable) */
static gboolean
makes_requests (const CtlVerb *verb)
{
  return verb != NULL && strstr (verb->arguments, "URL") != NULL;
}

/* Returns: (transfer full) (nullable) */
static char *
find_remedy (const Options *options, const char *shown, const char *name)
{
  g_auto (GStrv) similar = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (elsewhere); i++)
    if (strcmp (elsewhere[i].option, shown) == 0)
      return g_strdup (_ (elsewhere[i].remedy));
  for (size_t i = 0; i < G_N_ELEMENTS (of_requests) && makes_requests (options->verb); i++)
    if (strcmp (of_requests[i].option, shown) == 0)
      return g_strdup (_ (of_requests[i].remedy));
  similar = list_similar (options, name);
  if (similar[0] != NULL)
    return ctl_similar_ask ((const char *const *)similar);
  return options->verb == NULL ? g_strdup (
             _ ("the options of a verb stand behind it, as in ‘certpinctl list --system’"))
                               : NULL;
}

/* `shown`: (transfer full): as it is typed, without a value. `name`: without dashes */
static gboolean
refuse_unknown (const Options *options, char *shown, const char *name, GError **error)
{
  g_autofree char *typed = shown, *remedy = find_remedy (options, shown, name);
  g_autofree char *whose = options->verb != NULL
                               ? g_strdup_printf (_ ("‘%s’ has no option"), options->verb->name)
                               : g_strdup (_ ("before the verb, there is no option"));

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, _ ("%s ‘%s’%s%s"), whose,
               typed, remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
  return FALSE;
}

static gboolean
check_number (const GOptionEntry *option, const char *value, GError **error)
{
  gint64 number;

  if (g_ascii_string_to_signed (value, 10, G_MININT, G_MAXINT, &number, NULL))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("option ‘--%s’ has ‘%s’, which is not a number; give it as --%s=%s"),
               option->long_name, value, option->long_name, _ (option->arg_description));
  return FALSE;
}

/* D-Bus strings are UTF-8; the name of a file may have any bytes. */
static gboolean
check_content (const GOptionEntry *option, const char *value, GError **error)
{
  gboolean is_text = option->arg == G_OPTION_ARG_STRING || option->arg == G_OPTION_ARG_STRING_ARRAY;

  if (option->arg == G_OPTION_ARG_INT)
    return check_number (option, value, error);
  if (!is_text || g_utf8_validate (value, -1, NULL))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("option ‘--%s’ has ‘%s’, which is not valid UTF-8; give it as --%s=%s"),
               option->long_name, value, option->long_name, _ (option->arg_description));
  return FALSE;
}

/* As GOption does: a value that may be left out does not begin with a dash. */
static gboolean
takes_next (const GOptionEntry *option, const char *next)
{
  gboolean is_optional = (option->flags & G_OPTION_FLAG_OPTIONAL_ARG) != 0;

  return takes_value (option) && !(is_optional && (next == NULL || *next == '-'));
}

/* `next`: (nullable): the word behind it, which is the value if the option takes one.
 * `skip`: (out): whether it is */
static gboolean
check_value (const GOptionEntry *option, const char *value, const char *next, gboolean *skip,
             GError **error)
{
  *skip = value == NULL && takes_next (option, next);
  if (value != NULL && !takes_value (option))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("option ‘--%s’ takes no value, so ‘%s’ is too much; give --%s alone"),
                 option->long_name, value, option->long_name);
  else if (*skip && next == NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("option ‘--%s’ needs a value; give it as --%s=%s"), option->long_name,
                 option->long_name, _ (option->arg_description));
  else
    return (value == NULL && !*skip) || check_content (option, value != NULL ? value : next, error);
  return FALSE;
}

static gboolean
check_long (const Options *options, char **word, gboolean *skip, GError **error)
{
  const char *name = *word + strlen ("--"), *equals = strchr (name, '=');
  size_t length = equals != NULL ? (size_t)(equals - name) : strlen (name);
  const GOptionEntry *option = find_long (options, name, length);
  g_autofree char *bare = g_strndup (name, length);

  if (option == NULL)
    return refuse_unknown (options, g_strconcat ("--", bare, NULL), bare, error);
  return check_value (option, equals != NULL ? equals + 1 : NULL, word[1], skip, error);
}

/* Several letters in one word; the rest of it is the value of the first that takes one. */
static gboolean
check_short (const Options *options, char **word, gboolean *skip, GError **error)
{
  *skip = FALSE;
  for (const char *letter = *word + 1; *letter != '\0'; letter++)
    {
      const GOptionEntry *option = find_short (options, *letter);
      const char *rest = letter[1] != '\0' ? letter + 1 : NULL;
      gboolean whole = find_long (options, *word + 1, strlen (*word + 1)) != NULL;

      if (option == NULL && whole)
        return refuse_unknown (options, g_strdup (*word), *word + 1, error);
      if (option == NULL)
        return refuse_unknown (
            options, g_strdup_printf ("-%.*s", g_utf8_skip[(guint8)*letter], letter), "", error);
      if (takes_value (option))
        return check_value (option, rest, word[1], skip, error);
    }
  return TRUE;
}

/* Checks the words behind the first. `options`: of the verb, ending with an empty one.
 * Errors: G_OPTION_ERROR. */
gboolean
ctl_spelling_check (Ctl *ctl, const GOptionEntry *options, GError **error)
{
  const Options all = { ctl->verb, { options, ctl->globals } };

  for (char **word = ctl->words + 1; *word != NULL && strcmp (*word, "--") != 0; word++)
    {
      gboolean is_long = g_str_has_prefix (*word, "--"), skip = FALSE;

      if (**word != '-' || strcmp (*word, "-") == 0)
        {
          if (ctl->verb == NULL)
            break; /* the verb */
          continue;
        }
      if (!(is_long ? check_long (&all, word, &skip, error)
                    : check_short (&all, word, &skip, error)))
        return FALSE;
      if (skip)
        word++;
    }
  return TRUE;
}
