/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one format in which pins are written down, version 1: a key file whose first group is [Pin
 * File], and each further group one pin. docs/man/certpin.pin.5 describes it. What is not
 * understood is an error, never passed over: a pin that is lost in reading is a check that is not
 * made. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-text.h"

#include <string.h>

#define HEADER_GROUP   "Pin File"
#define FORMAT_VERSION 1

static const char *const header_keys[] = { "Version", "Account", NULL };
static const char *const pin_keys[]
    = { "Host",   "Keys",    "Match",  "Mode",     "Expires",  "TrustAnchors", "State",     "Note",
        "Reason", "Subject", "Issuer", "NotAfter", "Warnings", "Created",      "CreatedBy", NULL };

/* Of one file, no more than that are told. */
#define FAULTS_MAX 100

#define SHOWN_MAX_BYTES 80

/* A file that is being read, to its end whatever is wrong with it: whoever fixes it wants to know
 * everything. */
typedef struct
{
  const CpdPinFileContext *context;
  GKeyFile *file;
  GHashTable *lines; /* "[group]" and "[group]key", owned → its number, from 1 */
  const char *group; /* that is being read */
  GPtrArray *faults; /* of char *: what is wrong with it */
} Reading;

static void
add_fault (Reading *reading, unsigned int line, const char *text)
{
  const char *source = reading->context->source;

  if (reading->faults->len > FAULTS_MAX)
    return;
  if (reading->faults->len == FAULTS_MAX)
    text = "more is wrong with it, which is not listed";
  g_ptr_array_add (reading->faults,
                   line != 0 && reading->faults->len < FAULTS_MAX
                       ? g_strdup_printf ("pin file ‘%s’, line %u: %s", source, line, text)
                       : g_strdup_printf ("pin file ‘%s’: %s", source, text));
}

/* Notes what is wrong. `line`: 0: it is not about one line */
G_GNUC_PRINTF (3, 4)
static void
complain_at (Reading *reading, unsigned int line, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add_fault (reading, line, text);
}

/* Returns: where the key is in the group that is being read, or that group where it is missing */
static unsigned int
find_line (Reading *reading, const char *key)
{
  g_autofree char *group = g_strdup_printf ("[%s]", reading->group);
  g_autofree char *name = g_strconcat (group, key, NULL);
  gpointer line = g_hash_table_lookup (reading->lines, name);

  if (line == NULL)
    line = g_hash_table_lookup (reading->lines, group);
  return GPOINTER_TO_UINT (line);
}

/* Notes what is wrong with a key of the group that is being read. */
G_GNUC_PRINTF (3, 4)
static void
complain (Reading *reading, const char *key, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add_fault (reading, find_line (reading, key), text);
}

/* `error`: (transfer full): why the key cannot be read */
static void
complain_of_error (Reading *reading, const char *key, GError *error)
{
  complain (reading, key, "%s", error->message);
  g_error_free (error);
}

/* GKeyFile merges repeated groups and lets the last of repeated keys win: neither may pass in
 * silence. It stops at what is neither group nor key.
 * Returns: whether the line is one that GKeyFile can read */
static gboolean
scan_line (Reading *reading, char **group, char *line, unsigned int number)
{
  char *equals = strchr (line, '=');
  g_autofree char *shown = cpd_text_shorten (line, strlen (line), SHOWN_MAX_BYTES);
  g_autofree char *name = NULL;

  if (*line == '\0' || *line == '#')
    return TRUE;
  if (*line == '[')
    {
      g_free (*group);
      *group = g_strdup (line);
      name = g_strdup (line);
    }
  else if (equals != NULL)
    {
      g_autofree char *key = g_strchomp (g_strndup (line, (gsize)(equals - line)));
      name = g_strconcat (*group, key, NULL);
    }
  else
    {
      complain_at (reading, number, "‘%s’ is neither a [group] nor a key=value", shown);
      return FALSE;
    }
  if (g_hash_table_contains (reading->lines, name))
    complain_at (reading, number, "‘%s’ repeats a group, or a key of its group", shown);
  else
    g_hash_table_insert (reading->lines, g_steal_pointer (&name), GUINT_TO_POINTER (number));
  return TRUE;
}

/* Returns: (transfer full): the text without the lines that are none */
static char *
scan (Reading *reading, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *group = g_strdup ("");

  for (unsigned int i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = g_strstrip (g_strdup (lines[i]));

      if (!scan_line (reading, &group, line, i + 1))
        *lines[i] = '\0';
    }
  return g_strjoinv ("\n", lines);
}

static void
check_known_keys (Reading *reading, const char *const *known)
{
  g_auto (GStrv) keys = g_key_file_get_keys (reading->file, reading->group, NULL, NULL);

  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    if (!g_strv_contains (known, keys[i]))
      complain (reading, keys[i], "the key ‘%s’ is not known", keys[i]);
}

/* Whatever a newer format means, this program cannot hold to. */
static void
complain_of_version (Reading *reading, const char *version)
{
  gint64 number;

  if (version != NULL && cpd_text_parse_number (version, &number) && number > FORMAT_VERSION)
    complain (reading, "Version",
              "it has the newer format ‘%s’, but this certpind reads format %d; install the "
              "certpind that wrote it",
              version, FORMAT_VERSION);
  else
    complain (reading, "Version", "Version=%s is not %d", version != NULL ? version : "",
              FORMAT_VERSION);
}

/* Returns: whether the format is known, so that it makes sense to read on */
static gboolean
read_header (Reading *reading)
{
  const char *wanted = reading->context->account;
  g_autofree char *first = g_key_file_get_start_group (reading->file);
  g_autofree char *version = NULL, *account = NULL;

  if (g_strcmp0 (first, HEADER_GROUP) != 0)
    {
      g_ptr_array_set_size (reading->faults, 0); /* it is no pin file, and no line of it matters */
      complain_at (reading, 0, "the first group is not [" HEADER_GROUP "]");
      return FALSE;
    }
  reading->group = HEADER_GROUP;
  version = cpd_text_of_key (reading->file, HEADER_GROUP, "Version", NULL);
  if (g_strcmp0 (version, G_STRINGIFY (FORMAT_VERSION)) != 0)
    {
      complain_of_version (reading, version);
      return FALSE;
    }
  account = cpd_text_of_key (reading->file, HEADER_GROUP, "Account", NULL);
  if (wanted != NULL && g_strcmp0 (account, wanted) != 0)
    complain (reading, "Account",
              "it was written for the account ‘%s’, but the uid now belongs to ‘%s’",
              account != NULL ? account : "", wanted);
  check_known_keys (reading, header_keys);
  return TRUE;
}

static gboolean
has (Reading *reading, const char *key)
{
  return g_key_file_has_key (reading->file, reading->group, key, NULL);
}

/* Returns: which of `names` it is; the first where the key is absent */
static int
read_choice (Reading *reading, const char *key, const char *const *words)
{
  g_autofree char *text = cpd_text_of_key (reading->file, reading->group, key, NULL);

  if (text == NULL && has (reading, key))
    complain (reading, key, "the value of ‘%s’ cannot be read", key);
  if (text == NULL)
    return 0;
  for (int i = 0; words[i] != NULL; i++)
    if (g_str_equal (text, words[i]))
      return i;
  complain (reading, key, "%s=%s is neither %s nor %s", key, text, words[0], words[1]);
  return 0;
}

static void
read_number (Reading *reading, const char *key, gint64 *value)
{
  g_autofree char *text = NULL;

  if (!has (reading, key))
    return;
  text = cpd_text_of_key (reading->file, reading->group, key, NULL);
  if (text == NULL || !cpd_text_parse_number (text, value) || *value < 0)
    complain (reading, key, "%s=%s is not a number of Unix seconds", key, text != NULL ? text : "");
}

static void
read_expiry (Reading *reading, CpdPin *pin)
{
  read_number (reading, "Expires", &pin->expires);
  if (pin->expires > CPD_PIN_EXPIRES_MAX)
    complain (reading, "Expires",
              "Expires=%" G_GINT64_FORMAT " is after the year 9999; leave it out for never",
              pin->expires);
}

static void
read_keys (Reading *reading, CpdPin *pin)
{
  g_auto (GStrv) texts
      = g_key_file_get_string_list (reading->file, reading->group, "Keys", NULL, NULL);
  gboolean any = texts != NULL && texts[0] != NULL;

  for (size_t i = 0; any && texts[i] != NULL; i++)
    {
      GError *error = NULL;
      g_autoptr (CertpinKey) key = certpin_key_new_from_text (texts[i], &error);

      if (key != NULL)
        cpd_pin_add_key (pin, key);
      else
        complain_of_error (reading, "Keys", error);
    }
  if (!any && pin->state == CPD_STATE_ACTIVE)
    complain (reading, "Keys", "Keys= is empty; a pin without keys would check nothing");
  if (any && pin->state == CPD_STATE_BLOCKED)
    complain (reading, "Keys", "a blocked host has no Keys=");
}

/* Returns: (transfer full) (nullable): what base64 says, if it is base64 and nothing else */
static GBytes *
decode_base64 (const char *text)
{
  gsize length;
  g_autofree guchar *decoded = g_base64_decode (text, &length);
  g_autofree char *again = g_base64_encode (decoded, length);

  return g_str_equal (again, text) ? g_bytes_new (decoded, length) : NULL;
}

/* An anchor is base64 DER, or (in an administrator's file) the name of a file beside it. */
static GBytes *
read_anchor (Reading *reading, const char *text)
{
  const CpdPinFileContext *context = reading->context;
  GError *error = NULL;
  GBytes *der;

  if (g_str_has_suffix (text, ".der") && context->read_beside != NULL && strchr (text, '/') == NULL)
    {
      der = context->read_beside (text, context->folder, &error);
      if (der == NULL)
        complain_of_error (reading, "TrustAnchors", error);
      return der;
    }
  der = decode_base64 (text);
  if (der == NULL)
    complain (reading, "TrustAnchors",
              "TrustAnchors=%s is neither base64 nor, in an administrator's file, the name of a "
              ".der file beside it",
              text);
  return der;
}

static void
read_anchors (Reading *reading, CpdPin *pin)
{
  g_auto (GStrv) texts
      = g_key_file_get_string_list (reading->file, reading->group, "TrustAnchors", NULL, NULL);
  g_autoptr (GPtrArray) ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  gboolean any = texts != NULL && texts[0] != NULL;
  GError *error = NULL;

  if (!any && has (reading, "TrustAnchors"))
    complain (reading, "TrustAnchors",
              "TrustAnchors= is empty; leave it out to trust the system's");
  for (size_t i = 0; any && texts[i] != NULL; i++)
    {
      GBytes *der = read_anchor (reading, texts[i]);

      if (der != NULL)
        g_ptr_array_add (ders, der);
    }
  if (ders->len == 0)
    return;
  pin->anchors = cpd_anchors_new (ders, &error);
  if (pin->anchors == NULL)
    complain_of_error (reading, "TrustAnchors", error);
}

static void
read_texts (Reading *reading, CpdPin *pin)
{
  const struct
  {
    const char *key;
    char **value;
  } texts[] = {
    { "Note", &pin->note },     { "Reason", &pin->reason },        { "Subject", &pin->subject },
    { "Issuer", &pin->issuer }, { "CreatedBy", &pin->created_by },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      GError *error = NULL;

      if (!has (reading, texts[i].key))
        continue;
      *texts[i].value = cpd_text_of_key (reading->file, reading->group, texts[i].key, &error);
      if (*texts[i].value == NULL)
        complain_of_error (reading, texts[i].key, error);
      else if (!cpd_text_is_plain (*texts[i].value))
        complain (reading, texts[i].key, "%s= contains control or bidirectional characters",
                  texts[i].key);
    }
  pin->warnings
      = g_key_file_get_string_list (reading->file, reading->group, "Warnings", NULL, NULL);
}

/* Returns: (transfer full): the pin of the group that is being read */
static CpdPin *
read_pin (Reading *reading, CpdHost *host)
{
  CpdPin *pin = cpd_pin_new (host, reading->context->layer);

  check_known_keys (reading, pin_keys);
  pin->match = (CpdMatch)read_choice (reading, "Match", cpd_match_words);
  pin->mode = (CpdMode)read_choice (reading, "Mode", cpd_mode_words);
  pin->state = (CpdState)read_choice (reading, "State", cpd_state_words);
  read_expiry (reading, pin);
  read_number (reading, "NotAfter", &pin->not_after);
  read_number (reading, "Created", &pin->created);
  read_texts (reading, pin);
  pin->source = g_strdup (reading->context->source);
  read_keys (reading, pin);
  read_anchors (reading, pin);
  return pin;
}

/* Returns: (transfer full): the host of the group that is being read; where there is none, one that
 * stands for it, so that the rest of the group is looked at as well */
static CpdHost *
read_host (Reading *reading)
{
  GError *error = NULL;
  g_autofree char *text = cpd_text_of_key (reading->file, reading->group, "Host", &error);
  CpdHost *host = text != NULL ? cpd_host_new (text, &error) : NULL;

  if (host != NULL)
    return host;
  complain_of_error (reading, "Host", error);
  return cpd_host_new ("unreadable.invalid", NULL);
}

/* Returns: whether the pins can be read, if only to say what is wrong with them */
static gboolean
load (Reading *reading, GBytes *bytes)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  g_autofree char *text = g_strndup (data != NULL ? data : "", length);
  g_autofree char *lines = NULL;
  g_autoptr (GError) error = NULL;

  if (strlen (text) != length || !g_utf8_validate (text, -1, NULL))
    {
      complain_at (reading, 0, "it is not text in UTF-8");
      return FALSE;
    }
  lines = scan (reading, text);
  if (!g_key_file_load_from_data (reading->file, lines, strlen (lines),
                                  G_KEY_FILE_KEEP_TRANSLATIONS, &error))
    {
      complain_at (reading, 0, "%s", error->message);
      return FALSE;
    }
  return read_header (reading);
}

/* Returns: (transfer full): of CpdPin, in the order of the file. `hosts`: (out): their hosts, where
 * all of them are known */
static GPtrArray *
read_pins (Reading *reading, GPtrArray **hosts)
{
  g_auto (GStrv) groups = g_key_file_get_groups (reading->file, NULL);
  g_autoptr (GPtrArray) named = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_host_unref);
  GPtrArray *pins = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);

  for (size_t i = 1; groups[i] != NULL; i++)
    {
      reading->group = groups[i];
      g_ptr_array_add (named, read_host (reading));
    }
  if (reading->faults->len == 0)
    *hosts = g_ptr_array_ref (named);
  for (size_t i = 1; groups[i] != NULL; i++)
    {
      reading->group = groups[i];
      g_ptr_array_add (pins, read_pin (reading, named->pdata[i - 1]));
    }
  return pins;
}

/* `hosts`: (out) (transfer full): of CpdHost: the hosts that the file speaks of, also where it
 * fails; NULL where they cannot be known
 * Errors: CERTPIN_ERROR_STORE_FAILED, naming the file, the line and the first thing that is wrong.
 * Returns: (transfer full): of CpdPin, in the order of the file */
GPtrArray *
cpd_pin_file_parse (GBytes *text, const CpdPinFileContext *context, GPtrArray **hosts,
                    GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) faults = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) pins = NULL;
  Reading reading = { .context = context, .file = file, .lines = lines, .faults = faults };

  *hosts = NULL;
  if (load (&reading, text))
    pins = read_pins (&reading, hosts);
  if (faults->len == 0)
    return g_steal_pointer (&pins);
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, faults->pdata[0]);
  for (unsigned int i = 0; context->problems != NULL && i < faults->len; i++)
    g_ptr_array_add (context->problems, g_strdup (faults->pdata[i]));
  return NULL;
}

static void
print_texts (GKeyFile *file, const char *group, const CpdPin *pin)
{
  const struct
  {
    const char *key;
    const char *value;
  } texts[] = {
    { "Note", pin->note },     { "Reason", pin->reason },        { "Subject", pin->subject },
    { "Issuer", pin->issuer }, { "CreatedBy", pin->created_by },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i].value != NULL)
      g_key_file_set_string (file, group, texts[i].key, texts[i].value);
  if (pin->warnings != NULL && pin->warnings[0] != NULL)
    g_key_file_set_string_list (file, group, "Warnings", (const char *const *)pin->warnings,
                                g_strv_length (pin->warnings));
}

static void
print_keys (GKeyFile *file, const char *group, const CpdPin *pin)
{
  g_autoptr (GStrvBuilder) keys = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) anchors = g_strv_builder_new ();
  GPtrArray *ders = pin->anchors != NULL ? cpd_anchors_get_ders (pin->anchors) : NULL;
  g_auto (GStrv) key_texts = NULL, anchor_texts = NULL;

  for (unsigned int i = 0; i < pin->keys->len; i++)
    {
      g_autofree char *text = certpin_key_to_text (pin->keys->pdata[i]);
      g_strv_builder_add (keys, text);
    }
  for (unsigned int i = 0; ders != NULL && i < ders->len; i++)
    {
      gsize length;
      const guint8 *der = g_bytes_get_data (ders->pdata[i], &length);
      g_autofree char *text = g_base64_encode (der, length);
      g_strv_builder_add (anchors, text);
    }
  key_texts = g_strv_builder_end (keys);
  anchor_texts = g_strv_builder_end (anchors);
  if (pin->keys->len > 0)
    g_key_file_set_string_list (file, group, "Keys", (const char *const *)key_texts,
                                pin->keys->len);
  if (ders != NULL)
    g_key_file_set_string_list (file, group, "TrustAnchors", (const char *const *)anchor_texts,
                                ders->len);
}

/* Returns: (transfer full): a pin file that holds this one pin */
GBytes *
cpd_pin_file_print (const CpdPin *pin, const char *account)
{
  static const char group[] = "Pin";
  g_autoptr (GKeyFile) file = g_key_file_new ();
  gsize length;
  char *text;

  g_key_file_set_integer (file, HEADER_GROUP, "Version", FORMAT_VERSION);
  if (account != NULL)
    g_key_file_set_string (file, HEADER_GROUP, "Account", account);
  g_key_file_set_string (file, group, "Host", cpd_host_get_text (pin->host));
  g_key_file_set_string (file, group, "Match", cpd_match_words[pin->match]);
  g_key_file_set_string (file, group, "Mode", cpd_mode_words[pin->mode]);
  g_key_file_set_string (file, group, "State", cpd_state_words[pin->state]);
  if (pin->expires != 0)
    g_key_file_set_int64 (file, group, "Expires", pin->expires);
  if (pin->not_after > 0)
    g_key_file_set_int64 (file, group, "NotAfter", pin->not_after);
  if (pin->created > 0)
    g_key_file_set_int64 (file, group, "Created", pin->created);
  print_keys (file, group, pin);
  print_texts (file, group, pin);
  text = g_key_file_to_data (file, &length, NULL);
  return g_bytes_new_take (text, length);
}

#define NAME_MAX_BYTES 200
#define CUT_MARK       "~"

/* Returns: (transfer full): the name of the file that holds the pin of a host. Bytes outside
 * [a-z0-9.-] are written %XX; what would be too long is cut and told apart by a hash. */
char *
cpd_pin_file_name (CpdHost *host)
{
  const char *text = cpd_host_get_text (host);
  g_autoptr (GString) name = g_string_new (NULL);

  for (const char *c = text; *c != '\0'; c++)
    if (g_ascii_islower (*c) || g_ascii_isdigit (*c) || *c == '.' || *c == '-')
      g_string_append_c (name, *c);
    else
      g_string_append_printf (name, "%%%02X", (guint8)*c);
  if (name->len > NAME_MAX_BYTES)
    {
      g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

      g_string_truncate (name, NAME_MAX_BYTES - 33);
      g_string_append_printf (name, CUT_MARK "%.32s", hash);
    }
  return g_strconcat (name->str, CPD_PIN_FILE_SUFFIX, NULL);
}

/* Returns: (transfer full) (nullable): the host that a file's name tells of, where it tells it
 * whole */
CpdHost *
cpd_pin_file_name_to_host (const char *name)
{
  g_autofree char *stem = NULL, *text = NULL;

  if (!g_str_has_suffix (name, CPD_PIN_FILE_SUFFIX) || strstr (name, CUT_MARK) != NULL)
    return NULL;
  stem = g_strndup (name, strlen (name) - strlen (CPD_PIN_FILE_SUFFIX));
  text = g_uri_unescape_string (stem, NULL);
  return text != NULL ? cpd_host_new (text, NULL) : NULL;
}
