/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PinCertificate and PinKeys as a value: their options, and what makes a pin of them. Which
 * certificates may be pinned is decided here. */

#include "config.h"

#include "daemon/bus/cpd-pin-order.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/core/base/cpd-text.h"

#define CERTIFICATES_MAX 64
#define NOTE_MAX_BYTES   1024

/* The scopes that a caller may name, and their layers. */
static const char *const scopes[] = { "user", "system", NULL };
static const CpdLayer layers[] = { CPD_LAYER_USER, CPD_LAYER_SYSTEM };

void
cpd_pin_order_free (CpdPinOrder *order)
{
  if (order == NULL)
    return;
  cpd_host_unref (order->host);
  g_free (order->note);
  cpd_anchors_unref (order->anchors);
  g_clear_pointer (&order->certificate, g_bytes_unref);
  g_clear_pointer (&order->backups, g_ptr_array_unref);
  g_clear_pointer (&order->keys, g_ptr_array_unref);
  g_free (order);
}

/* `scope`: NULL: not given. */
gboolean
cpd_pin_order_parse_scope (const char *scope, CpdLayer *layer, GError **error)
{
  int chosen = 0;

  if (!cpd_options_take_choice ("scope", scope, scopes, &chosen, error))
    return FALSE;
  *layer = layers[chosen];
  return TRUE;
}

static gboolean
take_note (CpdPinOrder *order, const char *note, GError **error)
{
  if (note != NULL && !cpd_text_is_plain (note))
    {
      g_set_error_literal (
          error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
          "option ‘note’ contains control or bidirectional characters; leave them out");
      return FALSE;
    }
  order->note = g_strdup (note);
  return TRUE;
}

/* An expiry of 0 is none. */
static gboolean
check_expiry (CpdPinOrder *order, gint64 now, GError **error)
{
  if (order->expires > CPD_PIN_EXPIRES_MAX)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "option ‘expires’ is %" G_GINT64_FORMAT
                   ", which is after the year 9999; give seconds, or 0 for never",
                   order->expires);
      return FALSE;
    }
  if (order->expires == 0 || order->expires > now)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               "option ‘expires’ is %" G_GINT64_FORMAT
               ", which is in the past; give a time in the future",
               order->expires);
  return FALSE;
}

static gboolean
parse_options (CpdPinOrder *order, GVariant *options, gint64 now, GError **error)
{
  const char *scope = NULL, *match = NULL, *mode = NULL, *note = NULL;
  int match_chosen = CPD_MATCH_LEAF, mode_chosen = CPD_MODE_ENFORCE;
  g_autoptr (GVariant) backups = NULL, anchors = NULL;
  const CpdOption table[] = {
    { "scope", "s", &scope, 1, 16 },
    { "match", "s", &match, 1, 16 },
    { "mode", "s", &mode, 1, 16 },
    { "note", "s", &note, 0, NOTE_MAX_BYTES },
    { "expires", "x", &order->expires, 0, G_MAXINT64 },
    { "backup-certificates", "aay", &backups, 0, CERTIFICATES_MAX - 1 },
    { "trust-anchors", "aay", &anchors, 1, CERTIFICATES_MAX },
  };

  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !cpd_pin_order_parse_scope (scope, &order->layer, error)
      || !cpd_options_take_choice ("match", match, cpd_match_words, &match_chosen, error)
      || !cpd_options_take_choice ("mode", mode, cpd_mode_words, &mode_chosen, error)
      || !check_expiry (order, now, error)
      || !cpd_options_to_anchors (anchors, &order->anchors, error)
      || !take_note (order, note, error))
    return FALSE;
  order->match = (CpdMatch)match_chosen;
  order->mode = (CpdMode)mode_chosen;
  order->backups = cpd_options_to_bytes (backups);
  return TRUE;
}

/* `now`: Unix seconds.
 * Errors: CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full): an order that still lacks its certificate or keys */
CpdPinOrder *
cpd_pin_order_new (const char *host, GVariant *options, gint64 now, GError **error)
{
  g_autoptr (CpdPinOrder) order = g_new0 (CpdPinOrder, 1);

  order->keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  order->host = cpd_host_new (host, error);
  if (order->host == NULL || !parse_options (order, options, now, error))
    return NULL;
  return g_steal_pointer (&order);
}

/* `keys`: as. Errors: CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_INVALID_KEY. */
gboolean
cpd_pin_order_take_keys (CpdPinOrder *order, GVariant *keys, GError **error)
{
  gsize n = g_variant_n_children (keys); /* before anything walks through them */

  if (n == 0 || n > CERTIFICATES_MAX)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "%" G_GSIZE_FORMAT " keys were given; 1 to 64 are allowed", n);
      return FALSE;
    }
  if (order->backups->len > 0)
    {
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                           "option ‘backup-certificates’ is not known to this method");
      return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    {
      const char *text;
      CertpinKey *key;

      g_variant_get_child (keys, i, "&s", &text);
      key = certpin_key_new_from_text (text, error);
      if (key == NULL)
        return FALSE;
      g_ptr_array_add (order->keys, key);
    }
  return TRUE;
}

/* Whether the certificate may be pinned in this way. */
static gboolean
check_certificate (CpdPinOrder *order, CpdCertificate *certificate, GError **error)
{
  g_autofree char *subject = cpd_certificate_dup_subject (certificate);
  gboolean ca = cpd_certificate_is_ca (certificate);

  if (ca && order->match == CPD_MATCH_PATH)
    return TRUE;
  if (cpd_certificate_is_self_signed (certificate))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SELF_SIGNED,
                   "the certificate ‘%s’ is self-signed, which is not supported; %s", subject,
                   ca ? "to pin an authority, set the option ‘match’ to ‘path’"
                      : "pin one that an authority issued");
      return FALSE;
    }
  if (ca)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "the certificate ‘%s’ belongs to an authority, not to a server; to pin it, set "
                   "the option "
                   "‘match’ to ‘path’",
                   subject);
      return FALSE;
    }
  return TRUE;
}

static CpdCertificate *
read_certificate (CpdPinOrder *order, GBytes *der, GError **error)
{
  g_autoptr (CpdCertificate) certificate = cpd_certificate_new (der, error);

  if (certificate == NULL || !check_certificate (order, certificate, error))
    return NULL;
  return g_steal_pointer (&certificate);
}

static gboolean
add_certificates (CpdPinOrder *order, CpdPin *pin, gint64 now, GError **error)
{
  g_autoptr (CpdCertificate) certificate = read_certificate (order, order->certificate, error);

  if (certificate == NULL)
    return FALSE;
  if (!cpd_certificates_are_few (order->backups, error))
    {
      g_prefix_error (error, "backup certificates: ");
      return FALSE;
    }
  cpd_pin_take_certificate (pin, certificate, now);
  for (unsigned int i = 0; i < order->backups->len; i++)
    {
      g_autoptr (CpdCertificate) backup = read_certificate (order, order->backups->pdata[i], error);

      if (backup == NULL)
        {
          g_prefix_error (error, "backup certificate %u: ", i + 1);
          return FALSE;
        }
      cpd_pin_add_key (pin, cpd_certificate_get_key (backup));
    }
  return TRUE;
}

/* Errors: CERTPIN_ERROR_WRONG_FORMAT and CERTPIN_ERROR_SELF_SIGNED, after which the host is to
 * be blocked; CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full) */
CpdPin *
cpd_pin_order_make_pin (CpdPinOrder *order, gint64 now, GError **error)
{
  g_autoptr (CpdPin) pin = cpd_pin_new (order->host, order->layer);

  pin->match = order->match;
  pin->mode = order->mode;
  pin->expires = order->expires;
  pin->note = g_strdup (order->note);
  pin->anchors = order->anchors != NULL ? cpd_anchors_ref (order->anchors) : NULL;
  pin->created = now;
  if (order->certificate != NULL && !add_certificates (order, pin, now, error))
    return NULL;
  for (unsigned int i = 0; i < order->keys->len; i++)
    cpd_pin_add_key (pin, order->keys->pdata[i]);
  return g_steal_pointer (&pin);
}
