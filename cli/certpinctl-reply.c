/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks that the replies of the service are what its interface promises. If a reply lacks a value
 * or has it in another type, that is an error, never an empty line or a success. */

#include "config.h"

#include "certpinctl-reply.h"

#include <glib/gi18n.h>

/* No reply of the service is larger. */
#define REPLY_MAX_BYTES (16 * 1024 * 1024)

/* An entry of a dictionary. Entries that are in no table may have any type, because a later service
 * may send more. */
typedef struct
{
  const char *name;
  const char *type;
  gboolean needed; /* it is always present */
} Entry;

static const Entry pin_entries[] = {
  { "host", "s", TRUE },
  { "scope", "s", TRUE },
  { "keys", "as", TRUE },
  { "match", "s", TRUE },
  { "mode", "s", TRUE },
  { "expires", "x", TRUE },
  { "state", "s", TRUE },
  { "generation", "t", TRUE },
  { "created", "x", TRUE },
  { "reason", "s" },
  { "subject", "s" },
  { "issuer", "s" },
  { "not-after", "x" },
  { "warnings", "as" },
  { "note", "s" },
  { "created-by", "s" },
  { "source", "s" },
  { "app", "s" },
  { "trust-anchors", "u" },
  { "stored", "b" },
  { "applies", "b" },
  { "why", "s" },
  { "seen", "a{s(xx)}" },
  { "last-seen", "x" },
  { "served", "a{sv}" },
  { "paused-until", "x" },
  { "pause-reason", "s" },
  { "paused-by", "s" },
  { NULL },
};

static const Entry failure_entries[] = {
  { "error", "s", TRUE },   { "message", "s", TRUE }, { "time", "x", TRUE },
  { "host", "s" },          { "reason", "s" },        { "scope", "s" },
  { "mode", "s" },          { "likely-cause", "s" },  { "advice", "s" },
  { "offered-keys", "as" }, { "subject", "s" },       { "pinned-keys", "as" },
  { "issuer", "s" },        { "ocsp", "s" },          { NULL },
};

static const Entry explanation_entries[] = {
  { "host", "s", TRUE },      { "policy", "s", TRUE }, { "proxy", "s" },
  { "pins", "aa{sv}", TRUE }, { "paused-until", "x" }, { NULL },
};

static const Entry verdict_entries[] = {
  { "trusted", "b", TRUE },    { "verdict", "s", TRUE },
  { "reason", "s", TRUE },     { "offered-keys", "as", TRUE },
  { "path-keys", "as", TRUE }, { "matched-key", "s" },
  { "matched-position", "u" }, { NULL },
};

static const Entry chain_entries[] = {
  { "host", "s", TRUE },      { "certificates", "aa{sv}", TRUE },
  { "trusted", "b", TRUE },   { "verdict", "s", TRUE },
  { "reason", "s", TRUE },    { "path-keys", "as", TRUE },
  { "problem", "s" },         { "detail", "s" },
  { "matched-key", "s" },     { "matched-position", "u" },
  { "handshake-error", "s" }, { "tls-version", "s" },
  { "proxy", "s" },           { NULL },
};

static const Entry file_entries[] = {
  { "host", "s", TRUE },
  { "scope", "s", TRUE },
  { "name", "s", TRUE },
  { "text", "s", TRUE },
  { NULL },
};

static const Entry change_entries[] = {
  { "host", "s", TRUE },
  { "change", "s", TRUE },
  { "pin", "a{sv}", TRUE },
  { "old", "a{sv}" },
  { NULL },
};

static const Entry status_entries[] = {
  { "version", "s", TRUE },
  { "started", "x", TRUE },
  { "pins", "a{sa{su}}", TRUE },
  { "blocked", "aa{sv}", TRUE },
  { "problems", "as", TRUE },
  { "last-reload", "x", TRUE },
  { "reload-error", "s" },
  { "requests-today", "t", TRUE },
  { "refusals-today", "t", TRUE },
  { "warnings", "as", TRUE },
  { "advice", "as", TRUE },
  { "trust-anchors", "u", TRUE },
  { "trust-file", "s", TRUE },
  { "state-folder", "s", TRUE },
  { "state-problem", "s" },
  { "unstored", "u", TRUE },
  { NULL },
};

static const Entry certificate_entries[] = {
  { "key", "s", TRUE },        { "subject", "s", TRUE },   { "issuer", "s", TRUE },
  { "not-before", "x", TRUE }, { "not-after", "x", TRUE }, { NULL },
};

/* Of a certificate that cannot be parsed. */
static const Entry fault_entries[] = { { "fault", "s", TRUE }, { NULL } };

static const Entry info_entries[] = {
  { "url", "s", TRUE },
  { "http-version", "s", TRUE },
  { "tls-version", "s", TRUE },
  { "connection-reused", "b", TRUE },
  { "path-keys", "as", TRUE },
  { "matched-key", "s" },
  { "matched-position", "u" },
  { "timings", "a{st}" },
  { "report", "a{sv}" },
  { "paused-until", "x" },
  { "ocsp", "s" },
  { "proxy", "s" },
  { "warnings", "as" },
  { NULL },
};

/* `seen` has one bit for each. */
G_STATIC_ASSERT (G_N_ELEMENTS (pin_entries) <= 32);

static const Entry *const entries_of[] = {
  [CTL_REPLY_PIN] = pin_entries,
  [CTL_REPLY_FAILURE] = failure_entries,
  [CTL_REPLY_EXPLANATION] = explanation_entries,
  [CTL_REPLY_VERDICT] = verdict_entries,
  [CTL_REPLY_CHAIN] = chain_entries,
  [CTL_REPLY_FILE] = file_entries,
  [CTL_REPLY_CHANGE] = change_entries,
  [CTL_REPLY_STATUS] = status_entries,
};

/* Sets the error, and returns FALSE. */
G_GNUC_PRINTF (2, 3)
static gboolean
refuse (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (
      error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
      _ ("the reply of the certpin service is not valid: %s; check that certpinctl and certpind "
         "have the same version"),
      what);
  return FALSE;
}

/* Returns: the index of the name in the table, or that of its end */
static unsigned int
find_entry (const Entry *entries, const char *name)
{
  unsigned int i = 0;

  while (entries[i].name != NULL && !g_str_equal (entries[i].name, name))
    i++;
  return i;
}

/* `seen`: a bit for each entry of the table. D-Bus allows a key twice in a dictionary; then it is
 * unclear which value counts. */
static gboolean
check_entry (GVariant *member, const Entry *entries, guint32 *seen, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  const char *name;
  unsigned int i;

  g_variant_get (member, "{&sv}", &name, &value);
  i = find_entry (entries, name);
  if (entries[i].name == NULL)
    return TRUE;
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE (entries[i].type)))
    return refuse (error, _ ("‘%s’ has the type ‘%s’, not ‘%s’"), name,
                   g_variant_get_type_string (value), entries[i].type);
  if ((*seen & 1u << i) != 0)
    return refuse (error, _ ("it has more than one ‘%s’"), name);
  *seen |= 1u << i;
  return TRUE;
}

static gboolean
check_dictionary (GVariant *reply, const Entry *entries, GError **error)
{
  guint32 seen = 0;

  if (!g_variant_is_of_type (reply, G_VARIANT_TYPE_VARDICT))
    return refuse (error, _ ("it has the type ‘%s’, not ‘a{sv}’"),
                   g_variant_get_type_string (reply));
  if (g_variant_get_size (reply) > REPLY_MAX_BYTES)
    return refuse (error, _ ("it is larger than %d bytes"), REPLY_MAX_BYTES);
  for (gsize i = 0; i < g_variant_n_children (reply); i++)
    {
      g_autoptr (GVariant) member = g_variant_get_child_value (reply, i);

      if (!check_entry (member, entries, &seen, error))
        return FALSE;
    }
  for (unsigned int i = 0; entries[i].name != NULL; i++)
    if (entries[i].needed && (seen & 1u << i) == 0)
      return refuse (error, _ ("it has no ‘%s’"), entries[i].name);
  return TRUE;
}

/* `several`: of any type */
static gboolean
check_several (GVariant *several, const Entry *entries, GError **error)
{
  if (!g_variant_is_of_type (several, G_VARIANT_TYPE ("aa{sv}")))
    return refuse (error, _ ("it has the type ‘%s’, not ‘aa{sv}’"),
                   g_variant_get_type_string (several));
  for (gsize i = 0; i < g_variant_n_children (several); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (several, i);

      if (!check_dictionary (one, entries, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_chain (GVariant *certificates, GError **error)
{
  if (g_variant_n_children (certificates) == 0)
    return refuse (error, _ ("it has no certificate"));
  for (gsize i = 0; i < g_variant_n_children (certificates); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (certificates, i);
      g_autoptr (GVariant) fault = g_variant_lookup_value (one, "fault", NULL);

      if (!check_dictionary (one, fault != NULL ? fault_entries : certificate_entries, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_reply (GVariant *reply, CtlReply kind, GError **error)
{
  g_autoptr (GVariant) pins = NULL, certificates = NULL;

  if (!check_dictionary (reply, entries_of[kind], error))
    return FALSE;
  if (kind == CTL_REPLY_EXPLANATION)
    pins = g_variant_lookup_value (reply, "pins", NULL);
  if (kind == CTL_REPLY_CHAIN)
    certificates = g_variant_lookup_value (reply, "certificates", NULL);
  if (kind == CTL_REPLY_STATUS)
    pins = g_variant_lookup_value (reply, "blocked", NULL);
  return (pins == NULL || check_several (pins, pin_entries, error))
         && (certificates == NULL || check_chain (certificates, error));
}

/* `reply`: (transfer full) (nullable): the result of a call; NULL with the error set if it
 * failed.
 * Errors: CERTPIN_ERROR_FAILED.
 * Returns: (transfer full) (nullable): the reply, if it is valid */
GVariant *
ctl_reply_take (GVariant *reply, CtlReply kind, GError **error)
{
  g_autoptr (GVariant) value = reply;

  return value != NULL && check_reply (value, kind, error) ? g_steal_pointer (&value) : NULL;
}

/* As ctl_reply_take(). `record`: (transfer full) (nullable): a CertpinRecord.
 * Returns: (transfer full) (nullable): its description */
GVariant *
ctl_reply_take_record (gpointer record, CtlReply kind, GError **error)
{
  g_autoptr (CertpinRecord) value = record;

  return value != NULL
             ? ctl_reply_take (g_variant_ref (certpin_record_get_description (value)), kind, error)
             : NULL;
}

static gboolean
check_pins_of_change (GVariant *change, GError **error)
{
  g_autoptr (GVariant) pin = g_variant_lookup_value (change, "pin", NULL);
  g_autoptr (GVariant) old = g_variant_lookup_value (change, "old", NULL);

  return check_dictionary (pin, pin_entries, error)
         && (old == NULL || check_dictionary (old, pin_entries, error));
}

/* As ctl_reply_take(), for several. `records`: (transfer full) (nullable): of CertpinRecord.
 * Returns: (transfer full) (nullable): their descriptions, `aa{sv}` */
GVariant *
ctl_reply_take_records (GPtrArray *records, CtlReply kind, GError **error)
{
  g_autoptr (GPtrArray) value = records;
  g_auto (GVariantBuilder) several = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (unsigned int i = 0; value != NULL && i < value->len; i++)
    {
      GVariant *one = certpin_record_get_description (value->pdata[i]);

      if (!check_dictionary (one, entries_of[kind], error)
          || (kind == CTL_REPLY_CHANGE && !check_pins_of_change (one, error)))
        return NULL;
      g_variant_builder_add_value (&several, one);
    }
  return value != NULL ? g_variant_ref_sink (g_variant_builder_end (&several)) : NULL;
}

/* As ctl_reply_take_records(), for pins. */
GVariant *
ctl_reply_take_pins (GPtrArray *pins, GError **error)
{
  return ctl_reply_take_records (pins, CTL_REPLY_PIN, error);
}

/* Returns: (transfer none): the description of its evidence */
GVariant *
ctl_reply_get_info (CertpinResponse *response)
{
  return certpin_record_get_description (CERTPIN_RECORD (certpin_response_get_evidence (response)));
}

static gboolean
check_response (CertpinResponse *response, GError **error)
{
  GVariant *info = ctl_reply_get_info (response);
  g_autoptr (GVariant) report = NULL;

  if (g_variant_get_size (certpin_response_get_headers (response)) > REPLY_MAX_BYTES)
    return refuse (error, _ ("it is larger than %d bytes"), REPLY_MAX_BYTES);
  if (!check_dictionary (info, info_entries, error))
    return FALSE;
  report = g_variant_lookup_value (info, "report", NULL);
  return report == NULL || check_dictionary (report, failure_entries, error);
}

/* As ctl_reply_take(), for the response to a request. */
CertpinResponse *
ctl_reply_take_response (CertpinResponse *response, GError **error)
{
  g_autoptr (CertpinResponse) value = response;

  return value != NULL && check_response (value, error) ? g_steal_pointer (&value) : NULL;
}
