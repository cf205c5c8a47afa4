/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes which keys a pin has, and nothing else of it. What the pin is then depends on what it was
 * before, so that this is applied in the turn of the change. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-edit.h"

#include "daemon/core/base/cpd-refuse.h"

struct _CpdPinEdit
{
  CpdEditKind kind;
  GPtrArray *keys;  /* of CertpinKey */
  gint64 now;       /* Unix seconds */
  char *created_by; /* program and uid; NULL: not known */
};

static gpointer
copy_key (gconstpointer key, gpointer user_data)
{
  return certpin_key_ref ((CertpinKey *)key);
}

/* `keys`: of CertpinKey. `now`: Unix seconds. `created_by`: (nullable): program and uid */
CpdPinEdit *
cpd_pin_edit_new (CpdEditKind kind, GPtrArray *keys, gint64 now, const char *created_by)
{
  CpdPinEdit *edit = g_atomic_rc_box_new0 (CpdPinEdit);

  edit->kind = kind;
  edit->keys = g_ptr_array_copy (keys, copy_key, NULL);
  g_ptr_array_set_free_func (edit->keys, (GDestroyNotify)certpin_key_unref);
  edit->now = now;
  edit->created_by = g_strdup (created_by);
  return edit;
}

CpdPinEdit *
cpd_pin_edit_ref (CpdPinEdit *edit)
{
  return g_atomic_rc_box_acquire (edit);
}

static void
edit_clear (gpointer data)
{
  CpdPinEdit *edit = data;

  g_ptr_array_unref (edit->keys);
  g_free (edit->created_by);
}

void
cpd_pin_edit_unref (CpdPinEdit *edit)
{
  if (edit != NULL)
    g_atomic_rc_box_release_full (edit, edit_clear);
}

/* What refuses every request would go on doing so, whatever its keys. */
static gboolean
check_state (const CpdPin *pin, gint64 now, GError **error)
{
  const char *host = cpd_host_get_text (pin->host);

  if (pin->state == CPD_STATE_BLOCKED)
    return cpd_refuse (error, CERTPIN_ERROR_BLOCKED,
                       "‘%s’ is blocked, so there are no keys to change; pin it again", host);
  return !cpd_pin_is_expired (pin, now)
         || cpd_refuse (error, CERTPIN_ERROR_PIN_EXPIRED,
                        "the pin of ‘%s’ has expired, so its keys do not count; pin it again",
                        host);
}

static gboolean
add_keys (CpdPin *pin, GPtrArray *keys, GError **error)
{
  for (unsigned int i = 0; i < keys->len; i++)
    cpd_pin_add_key (pin, keys->pdata[i]);
  return pin->keys->len <= CPD_PIN_KEYS_MAX
         || cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                        "the pin of ‘%s’ would have %u keys; at most %d are allowed, so remove "
                        "some first",
                        cpd_host_get_text (pin->host), pin->keys->len, CPD_PIN_KEYS_MAX);
}

static gboolean
remove_key (CpdPin *pin, CertpinKey *key, GError **error)
{
  g_autofree char *text = NULL;

  if (cpd_pin_remove_key (pin, key))
    return TRUE;
  text = certpin_key_to_text (key);
  return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                     "the pin of ‘%s’ does not have the key %s", cpd_host_get_text (pin->host),
                     text);
}

static gboolean
remove_keys (CpdPin *pin, GPtrArray *keys, GError **error)
{
  for (unsigned int i = 0; i < keys->len; i++)
    if (!remove_key (pin, keys->pdata[i], error))
      return FALSE;
  return pin->keys->len > 0
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                        "no key of ‘%s’ would remain; to remove the pin itself, unpin the host",
                        cpd_host_get_text (pin->host));
}

/* Errors: CERTPIN_ERROR_BLOCKED, CERTPIN_ERROR_PIN_EXPIRED, CERTPIN_ERROR_LIMIT_EXCEEDED;
 * CERTPIN_ERROR_INVALID_ARGUMENT: a key is not there, or none would remain.
 * Returns: (transfer full): the pin with the other keys */
CpdPin *
cpd_pin_edit_apply (const CpdPinEdit *edit, const CpdPin *pin, GError **error)
{
  g_autoptr (CpdPin) edited = NULL;

  if (!check_state (pin, edit->now, error))
    return NULL;
  edited = cpd_pin_copy (pin);
  if (edit->kind == CPD_EDIT_ADD ? !add_keys (edited, edit->keys, error)
                                 : !remove_keys (edited, edit->keys, error))
    return NULL;
  edited->created = edit->now;
  g_free (edited->created_by);
  edited->created_by = g_strdup (edit->created_by);
  return g_steal_pointer (&edited);
}
