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

static const char *const match_names[] = { "leaf", "path", NULL };
static const char *const mode_names[] = { "enforce", "report", NULL };
static const char *const state_names[] = { "active", "blocked", NULL };

G_GNUC_PRINTF (2, 3)
static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, format, arguments);
  va_end (arguments);
  return FALSE;
}

/* GKeyFile merges repeated groups and lets the last of repeated keys win: neither may pass in
 * silence. */
static gboolean
check_no_repetition (const char *text, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const char *group = "";

  for (size_t i = 0; lines[i] != NULL; i++)
    {
      char *line = g_strstrip (lines[i]);
      char *equals = strchr (line, '=');
      g_autofree char *name = NULL;

      if (*line == '\0' || *line == '#')
        continue;
      if (*line == '[')
        name = g_strdup (group = line);
      else if (equals != NULL)
        {
          g_autofree char *key = g_strchomp (g_strndup (line, (gsize)(equals - line)));
          name = g_strconcat (group, key, NULL);
        }
      if (name != NULL && !g_hash_table_add (seen, g_steal_pointer (&name)))
        return refuse (error, "line %" G_GSIZE_FORMAT " repeats ‘%s’", i + 1, line);
    }
  return TRUE;
}

static gboolean
check_known_keys (GKeyFile *file, const char *group, const char *const *known, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file, group, NULL, error);

  if (keys == NULL)
    return FALSE;
  for (size_t i = 0; keys[i] != NULL; i++)
    if (!g_strv_contains (known, keys[i]))
      return refuse (error, "group ‘%s’ has the unknown key ‘%s’", group, keys[i]);
  return TRUE;
}

/* Whatever a newer format means, this program cannot hold to. */
static gboolean
refuse_version (const char *version, GError **error)
{
  gint64 number;

  if (version != NULL && cpd_text_parse_number (version, &number) && number > FORMAT_VERSION)
    return refuse (error,
                   "it has the newer format ‘%s’, but this certpind reads format %d; install the "
                   "certpind that wrote it",
                   version, FORMAT_VERSION);
  return refuse (error, "Version=%s is not %d", version != NULL ? version : "", FORMAT_VERSION);
}

static gboolean
check_header (GKeyFile *file, const CpdPinFileContext *context, GError **error)
{
  g_autofree char *first = g_key_file_get_start_group (file);
  g_autofree char *version = NULL, *account = NULL;

  if (g_strcmp0 (first, HEADER_GROUP) != 0)
    return refuse (error, "the first group is not [" HEADER_GROUP "]");
  version = cpd_text_of_key (file, HEADER_GROUP, "Version", NULL);
  if (g_strcmp0 (version, G_STRINGIFY (FORMAT_VERSION)) != 0)
    return refuse_version (version, error);
  account = cpd_text_of_key (file, HEADER_GROUP, "Account", NULL);
  if (context->account != NULL && g_strcmp0 (account, context->account) != 0)
    return refuse (error, "it was written for the account ‘%s’, but the uid now belongs to ‘%s’",
                   account != NULL ? account : "", context->account);
  return check_known_keys (file, HEADER_GROUP, header_keys, error);
}

/* Reads one of `names` into `value`, which keeps its default where the key is absent. */
static gboolean
read_choice (GKeyFile *file, const char *group, const char *key, const char *const *names,
             GError **error, int *value)
{
  g_autofree char *text = cpd_text_of_key (file, group, key, NULL);

  if (text == NULL)
    return !g_key_file_has_key (file, group, key, NULL)
           || refuse (error, "‘%s’ cannot be read", key);
  for (int i = 0; names[i] != NULL; i++)
    if (g_str_equal (text, names[i]))
      {
        *value = i;
        return TRUE;
      }
  return refuse (error, "%s=%s is neither %s nor %s", key, text, names[0], names[1]);
}

static gboolean
read_number (GKeyFile *file, const char *group, const char *key, gint64 *value, GError **error)
{
  g_autofree char *text = NULL;

  if (!g_key_file_has_key (file, group, key, NULL))
    return TRUE;
  text = cpd_text_of_key (file, group, key, NULL);
  if (text == NULL || !cpd_text_parse_number (text, value) || *value < 0)
    return refuse (error, "%s=%s is not a number of Unix seconds", key, text != NULL ? text : "");
  return TRUE;
}

static gboolean
read_keys (GKeyFile *file, const char *group, CpdPin *pin, GError **error)
{
  g_auto (GStrv) texts = g_key_file_get_string_list (file, group, "Keys", NULL, NULL);

  for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      g_autoptr (CertpinKey) key = certpin_key_new_from_text (texts[i], error);

      if (key == NULL)
        return FALSE;
      cpd_pin_add_key (pin, key);
    }
  if (pin->keys->len == 0 && pin->state == CPD_STATE_ACTIVE)
    return refuse (error, "Keys= is empty; a pin without keys would check nothing");
  if (pin->keys->len != 0 && pin->state == CPD_STATE_BLOCKED)
    return refuse (error, "a blocked host has no Keys=");
  return TRUE;
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
read_anchor (const char *text, const CpdPinFileContext *context, GError **error)
{
  GBytes *der;

  if (g_str_has_suffix (text, ".der") && context->read_beside != NULL && strchr (text, '/') == NULL)
    return context->read_beside (text, context->folder, error);
  der = decode_base64 (text);
  if (der == NULL)
    refuse (error,
            "TrustAnchors=%s is neither base64 nor, in an administrator's file, the name of a .der "
            "file "
            "beside it",
            text);
  return der;
}

static gboolean
read_anchors (GKeyFile *file, const char *group, const CpdPinFileContext *context, CpdPin *pin,
              GError **error)
{
  g_auto (GStrv) texts = g_key_file_get_string_list (file, group, "TrustAnchors", NULL, NULL);
  g_autoptr (GPtrArray) ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  if (!g_key_file_has_key (file, group, "TrustAnchors", NULL))
    return TRUE;
  for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      GBytes *der = read_anchor (texts[i], context, error);

      if (der == NULL)
        return FALSE;
      g_ptr_array_add (ders, der);
    }
  if (ders->len == 0)
    return refuse (error, "TrustAnchors= is empty; leave it out to trust the system's");
  pin->anchors = cpd_anchors_new (ders, error);
  return pin->anchors != NULL;
}

static gboolean
read_texts (GKeyFile *file, const char *group, CpdPin *pin, GError **error)
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
      if (!g_key_file_has_key (file, group, texts[i].key, NULL))
        continue;
      *texts[i].value = cpd_text_of_key (file, group, texts[i].key, error);
      if (*texts[i].value == NULL)
        return FALSE;
      if (!cpd_text_is_plain (*texts[i].value))
        return refuse (error, "%s= holds control or bidirectional characters", texts[i].key);
    }
  pin->warnings = g_key_file_get_string_list (file, group, "Warnings", NULL, NULL);
  return TRUE;
}

/* The rest of a group whose host is known. */
static gboolean
read_pin (GKeyFile *file, const char *group, const CpdPinFileContext *context, CpdPin *pin,
          GError **error)
{
  int match = 0, mode = 0, state = 0;

  if (!check_known_keys (file, group, pin_keys, error)
      || !read_choice (file, group, "Match", match_names, error, &match)
      || !read_choice (file, group, "Mode", mode_names, error, &mode)
      || !read_choice (file, group, "State", state_names, error, &state)
      || !read_number (file, group, "Expires", &pin->expires, error)
      || !read_number (file, group, "NotAfter", &pin->not_after, error)
      || !read_number (file, group, "Created", &pin->created, error)
      || !read_texts (file, group, pin, error))
    return FALSE;
  pin->match = (CpdMatch)match;
  pin->mode = (CpdMode)mode;
  pin->state = (CpdState)state;
  pin->source = g_strdup (context->source);
  return read_keys (file, group, pin, error) && read_anchors (file, group, context, pin, error);
}

static CpdHost *
read_host (GKeyFile *file, const char *group, GError **error)
{
  g_autofree char *text = cpd_text_of_key (file, group, "Host", error);

  return text != NULL ? cpd_host_new (text, error) : NULL;
}

static GKeyFile *
load (GBytes *bytes, const CpdPinFileContext *context, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  g_autofree char *text = g_strndup (data != NULL ? data : "", length);
  g_autoptr (GKeyFile) file = g_key_file_new ();

  if (strlen (text) != length || !g_utf8_validate (text, -1, NULL))
    {
      refuse (error, "it is not text in UTF-8");
      return NULL;
    }
  if (!check_no_repetition (text, error)
      || !g_key_file_load_from_data (file, text, length, G_KEY_FILE_KEEP_TRANSLATIONS, error)
      || !check_header (file, context, error))
    return NULL;
  return g_steal_pointer (&file);
}

/* Makes any error one of the store that names the file. */
static GPtrArray *
fail (GError **error, GError *reason, const CpdPinFileContext *context)
{
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "pin file ‘%s’: %s",
               context->source, reason->message);
  g_error_free (reason);
  return NULL;
}

/* `hosts`: (out) (transfer full): of CpdHost: the hosts that the file speaks of, also where it
 * fails; NULL where they cannot be known
 * Errors: CERTPIN_ERROR_STORE_FAILED, naming the file.
 * Returns: (transfer full): of CpdPin, in the order of the file */
GPtrArray *
cpd_pin_file_parse (GBytes *text, const CpdPinFileContext *context, GPtrArray **hosts,
                    GError **error)
{
  g_autoptr (GPtrArray) pins = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
  g_autoptr (GPtrArray) named = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_host_unref);
  g_autoptr (GKeyFile) file = NULL;
  g_auto (GStrv) groups = NULL;
  GError *reason = NULL;

  *hosts = NULL;
  file = load (text, context, &reason);
  if (file == NULL)
    return fail (error, reason, context);

  groups = g_key_file_get_groups (file, NULL);
  for (size_t i = 1; groups[i] != NULL; i++)
    {
      CpdHost *host = read_host (file, groups[i], &reason);

      if (host == NULL)
        return fail (error, reason, context);
      g_ptr_array_add (named, host);
    }
  *hosts = g_ptr_array_ref (named);
  for (size_t i = 1; groups[i] != NULL; i++)
    {
      CpdPin *pin = cpd_pin_new (named->pdata[i - 1], context->layer);

      g_ptr_array_add (pins, pin);
      if (!read_pin (file, groups[i], context, pin, &reason))
        return fail (error, reason, context);
    }
  return g_steal_pointer (&pins);
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
  g_key_file_set_string (file, group, "Match", match_names[pin->match]);
  g_key_file_set_string (file, group, "Mode", mode_names[pin->mode]);
  g_key_file_set_string (file, group, "State", state_names[pin->state]);
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
