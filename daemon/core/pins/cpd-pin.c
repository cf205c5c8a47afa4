/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pin of one layer for one host, as a value. cpd-pin-file knows its file format, cpd-store
 * where it is stored, and cpd-verdict what it means for a connection. */

#include "config.h"

#include "daemon/core/pins/cpd-pin.h"

#include "daemon/core/base/cpd-text.h"

const char *const cpd_state_words[] = { "active", "blocked", NULL };
const char *const cpd_match_words[] = { "leaf", "path", NULL };
const char *const cpd_mode_words[] = { "enforce", "report", NULL };

/* Returns: the layer of the pins that are this owner's; CPD_ALL_UIDS: the system's */
CpdLayer
cpd_layer_of_owner (CpdOwner owner)
{
  if (owner == CPD_ALL_UIDS)
    return CPD_LAYER_SYSTEM;
  if (cpd_owner_is_connection (owner))
    return CPD_LAYER_TRANSIENT;
  return cpd_owner_is_app (owner) ? CPD_LAYER_APP : CPD_LAYER_USER;
}

CpdPin *
cpd_pin_new (CpdHost *host, CpdLayer layer)
{
  CpdPin *pin = g_new0 (CpdPin, 1);

  g_atomic_ref_count_init (&pin->ref_count);
  pin->host = cpd_host_ref (host);
  pin->layer = layer;
  pin->keys = cpd_pin_keys_new ();
  return pin;
}

CpdPin *
cpd_pin_new_blocked (CpdHost *host, CpdLayer layer, const char *reason)
{
  CpdPin *pin = cpd_pin_new (host, layer);

  pin->state = CPD_STATE_BLOCKED;
  pin->reason = g_strdup (reason);
  return pin;
}

/* Returns: (transfer full): a copy, which may be changed until it is shared */
CpdPin *
cpd_pin_copy (const CpdPin *pin)
{
  CpdPin *copy = g_memdup2 (pin, sizeof *pin);

  g_atomic_ref_count_init (&copy->ref_count);
  copy->host = cpd_host_ref (pin->host);
  copy->keys = cpd_pin_keys_copy (pin->keys);
  copy->anchors = pin->anchors != NULL ? cpd_anchors_ref (pin->anchors) : NULL;
  copy->pause = pin->pause != NULL ? cpd_pause_ref (pin->pause) : NULL;
  copy->note = g_strdup (pin->note);
  copy->reason = g_strdup (pin->reason);
  copy->subject = g_strdup (pin->subject);
  copy->issuer = g_strdup (pin->issuer);
  copy->warnings = g_strdupv (pin->warnings);
  copy->created_by = g_strdup (pin->created_by);
  copy->source = pin->source != NULL ? cpd_pin_source_ref (pin->source) : NULL;
  return copy;
}

CpdPin *
cpd_pin_ref (CpdPin *pin)
{
  g_atomic_ref_count_inc (&pin->ref_count);
  return pin;
}

void
cpd_pin_unref (CpdPin *pin)
{
  if (pin == NULL || !g_atomic_ref_count_dec (&pin->ref_count))
    return;
  cpd_host_unref (pin->host);
  cpd_pin_keys_free (pin->keys);
  cpd_anchors_unref (pin->anchors);
  cpd_pause_unref (pin->pause);
  g_free (pin->note);
  g_free (pin->reason);
  g_free (pin->subject);
  g_free (pin->issuer);
  g_strfreev (pin->warnings);
  g_free (pin->created_by);
  cpd_pin_source_unref (pin->source);
  g_free (pin);
}

gboolean
cpd_pin_has_key (const CpdPin *pin, CertpinKey *key)
{
  for (unsigned int i = 0; i < pin->keys->len; i++)
    if (certpin_key_equal (pin->keys->pdata[i], key))
      return TRUE;
  return FALSE;
}

/* A key that the pin already has stays in its place. */
void
cpd_pin_add_key (CpdPin *pin, CertpinKey *key)
{
  if (!cpd_pin_has_key (pin, key))
    pin->keys = cpd_pin_keys_insert (pin->keys, pin->keys->len, key);
}

/* Without its key, the pin is not one of that certificate any more. */
static void
forget_certificate (CpdPin *pin)
{
  g_clear_pointer (&pin->subject, g_free);
  g_clear_pointer (&pin->issuer, g_free);
  g_clear_pointer (&pin->warnings, g_strfreev);
  pin->not_after = 0;
}

/* Returns: whether the pin had it */
gboolean
cpd_pin_remove_key (CpdPin *pin, CertpinKey *key)
{
  for (unsigned int i = 0; i < pin->keys->len; i++)
    if (certpin_key_equal (pin->keys->pdata[i], key))
      {
        if (i == 0)
          forget_certificate (pin);
        pin->keys = cpd_pin_keys_remove (pin->keys, i);
        return TRUE;
      }
  return FALSE;
}

/* How the sentences about the dates of a certificate begin. */
#define EXPIRED       "the certificate expired on "
#define NOT_YET_VALID "the certificate is not valid yet"
#define EXPIRES_SOON  "the certificate expires soon, on "

/* `sentence`: one of the warnings of a pin. */
gboolean
cpd_pin_is_warning_of_date (const char *sentence)
{
  return g_str_has_prefix (sentence, EXPIRED) || g_str_has_prefix (sentence, NOT_YET_VALID)
         || g_str_has_prefix (sentence, EXPIRES_SOON);
}

/* Faults of a certificate that are no reason to refuse it: only its key counts. */
static GStrv
find_warnings (CpdCertificate *certificate, CpdHost *host, gint64 now)
{
  g_autoptr (GStrvBuilder) warnings = g_strv_builder_new ();
  unsigned int bits = cpd_certificate_get_rsa_bits (certificate);
  gint64 not_after = cpd_certificate_get_not_after (certificate);
  g_autofree char *day = cpd_text_date (not_after);
  g_autofree char *text = NULL;

  if (now > not_after)
    text = g_strdup_printf (EXPIRED "%s", day);
  else if (now < cpd_certificate_get_not_before (certificate))
    text = g_strdup (NOT_YET_VALID);
  else if (not_after - now < 30 * 24 * 60 * 60)
    text = g_strdup_printf (
        EXPIRES_SOON "%s; the pin stays valid if the certificate is renewed with the same key",
        day);
  if (text != NULL)
    g_strv_builder_add (warnings, text);
  if (bits != 0 && (bits < 2048 || bits > 8192))
    g_strv_builder_add (warnings,
                        "the key's size is not accepted: RSA keys must have 2048 to 8192 bits");
  if (!cpd_certificate_is_ca (certificate) && cpd_host_get_kind (host) == CPD_HOST_EXACT
      && !cpd_certificate_names (certificate, cpd_host_get_name (host)))
    g_strv_builder_add (warnings, "the certificate does not name the host");
  return g_strv_builder_end (warnings);
}

/* Takes the key and the description of this certificate into the pin, its key first. */
void
cpd_pin_take_certificate (CpdPin *pin, CpdCertificate *certificate, gint64 now)
{
  pin->keys = cpd_pin_keys_insert (pin->keys, 0, cpd_certificate_get_key (certificate));
  pin->subject = cpd_certificate_dup_subject (certificate);
  pin->issuer = cpd_certificate_dup_issuer (certificate);
  pin->not_after = cpd_certificate_get_not_after (certificate);
  pin->warnings = find_warnings (certificate, pin->host, now);
}

gboolean
cpd_pin_is_expired (const CpdPin *pin, gint64 now)
{
  return pin->expires != 0 && now >= pin->expires;
}

/* Whether its pause holds. Blocked or expired, it refuses all the same. */
gboolean
cpd_pin_is_paused (const CpdPin *pin, gint64 now)
{
  return pin->pause != NULL && cpd_pause_holds (pin->pause, now);
}

/* Whether its own mismatch passes and is reported. */
gboolean
cpd_pin_only_reports (const CpdPin *pin, gint64 now)
{
  return pin->mode == CPD_MODE_REPORT || cpd_pin_is_paused (pin, now);
}

/* `pause`: (transfer full) (nullable): instead of the one that it has */
void
cpd_pin_take_pause (CpdPin *pin, CpdPause *pause)
{
  cpd_pause_unref (pin->pause);
  pin->pause = pause;
}

static gboolean
same_anchors (CpdAnchors *a, CpdAnchors *b)
{
  GPtrArray *ders_a, *ders_b;

  if (a == NULL || b == NULL || cpd_anchors_get_count (a) != cpd_anchors_get_count (b))
    return a == b;
  ders_a = cpd_anchors_get_ders (a);
  ders_b = cpd_anchors_get_ders (b);
  for (unsigned int i = 0; i < ders_a->len; i++)
    if (!g_bytes_equal (ders_a->pdata[i], ders_b->pdata[i]))
      return FALSE;
  return TRUE;
}

/* Whether both have the same effect on every connection, whoever made them and when. */
gboolean
cpd_pin_says_the_same (const CpdPin *a, const CpdPin *b)
{
  if (!g_str_equal (cpd_host_get_text (a->host), cpd_host_get_text (b->host))
      || a->layer != b->layer || a->state != b->state || a->match != b->match || a->mode != b->mode
      || a->expires != b->expires || a->keys->len != b->keys->len
      || !cpd_pause_same_time (a->pause, b->pause) || !same_anchors (a->anchors, b->anchors))
    return FALSE;
  for (unsigned int i = 0; i < a->keys->len; i++)
    if (!certpin_key_equal (a->keys->pdata[i], b->keys->pdata[i]))
      return FALSE;
  return TRUE;
}

static gboolean
same_warnings (const CpdPin *a, const CpdPin *b)
{
  static const char *const none[] = { NULL };
  const char *const *of_a = a->warnings != NULL ? (const char *const *)a->warnings : none;
  const char *const *of_b = b->warnings != NULL ? (const char *const *)b->warnings : none;

  return g_strv_equal (of_a, of_b);
}

/* Whether people see the same of both, except the note, and who made them and when. */
gboolean
cpd_pin_shows_the_same (const CpdPin *a, const CpdPin *b)
{
  return cpd_pin_says_the_same (a, b) && g_strcmp0 (a->reason, b->reason) == 0
         && g_strcmp0 (a->subject, b->subject) == 0 && g_strcmp0 (a->issuer, b->issuer) == 0
         && a->not_after == b->not_after && same_warnings (a, b);
}

/* Returns: (transfer full) (nullable): a note that says who made it and when; NULL: that is not
 * known */
char *
cpd_pin_describe_origin (const CpdPin *pin)
{
  g_autofree char *day = pin->created > 0 ? cpd_text_date (pin->created) : NULL;

  if (day == NULL && pin->created_by == NULL)
    return NULL;
  return g_strdup_printf ("pinned%s%s%s%s", day != NULL ? " on " : "", day != NULL ? day : "",
                          pin->created_by != NULL ? " by " : "",
                          pin->created_by != NULL ? pin->created_by : "");
}
