/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PinCertificate and its like as a value: the pin that they want. Its certificates are parsed here,
 * once, and here is decided which of them may be pinned; what is wrong with them is kept until it
 * is known that the caller may change pins. */

#include "config.h"

#include "daemon/bus/cpd-pin-order.h"

#include "daemon/bus/cpd-options.h"
#include "daemon/core/base/cpd-app.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"

#define CERTIFICATES_MAX CPD_PIN_KEYS_MAX
#define NOTE_MAX_BYTES   CPD_PIN_TEXT_MAX_BYTES
#define REASON_MAX_BYTES 1024

void
cpd_pin_order_free (CpdPinOrder *order)
{
  if (order == NULL)
    return;
  cpd_pin_unref (order->pin);
  g_clear_error (&order->failure);
  g_free (order->reason);
  g_free (order);
}

static gboolean
take_note (CpdPin *pin, const char *note, GError **error)
{
  if (note != NULL && !cpd_text_is_plain (note))
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘note’ contains control or invisible characters; leave them out");
  pin->note = note != NULL && *note != '\0' ? g_strdup (note) : NULL;
  return TRUE;
}

/* An expiry of 0 is none. */
static gboolean
check_expiry (const CpdPin *pin, gint64 now, GError **error)
{
  g_autofree char *time = NULL;

  if (pin->expires > CPD_PIN_EXPIRES_MAX)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘expires’ is %" G_GINT64_FORMAT
                       ", which is after the year 9999; give seconds, or 0 for never",
                       pin->expires);
  if (pin->expires == 0 || pin->expires > now)
    return TRUE;
  time = cpd_text_time (pin->expires);
  return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                     "option ‘expires’ is %s, which is in the past; give a time in the future",
                     time);
}

static gboolean
take_on_failure (CpdPinOrder *order, const char *word, GError **error)
{
  static const char *const words[] = { "block", "keep", NULL };
  int chosen = 0;

  if (!cpd_options_take_choice ("on-failure", word, words, &chosen, error))
    return FALSE;
  order->keeps = chosen == 1;
  return TRUE;
}

/* `backups`: (out) (nullable): of GBytes: more certificates; NULL: the options of keys */
static gboolean
parse_options (CpdPinOrder *order, CpdAsker *asker, GVariant *options, GPtrArray **backups,
               GError **error)
{
  CpdPin *pin = order->pin;
  const char *scope = NULL, *app = NULL, *match = NULL, *mode = NULL, *note = NULL,
             *on_failure = NULL;
  int match_chosen = CPD_MATCH_LEAF, mode_chosen = CPD_MODE_ENFORCE;
  CpdLayer layer = pin->layer;
  g_autoptr (GVariant) ders = NULL, anchors = NULL;
  const CpdOption table[] = {
    { "scope", "s", &scope, 1, 16 },
    { "app", "s", &app, 1, CPD_APP_MAX_BYTES },
    { "match", "s", &match, 1, 16 },
    { "mode", "s", &mode, 1, 16 },
    { "note", "s", &note, 0, NOTE_MAX_BYTES },
    { "expires", "x", &pin->expires, 0, G_MAXINT64 },
    { "trust-anchors", "aay", &anchors, 1, CERTIFICATES_MAX },
    /* of certificates alone */
    { "backup-certificates", "aay", &ders, 0, CERTIFICATES_MAX - 1 },
    { "on-failure", "s", &on_failure, 1, 16 },
  };
  size_t n_known = G_N_ELEMENTS (table) - (backups != NULL ? 0 : 2);

  if (!cpd_options_parse (options, table, n_known, error)
      || !cpd_asker_take_scope (asker, scope, app, &layer, error)
      || !cpd_options_take_choice ("match", match, cpd_match_words, &match_chosen, error)
      || !cpd_options_take_choice ("mode", mode, cpd_mode_words, &mode_chosen, error)
      || !check_expiry (pin, asker->now, error)
      || !cpd_options_to_anchors (anchors, &pin->anchors, error) || !take_note (pin, note, error)
      || !take_on_failure (order, on_failure, error))
    return FALSE;
  pin->layer = layer;
  pin->match = (CpdMatch)match_chosen;
  pin->mode = (CpdMode)mode_chosen;
  if (backups != NULL)
    *backups = cpd_options_to_bytes (ders);
  return TRUE;
}

/* `backups`: likewise. Returns: (transfer full): an order whose pin still lacks its keys */
static CpdPinOrder *
new_order (CpdAsker *asker, const char *text, GVariant *options, GPtrArray **backups,
           GError **error)
{
  g_autoptr (CpdHost) host = cpd_host_new (text, error);
  g_autoptr (CpdPinOrder) order = g_new0 (CpdPinOrder, 1);

  if (host == NULL)
    return NULL;
  order->pin = cpd_pin_new (host, CPD_LAYER_USER);
  if (!parse_options (order, asker, options, backups, error))
    return NULL;
  return g_steal_pointer (&order);
}

static gboolean
take_keys (CpdPin *pin, GVariant *keys, GError **error)
{
  gsize n = g_variant_n_children (keys); /* before anything walks through them */

  if (n == 0 || n > CERTIFICATES_MAX)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "%" G_GSIZE_FORMAT " keys were given; 1 to 64 are allowed", n);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (CertpinKey) key = NULL;
      const char *text;

      g_variant_get_child (keys, i, "&s", &text);
      key = certpin_key_new_from_text (text, error);
      if (key == NULL)
        return FALSE;
      cpd_pin_add_key (pin, key);
    }
  return TRUE;
}

/* `host`: a pattern. `keys`: as. `options`: of PinKeys.
 * Errors: CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_INVALID_KEY.
 * Returns: (transfer full) */
CpdPinOrder *
cpd_pin_order_new_keys (CpdAsker *asker, const char *host, GVariant *keys, GVariant *options,
                        GError **error)
{
  g_autoptr (CpdPinOrder) order = new_order (asker, host, options, /* backups= */ NULL, error);

  if (order == NULL || !take_keys (order->pin, keys, error))
    return NULL;
  return g_steal_pointer (&order);
}

/* `pause_s`, `reason`: (out): those of a pause; NULL: the options are those of other methods */
static CpdPinOrder *
new_of_host (CpdAsker *asker, const char *host, GVariant *options, guint32 *pause_s,
             const char **reason, GError **error)
{
  const char *scope = NULL, *app = NULL;
  const CpdOption table[] = {
    { "scope", "s", &scope, 1, 16 },
    { "app", "s", &app, 1, CPD_APP_MAX_BYTES },
    { "seconds", "u", pause_s, 1, CPD_PAUSE_MAX_S },
    { "reason", "s", reason, 1, REASON_MAX_BYTES },
  };
  g_autoptr (CpdHost) parsed = cpd_host_new (host, error);
  CpdPinOrder *order;
  CpdLayer layer;

  if (parsed == NULL
      || !cpd_options_parse (options, table, pause_s != NULL ? G_N_ELEMENTS (table) : 2, error)
      || !cpd_asker_take_scope (asker, scope, app, &layer, error))
    return NULL;
  order = g_new0 (CpdPinOrder, 1);
  order->pin = cpd_pin_new (parsed, layer);
  return order;
}

/* `host`: a pattern. `options`: the scope alone.
 * Errors: CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full): an order that names a host in a layer, and no more */
CpdPinOrder *
cpd_pin_order_new_host (CpdAsker *asker, const char *host, GVariant *options, GError **error)
{
  return new_of_host (asker, host, options, /* pause_s= */ NULL, /* reason= */ NULL, error);
}

static gboolean
take_pause (CpdPinOrder *order, guint32 pause_s, const char *reason, GError **error)
{
  if (pause_s == 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘seconds’ is missing; say how long the pin is to be paused, at most "
                       "%d",
                       CPD_PAUSE_MAX_S);
  if (reason == NULL)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘reason’ is missing; say why the pin is to be paused");
  if (!cpd_text_is_plain (reason))
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘reason’ contains control or invisible characters; leave them out");
  order->pause_s = pause_s;
  order->reason = g_strdup (reason);
  return TRUE;
}

/* `host`: a pattern. `options`: of PausePin.
 * Errors: CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full): an order that names a host in a layer, and how long and why its pin is
 * to be paused */
CpdPinOrder *
cpd_pin_order_new_pause (CpdAsker *asker, const char *host, GVariant *options, GError **error)
{
  guint32 pause_s = 0;
  const char *reason = NULL;
  g_autoptr (CpdPinOrder) order = new_of_host (asker, host, options, &pause_s, &reason, error);

  if (order == NULL || !take_pause (order, pause_s, reason, error))
    return NULL;
  return g_steal_pointer (&order);
}

/* The scope of the system has run-time pins and files; only run-time pins can be changed here.
 * `error`: (transfer full): why the change that the order wants was not made.
 * Returns: (transfer full): with what can be done about a file */
GError *
cpd_pin_order_explain_file (const CpdPinOrder *order, CpdStore *store, GError *error,
                            const char *remedy)
{
  const CpdPin *pin = order->pin;
  g_autoptr (CpdPin) of_file = cpd_store_get_pin (store, CPD_LAYER_FILES, 0, pin->host);
  g_autofree char *path = NULL;

  if (pin->layer != CPD_LAYER_SYSTEM || of_file == NULL || of_file->source == NULL
      || !g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    return error;
  g_error_free (error);
  path = cpd_pin_source_build_path (of_file->source);
  return g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                      "the pin of ‘%s’ is from the file ‘%s’; %s", cpd_host_get_text (pin->host),
                      path, remedy);
}

/* `host`: a pattern. `keys`: as. `options`: the scope alone.
 * Errors: CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_INVALID_KEY.
 * Returns: (transfer full): an order whose pin has the keys that are to be added or removed */
CpdPinOrder *
cpd_pin_order_new_edit (CpdAsker *asker, const char *host, GVariant *keys, GVariant *options,
                        GError **error)
{
  g_autoptr (CpdPinOrder) order = cpd_pin_order_new_host (asker, host, options, error);

  if (order == NULL || !take_keys (order->pin, keys, error))
    return NULL;
  return g_steal_pointer (&order);
}

/* Whether the certificate may be pinned in this way. */
static gboolean
check_certificate (const CpdPin *pin, CpdCertificate *certificate, GError **error)
{
  g_autofree char *subject = cpd_certificate_dup_subject (certificate);
  gboolean ca = cpd_certificate_is_ca (certificate);

  if (ca && pin->match == CPD_MATCH_PATH)
    return TRUE;
  if (cpd_certificate_is_self_signed (certificate))
    return cpd_refuse (error, CERTPIN_ERROR_SELF_SIGNED,
                       "the certificate ‘%s’ is self-signed, which is not supported; %s", subject,
                       ca ? "to pin an authority, set the option ‘match’ to ‘path’"
                          : "pin one that an authority issued");
  if (ca)
    return cpd_refuse (
        error, CERTPIN_ERROR_INVALID_ARGUMENT,
        "the certificate ‘%s’ belongs to an authority, not to a server; to pin it, set the option "
        "‘match’ to ‘path’",
        subject);
  return TRUE;
}

static CpdCertificate *
read_certificate (const CpdPin *pin, GBytes *der, GError **error)
{
  g_autoptr (CpdCertificate) certificate = cpd_certificate_new (der, error);

  if (certificate == NULL || !check_certificate (pin, certificate, error))
    return NULL;
  return g_steal_pointer (&certificate);
}

static gboolean
take_backups (CpdPin *pin, GPtrArray *ders, GError **error)
{
  if (!cpd_certificates_are_few (ders, error))
    {
      g_prefix_error (error, "backup certificates: ");
      return FALSE;
    }
  for (unsigned int i = 0; i < ders->len; i++)
    {
      g_autoptr (CpdCertificate) backup = read_certificate (pin, ders->pdata[i], error);

      if (backup == NULL)
        {
          g_prefix_error (error, "backup certificate %u of %u: ", i + 1, ders->len);
          return FALSE;
        }
      cpd_pin_add_key (pin, cpd_certificate_get_key (backup));
    }
  return TRUE;
}

/* `host`: a pattern. `options`: of PinCertificate.
 * Errors: CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_INVALID_ARGUMENT. The order's own failure is
 * CERTPIN_ERROR_WRONG_FORMAT or CERTPIN_ERROR_SELF_SIGNED, after which the host is to be blocked
 * unless the order keeps it, or CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full) */
CpdPinOrder *
cpd_pin_order_new_certificate (CpdAsker *asker, const char *host, GBytes *certificate,
                               GVariant *options, GError **error)
{
  g_autoptr (GPtrArray) backups = NULL;
  g_autoptr (CpdPinOrder) order = new_order (asker, host, options, &backups, error);
  g_autoptr (CpdCertificate) parsed = NULL;

  if (order == NULL)
    return NULL;
  parsed = read_certificate (order->pin, certificate, &order->failure);
  if (parsed == NULL)
    return g_steal_pointer (&order);
  cpd_pin_take_certificate (order->pin, parsed, asker->now);
  take_backups (order->pin, backups, &order->failure);
  return g_steal_pointer (&order);
}
