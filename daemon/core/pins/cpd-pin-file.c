/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file format of pins, version 1: a key file whose first group is [Pin File]; each other group
 * is one pin. docs/man/certpin.pin.5 describes it. Unknown or malformed text is an error, never
 * ignored: a lost pin is a check that is not made. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-key-file.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-text.h"

#include <string.h>

#define HEADER_GROUP   "Pin File"
#define FORMAT_VERSION 1

static const char *const header_keys[] = { "Version", "Account", NULL };
static const char *const pin_keys[]
    = { "Host",     "Keys",       "Match",        "Mode",        "Expires",     "TrustAnchors",
        "State",    "Note",       "Reason",       "Subject",     "Issuer",      "NotAfter",
        "Warnings", "Created",    "CreatedBy",    "PausedSince", "PausedUntil", "PauseReason",
        "PausedBy", "PausedBoot", "PausedUptime", NULL };

/* Of those, what makes a pause. */
static const char *const pause_keys[] = { "PausedSince", "PausedUntil",  "PauseReason", "PausedBy",
                                          "PausedBoot",  "PausedUptime", NULL };

/* A file that is being read. */
typedef struct
{
  const CpdPinFileContext *context;
  CpdKeyFile *file;
  CpdPinSource *source; /* NULL: it is not a file */
  GHashTable *hosts; /* of the pins before this one, not owned; NULL: a host may be there twice */
  gboolean unnamed;  /* the host of the group cannot be read */
} Reading;

/* What is quoted of a value. */
#define SHOWN_MAX_BYTES 80

#define complain(reading, key, ...) cpd_key_file_complain ((reading)->file, key, __VA_ARGS__)

/* Notes that a value is not what it should be. `what`: begins behind the value */
static void
complain_of_value (Reading *reading, const char *key, const char *value, const char *what)
{
  g_autofree char *shown = cpd_text_shorten (value != NULL ? value : "",
                                             value != NULL ? strlen (value) : 0, SHOWN_MAX_BYTES);

  complain (reading, key, "‘%s’ %s", shown, what);
}

static void
check_known_keys (Reading *reading, const char *const *known)
{
  g_auto (GStrv) keys = NULL;

  if (cpd_key_file_has_only (reading->file, known))
    return;
  keys = g_key_file_get_keys (cpd_key_file_get_content (reading->file), reading->file->group, NULL,
                              NULL);
  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    if (!g_strv_contains (known, keys[i]))
      complain (reading, keys[i], "no such key is known; see certpin.pin(5)");
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
    complain_of_value (reading, "Version", version, "is not " G_STRINGIFY (FORMAT_VERSION));
}

/* Returns: whether the format is known, so that it makes sense to read on */
static gboolean
read_header (Reading *reading)
{
  const char *wanted = reading->context->account;
  g_autofree char *version = NULL, *account = NULL;

  if (!cpd_key_file_next_group (reading->file) || !g_str_equal (reading->file->group, HEADER_GROUP))
    {
      /* It is not a pin file: no line of it matters. */
      g_ptr_array_set_size (reading->file->faults, 0);
      cpd_key_file_complain_at (reading->file, 0,
                                "the first group is not [" HEADER_GROUP
                                "], as in a pin file; see certpin.pin(5)");
      return FALSE;
    }
  version = cpd_key_file_get_text (reading->file, "Version", NULL);
  if (g_strcmp0 (version, G_STRINGIFY (FORMAT_VERSION)) != 0)
    {
      complain_of_version (reading, version);
      return FALSE;
    }
  if (cpd_key_file_has_key (reading->file, "Account"))
    account = cpd_key_file_get_text (reading->file, "Account", NULL);
  if (wanted != NULL && g_strcmp0 (account, wanted) != 0)
    complain (reading, "Account",
              "it was written for the account ‘%s’, but the uid now belongs to ‘%s’",
              account != NULL ? account : "", wanted);
  check_known_keys (reading, header_keys);
  return TRUE;
}

/* Returns: which of `names` it is; the first where the key is absent */
static int
read_choice (Reading *reading, const char *key, const char *const *words)
{
  g_autofree char *text = NULL, *what = NULL;

  if (!cpd_key_file_has_key (reading->file, key))
    return 0;
  text = cpd_key_file_get_text (reading->file, key, NULL);
  if (text == NULL)
    {
      complain (reading, key, "it cannot be read; a backslash is written \\\\");
      return 0;
    }
  for (int i = 0; words[i] != NULL; i++)
    if (g_str_equal (text, words[i]))
      return i;
  what = g_strdup_printf ("is neither %s nor %s", words[0], words[1]);
  complain_of_value (reading, key, text, what);
  return 0;
}

static void
read_number (Reading *reading, const char *key, gint64 *value)
{
  g_autofree char *text = NULL;

  if (!cpd_key_file_has_key (reading->file, key))
    return;
  text = cpd_key_file_get_text (reading->file, key, NULL);
  if (text == NULL || !cpd_text_parse_number (text, value) || *value < 0)
    complain_of_value (reading, key, text, "is not a number of Unix seconds");
}

static void
read_expiry (Reading *reading, CpdPin *pin)
{
  read_number (reading, "Expires", &pin->expires);
  if (pin->expires > CPD_PIN_EXPIRES_MAX)
    complain (reading, "Expires",
              "%" G_GINT64_FORMAT " is after the year 9999; leave it out for never", pin->expires);
}

/* What is missing is not asked of GKeyFile, which would make an error of it: that is most of the
 * work with a file of few keys.
 * Returns: (transfer full) (nullable) */
static GStrv
get_list (Reading *reading, const char *key)
{
  return cpd_key_file_has_key (reading->file, key) ? cpd_key_file_get_list (reading->file, key)
                                                   : NULL;
}

static void
read_keys (Reading *reading, CpdPin *pin)
{
  g_auto (GStrv) texts = get_list (reading, "Keys");
  gboolean any = texts != NULL && texts[0] != NULL;
  unsigned int count = any ? g_strv_length (texts) : 0;

  if (reading->hosts != NULL && count > CPD_PIN_KEYS_MAX)
    {
      complain (reading, "Keys", "there are %u; 1 to %d are allowed", count, CPD_PIN_KEYS_MAX);
      return;
    }
  for (unsigned int i = 0; i < count; i++)
    {
      GError *error = NULL;
      g_autoptr (CertpinKey) key = certpin_key_new_from_text (texts[i], &error);

      if (key != NULL)
        cpd_pin_add_key (pin, key);
      else
        cpd_key_file_complain_of_error (reading->file, "Keys", error);
    }
  if (!any && pin->state == CPD_STATE_ACTIVE)
    complain (reading, "Keys", "there are none; a pin without keys would check nothing");
  if (any && pin->state == CPD_STATE_BLOCKED)
    complain (reading, "Keys", "a blocked host has none");
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

/* An anchor is base64 DER, or (in an administrator's file) the name of a file in its folder. */
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
        cpd_key_file_complain_of_error (reading->file, "TrustAnchors", error);
      return der;
    }
  der = decode_base64 (text);
  if (der == NULL)
    complain_of_value (reading, "TrustAnchors", text,
                       "is neither base64 nor, in an administrator's file, the name of a .der file "
                       "in the same folder");
  return der;
}

static void
read_anchors (Reading *reading, CpdPin *pin)
{
  g_auto (GStrv) texts = get_list (reading, "TrustAnchors");
  g_autoptr (GPtrArray) ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  gboolean any = texts != NULL && texts[0] != NULL;
  GError *error = NULL;

  if (!any && cpd_key_file_has_key (reading->file, "TrustAnchors"))
    complain (reading, "TrustAnchors", "there are none; leave it out to trust the system's");
  for (size_t i = 0; any && texts[i] != NULL; i++)
    {
      GBytes *der = read_anchor (reading, texts[i]);

      if (der != NULL)
        g_ptr_array_add (ders, der);
    }
  if (ders->len == 0)
    return;
  pin->anchors = cpd_anchors_new_of_pin (ders, &error);
  if (pin->anchors == NULL)
    cpd_key_file_complain_of_error (reading->file, "TrustAnchors", error);
}

/* Returns: (transfer full) (nullable): a text for people, if there is one that can be read */
static char *
read_text (Reading *reading, const char *key)
{
  GError *error = NULL;
  char *text;

  if (!cpd_key_file_has_key (reading->file, key))
    return NULL;
  text = cpd_key_file_get_text (reading->file, key, &error);
  if (text == NULL)
    cpd_key_file_complain_of_error (reading->file, key, error);
  else if (!cpd_text_is_plain (text))
    complain (reading, key, "it contains control or invisible characters");
  return text;
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
    *texts[i].value = read_text (reading, texts[i].key);
  pin->warnings = get_list (reading, "Warnings");
  for (size_t i = 0; pin->warnings != NULL && pin->warnings[i] != NULL; i++)
    if (!cpd_text_is_plain (pin->warnings[i]))
      complain (reading, "Warnings", "they contain control or invisible characters");
}

static void
check_length (Reading *reading, const char *key, const char *value)
{
  if (value != NULL && strlen (value) > CPD_PIN_TEXT_MAX_BYTES)
    complain (reading, key, "it has more than %d bytes", CPD_PIN_TEXT_MAX_BYTES);
}

/* What a method that sets one pin refuses is refused in a text of many, too. */
static void
check_limits (Reading *reading, const CpdPin *pin)
{
  g_autofree char *warnings = pin->warnings != NULL ? g_strjoinv ("", pin->warnings) : NULL;

  if (pin->anchors != NULL && cpd_anchors_get_count (pin->anchors) > CPD_PIN_KEYS_MAX)
    complain (reading, "TrustAnchors", "there are %u; at most %d are allowed",
              cpd_anchors_get_count (pin->anchors), CPD_PIN_KEYS_MAX);
  check_length (reading, "Note", pin->note);
  check_length (reading, "Reason", pin->reason);
  check_length (reading, "Subject", pin->subject);
  check_length (reading, "Issuer", pin->issuer);
  check_length (reading, "CreatedBy", pin->created_by);
  check_length (reading, "Warnings", warnings);
  if (!reading->unnamed
      && !g_hash_table_add (reading->hosts, (gpointer)cpd_host_get_text (pin->host)))
    complain (reading, "Host", "‘%s’ is pinned twice in this text", cpd_host_get_text (pin->host));
}

/* No machine is up for longer, 35 years, and sums of two of them do not overflow as nanoseconds. */
#define UPTIME_MAX_US (G_GINT64_CONSTANT (1) << 50)

/* Without it, only the clock tells when the pause is over. */
static void
read_uptime (Reading *reading, CpdUptime *uptime)
{
  g_autofree char *boot = read_text (reading, "PausedBoot");
  g_autofree char *text = read_text (reading, "PausedUptime");

  if (boot == NULL && text == NULL)
    return;
  if (boot == NULL || strlen (boot) > CPD_UPTIME_BOOT_BYTES || text == NULL
      || !cpd_text_parse_number (text, &uptime->us) || uptime->us > UPTIME_MAX_US
      || uptime->us < -UPTIME_MAX_US)
    complain (reading, "PausedUptime",
              "it is a number of microseconds, and with it, PausedBoot= has the id of a start of "
              "the machine");
  else
    g_strlcpy (uptime->boot, boot, sizeof uptime->boot);
}

/* A pause that has no end, or no beginning, or that is too long, would let wrong keys pass. */
static void
read_pause (Reading *reading, CpdPin *pin)
{
  g_autofree char *reason = read_text (reading, "PauseReason");
  g_autofree char *by = read_text (reading, "PausedBy");
  gint64 since = -1, until = -1;
  CpdUptime began = { 0 };

  read_number (reading, "PausedSince", &since);
  read_number (reading, "PausedUntil", &until);
  read_uptime (reading, &began);
  cpd_pin_take_pause (pin, cpd_pause_new (since, until, reason, by, &began));
  if (pin->state == CPD_STATE_BLOCKED)
    complain (reading, "PausedUntil", "a blocked host has no PausedUntil=");
  if (reason == NULL || !cpd_pause_is_bounded (pin->pause))
    complain (reading, "PausedUntil",
              "a pause has PausedSince=, a PausedUntil= at most %d seconds later, and PauseReason=",
              CPD_PAUSE_MAX_S);
}

/* An administrator's file does not change by itself, as a pause does when it is over. A pause that
 * comes along with a text would have neither its rights nor its limit. */
static void
look_for_pause (Reading *reading, CpdPin *pin)
{
  const char *found = NULL;

  for (size_t i = 0; pause_keys[i] != NULL && found == NULL; i++)
    if (cpd_key_file_has_key (reading->file, pause_keys[i]))
      found = pause_keys[i];
  if (found != NULL && reading->context->layer == CPD_LAYER_FILES)
    complain (reading, found,
              "it is only for pins that were set at run time; in this file, write Mode=report, and "
              "remove it in time");
  else if (found != NULL && reading->hosts != NULL)
    complain (reading, found, "a pause cannot be imported; remove it, and call PausePin");
  else if (found != NULL)
    read_pause (reading, pin);
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
  look_for_pause (reading, pin);
  pin->source = reading->source != NULL ? cpd_pin_source_ref (reading->source) : NULL;
  read_keys (reading, pin);
  read_anchors (reading, pin);
  if (reading->hosts != NULL)
    check_limits (reading, pin);
  return pin;
}

/* Returns: (transfer full): the host of the current group; if it has none, a placeholder, so that
 * the rest of the group is checked as well */
static CpdHost *
read_host (Reading *reading)
{
  GError *error = NULL;
  g_autofree char *text = cpd_key_file_get_text (reading->file, "Host", &error);
  CpdHost *host = text != NULL ? cpd_host_new (text, &error) : NULL;

  reading->unnamed = host == NULL;
  if (host == NULL)
    cpd_key_file_complain_of_error (reading->file, "Host", error);
  return host != NULL ? host : cpd_host_new ("unreadable.invalid", NULL);
}

/* Returns: (transfer full): of CpdPin, in the order of the file. `hosts`: (out): their hosts, where
 * all of them are known */
static GPtrArray *
read_pins (Reading *reading, GPtrArray **hosts)
{
  CpdKeyFile *file = reading->file;
  g_autoptr (GPtrArray) named = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_host_unref);
  GPtrArray *pins = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
  gboolean all_known = file->faults->len == 0;

  while (cpd_key_file_next_group (file))
    {
      CpdHost *host = read_host (reading);

      all_known = all_known && !reading->unnamed;
      if (reading->context->places != NULL)
        cpd_pin_places_add (reading->context->places, !reading->unnamed ? host : NULL,
                            cpd_key_file_find_line (file, "Host"));
      g_ptr_array_add (named, host);
      g_ptr_array_add (pins, read_pin (reading, host));
      if (reading->hosts != NULL && pins->len > CPD_PIN_FILE_RUN_TIME_MAX)
        break; /* whoever asked refuses so many */
    }
  if (all_known && !file->is_malformed)
    *hosts = g_ptr_array_ref (named);
  return pins;
}

/* `hosts`: (out) (transfer full): of CpdHost: the hosts in the file, also on failure; NULL if they
 * cannot be known
 * Errors: CERTPIN_ERROR_STORE_FAILED, with the file, the line and the first error.
 * Returns: (transfer full): of CpdPin, in the order of the file */
GPtrArray *
cpd_pin_file_parse (GBytes *text, const CpdPinFileContext *context, GPtrArray **hosts,
                    GError **error)
{
  g_autoptr (CpdKeyFile) file = cpd_key_file_new (context->source);
  g_autoptr (GHashTable) seen
      = context->at_run_time ? g_hash_table_new (g_str_hash, g_str_equal) : NULL;
  g_autoptr (CpdPinSource) source
      = context->source != NULL ? cpd_pin_source_new (context->source) : NULL;
  Reading reading = { .source = source, .context = context, .file = file, .hosts = seen };
  g_autoptr (GPtrArray) pins = NULL;
  g_autofree char *first = NULL;
  gsize length;
  const char *data = g_bytes_get_data (text, &length);

  *hosts = NULL;
  file->gives_up = context->at_run_time;
  if (cpd_key_file_open (file, data, length) && read_header (&reading))
    pins = read_pins (&reading, hosts);
  if (file->faults->len == 0)
    return g_steal_pointer (&pins);
  cpd_faults_sort (file->faults);
  first = cpd_fault_to_text (file->faults->pdata[0]);
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, first);
  if (context->problems != NULL)
    cpd_faults_add_all (context->problems, file->faults);
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
print_pause (GKeyFile *file, const char *group, const CpdPause *pause)
{
  g_key_file_set_int64 (file, group, "PausedSince", pause->since);
  g_key_file_set_int64 (file, group, "PausedUntil", pause->until);
  g_key_file_set_string (file, group, "PauseReason", pause->reason);
  if (pause->by != NULL)
    g_key_file_set_string (file, group, "PausedBy", pause->by);
  if (pause->began.boot[0] == '\0')
    return;
  g_key_file_set_string (file, group, "PausedBoot", pause->began.boot);
  g_key_file_set_int64 (file, group, "PausedUptime", pause->began.us);
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
static GBytes *
print (const CpdPin *pin, const char *group, const char *account)
{
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
  if (pin->pause != NULL)
    print_pause (file, group, pin->pause);
  text = g_key_file_to_data (file, &length, NULL);
  return g_bytes_new_take (text, length);
}

/* Returns: (transfer full): a pin file that holds this one pin */
GBytes *
cpd_pin_file_print (const CpdPin *pin, const char *account)
{
  return print (pin, "Pin", account);
}

/* Returns: how many bytes it prints, without an account; that is cheap however large the anchors
 * are */
gsize
cpd_pin_file_measure (const CpdPin *pin)
{
  g_autoptr (CpdPin) rest = cpd_pin_copy (pin);
  GPtrArray *ders = pin->anchors != NULL ? cpd_anchors_get_ders (pin->anchors) : NULL;
  g_autoptr (GBytes) text = NULL;
  gsize bytes = ders != NULL ? strlen ("TrustAnchors=\n") : 0;

  g_clear_pointer (&rest->anchors, cpd_anchors_unref);
  text = cpd_pin_file_print (rest, NULL);
  for (unsigned int i = 0; ders != NULL && i < ders->len; i++)
    bytes += (g_bytes_get_size (ders->pdata[i]) + 2) / 3 * 4 + strlen (";");
  return bytes + g_bytes_get_size (text);
}

/* As cpd_pin_file_print (), for people and for other machines. The group is named after the host,
 * so that such texts can be put together. A pause is a decision about this machine and this day: it
 * is left out, and the pin enforces. */
GBytes *
cpd_pin_file_export (const CpdPin *pin)
{
  g_autofree char *group = g_strdup (cpd_host_get_text (pin->host));
  g_autoptr (CpdPin) lasting = cpd_pin_copy (pin);

  cpd_pin_take_pause (lasting, NULL);
  for (char *c = group; *c != '\0'; c++) /* no group has brackets in its name; addresses have */
    *c = *c == '[' ? '(' : *c == ']' ? ')' : *c;
  return print (lasting, group, /* account= */ NULL);
}
