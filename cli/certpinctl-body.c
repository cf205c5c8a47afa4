/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a request, from the command line. It must not surprise users of curl(1): the options
 * mean what they mean there; --json-body is its --json. */

#include "config.h"

#include "certpinctl-body.h"

#include "certpinctl-input.h"
#include "certpinctl-trouble.h"

#include <glib/gi18n.h>

#include <certpin.h>

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of what is kept in memory. */
#define BODY_MAX_BYTES (64 * 1024 * 1024)

/* What a part of the body is made of. */
typedef enum
{
  PART_TEXT,   /* text, or @ and the name of a file, whose line ends are left out */
  PART_RAW,    /* text */
  PART_BINARY, /* text, or @ and the name of a file */
  PART_FIELD,  /* a field of a form, to be encoded */
  PART_JSON,   /* as PART_BINARY, and joined without & */
} PartKind;

typedef struct
{
  PartKind kind;
  char *text;
} Part;

static void
part_free (Part *part)
{
  g_free (part->text);
  g_free (part);
}

void
ctl_body_clear (CtlBody *given)
{
  g_clear_pointer (&given->parts, g_ptr_array_unref);
  g_strfreev (given->data_files);
  g_strfreev (given->uploads);
}

static PartKind
kind_of_option (const char *option)
{
  static const struct
  {
    const char *name;
    PartKind kind;
  } kinds[] = { { "--data-raw", PART_RAW },
                { "--data-binary", PART_BINARY },
                { "--data-urlencode", PART_FIELD },
                { "--json-body", PART_JSON } };

  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (option, kinds[i].name) == 0)
      return kinds[i].kind;
  return PART_TEXT;
}

static gboolean
starts_json (const CtlBody *given)
{
  return given->parts != NULL && given->parts->len > 0
         && ((Part *)given->parts->pdata[0])->kind == PART_JSON;
}

/* Adds a part; they are joined in the order of the command line, whatever their options.
 * Errors: G_OPTION_ERROR if it is in JSON and another one is not. */
gboolean
ctl_body_add (CtlBody *given, const char *option, const char *value, GError **error)
{
  Part *part = g_new0 (Part, 1);

  part->kind = kind_of_option (option);
  part->text = g_strdup (value);
  if (given->parts == NULL)
    given->parts = g_ptr_array_new_with_free_func ((GDestroyNotify)part_free);
  g_ptr_array_add (given->parts, part);
  if (starts_json (given) == (part->kind == PART_JSON))
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                       _ ("--json-body cannot be combined with other options for a body"));
  return FALSE;
}

static void
refuse_large (GError **error)
{
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               _ ("the body is larger than %d bytes; send it from a file with -T"), BODY_MAX_BYTES);
}

/* Returns: (transfer full) (nullable) */
static GBytes *
read_file (const char *path, GError **error)
{
  g_autoptr (GError) reason = NULL;
  GBytes *bytes = ctl_input_read (path, BODY_MAX_BYTES, &reason);

  if (g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT)) /* too large */
    refuse_large (error);
  else if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  return bytes;
}

/* As curl does, leaves out line ends and null bytes: a file of form fields is text, and editors end
 * it with a newline. */
static gboolean
append_file (GByteArray *body, const char *path, GError **error)
{
  g_autoptr (GBytes) file = read_file (path, error);
  gsize length;
  const guint8 *bytes;

  if (file == NULL)
    return FALSE;
  bytes = g_bytes_get_data (file, &length);
  for (gsize i = 0; i < length; i++)
    if (bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != '\0')
      g_byte_array_append (body, &bytes[i], 1);
  return TRUE;
}

/* Unchanged. */
static gboolean
append_whole_file (GByteArray *body, const char *path, GError **error)
{
  g_autoptr (GBytes) file = read_file (path, error);

  if (file == NULL)
    return FALSE;
  g_byte_array_append (body, g_bytes_get_data (file, NULL), (guint)g_bytes_get_size (file));
  return TRUE;
}

static void
append_text (GByteArray *body, const char *text)
{
  g_byte_array_append (body, (const guint8 *)text, (guint)strlen (text));
}

/* RFC 3986, section 2.3: everything else is percent-encoded; a space becomes +, as in forms. */
static void
append_encoded (GByteArray *body, const guint8 *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      char code[4];

      if (g_ascii_isalnum (bytes[i]) || (bytes[i] != 0 && strchr ("-._~", bytes[i]) != NULL))
        g_byte_array_append (body, &bytes[i], 1);
      else if (bytes[i] == ' ')
        append_text (body, "+");
      else
        {
          g_snprintf (code, sizeof code, "%%%02X", bytes[i]);
          append_text (body, code);
        }
    }
}

/* CONTENT, =CONTENT, NAME=CONTENT, @FILE or NAME@FILE, where the content is encoded. */
static gboolean
append_field (GByteArray *body, const char *text, GError **error)
{
  const char *mark = strchr (text, '=');
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autofree char *name = NULL;

  if (mark == NULL)
    mark = strchr (text, '@');
  if (mark != NULL && mark > text)
    {
      name = g_strdup_printf ("%.*s=", (int)(mark - text), text);
      append_text (body, name);
    }
  if (mark == NULL || *mark == '=')
    {
      const char *content = mark != NULL ? mark + 1 : text;

      append_encoded (body, (const guint8 *)content, strlen (content));
      return TRUE;
    }
  if (!append_whole_file (file, mark + 1, error))
    return FALSE;
  append_encoded (body, file->data, file->len);
  return TRUE;
}

static gboolean
append_part (GByteArray *body, const Part *part, GError **error)
{
  if (part->kind == PART_FIELD)
    return append_field (body, part->text, error);
  if (*part->text == '@' && part->kind == PART_TEXT)
    return append_file (body, part->text + 1, error);
  if (*part->text == '@' && part->kind != PART_RAW)
    return append_whole_file (body, part->text + 1, error);
  append_text (body, part->text);
  return TRUE;
}

/* Returns: (transfer full) (nullable): the parts; those that are not JSON are joined with & */
static GBytes *
join_parts (const CtlBody *given, GError **error)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  for (unsigned int i = 0; i < given->parts->len; i++)
    {
      if (i > 0 && !starts_json (given))
        append_text (body, "&");
      if (!append_part (body, given->parts->pdata[i], error))
        return NULL;
      if (body->len > BODY_MAX_BYTES)
        {
          refuse_large (error);
          return NULL;
        }
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&body));
}

gboolean
ctl_body_is_json (const CtlBody *given)
{
  return starts_json (given);
}

/* Returns: (nullable): the Content-Type that curl sends if it is told no other */
const char *
ctl_body_get_type (const CtlBody *given)
{
  if (given->parts == NULL)
    return NULL;
  return starts_json (given) ? "application/json" : "application/x-www-form-urlencoded";
}

/* `number`: of the request. One file is sent by all of them; of several, each sends its own.
 * Returns: (nullable): the name of its file */
const char *
ctl_body_get_upload (const CtlBody *given, unsigned int number)
{
  if (given->uploads == NULL)
    return NULL;
  return given->uploads[given->uploads[1] == NULL ? 0 : number];
}

/* Opens a file of -T. Only a regular file has a size that is known before it is read; standard
 * input may be one, too.
 * Errors: CERTPIN_ERROR_FILE_NOT_FOUND, CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full) (nullable) */
GInputStream *
ctl_body_open (const char *path, goffset *length, GError **error)
{
  gboolean standard = strcmp (path, "-") == 0;
  g_autofree char *shown = ctl_input_show (path);
  int descriptor = standard ? fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                            : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  int number = errno;
  struct stat state;
  off_t from;

  if (descriptor >= 0 && fstat (descriptor, &state) == 0 && S_ISREG (state.st_mode)
      && (from = lseek (descriptor, 0, SEEK_CUR)) >= 0)
    {
      *length = MAX (state.st_size - from, 0);
      return g_unix_input_stream_new (descriptor, /* close_fd= */ TRUE);
    }
  if (descriptor >= 0)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   _ ("%s is not a regular file, whose size -T needs; send it with --data-file"),
                   shown);
      close (descriptor);
    }
  else
    {
      g_autofree char *trouble = ctl_trouble_read (path, number);

      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND, _ ("cannot read %s: %s"),
                   shown, trouble);
    }
  return NULL;
}

/* `body`: stays NULL where none is given, or where it is a file of any size.
 * Errors: G_OPTION_ERROR where there are several; CERTPIN_ERROR_FILE_NOT_FOUND,
 * CERTPIN_ERROR_INVALID_ARGUMENT where it is too large. */
gboolean
ctl_body_read (const CtlBody *given, GBytes **body, GError **error)
{
  unsigned int files = given->data_files != NULL ? g_strv_length (given->data_files) : 0;

  if ((given->parts != NULL) + files + (given->uploads != NULL) > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("give only one of --data-file, -T, and the other options for a body"));
      return FALSE;
    }
  if (given->parts == NULL && files == 0)
    return TRUE;
  if (given->parts != NULL)
    *body = join_parts (given, error);
  else
    *body = read_file (given->data_files[0], error);
  return *body != NULL;
}
