/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes which keys a pin has, or whether it is paused, and nothing else of it. What the pin is
 * then depends on what it was before, so that this is applied in the turn of the change. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-edit.h"

#include "daemon/core/base/cpd-refuse.h"

struct _CpdPinEdit
{
  CpdEditKind kind;
  GPtrArray *keys;  /* of CertpinKey */
  CpdPause *pause;  /* of PAUSE: begun now; NULL otherwise */
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

/* `pause`: as it is if none has begun before */
CpdPinEdit *
cpd_pin_edit_new_pause (CpdPause *pause)
{
  CpdPinEdit *edit = cpd_pin_edit_new_resume (pause->since);

  edit->kind = CPD_EDIT_PAUSE;
  edit->pause = cpd_pause_ref (pause);
  return edit;
}

/* `now`: Unix seconds */
CpdPinEdit *
cpd_pin_edit_new_resume (gint64 now)
{
  CpdPinEdit *edit = g_atomic_rc_box_new0 (CpdPinEdit);

  edit->kind = CPD_EDIT_RESUME;
  edit->keys = g_ptr_array_new ();
  edit->now = now;
  return edit;
}

CpdEditKind
cpd_pin_edit_get_kind (const CpdPinEdit *edit)
{
  return edit->kind;
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
  cpd_pause_unref (edit->pause);
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
                       "‘%s’ is blocked, so its pin cannot be changed; pin it again", host);
  return !cpd_pin_is_expired (pin, now)
         || cpd_refuse (error, CERTPIN_ERROR_PIN_EXPIRED,
                        "the pin of ‘%s’ has expired, so it cannot be changed; pin it again", host);
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
                     "the pin of ‘%s’ does not have the key %s; give one that it has",
                     cpd_host_get_text (pin->host), text);
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

static gboolean
change_keys (CpdPin *pin, const CpdPinEdit *edit, GError **error)
{
  if (edit->kind == CPD_EDIT_ADD ? !add_keys (pin, edit->keys, error)
                                 : !remove_keys (pin, edit->keys, error))
    return FALSE;
  pin->created = edit->now;
  g_free (pin->created_by);
  pin->created_by = g_strdup (edit->created_by);
  return TRUE;
}

static gboolean
refuse_length (const CpdPin *pin, gint64 left_s, GError **error)
{
  return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                     "a pause of ‘%s’ can last %d hours from its beginning, so at most "
                     "%" G_GINT64_FORMAT " second%s from now",
                     cpd_host_get_text (pin->host), CPD_PAUSE_MAX_S / 3600, left_s,
                     left_s == 1 ? "" : "s");
}

/* A pause that is set again goes on: what counts is when it first began. */
static gboolean
begin_pause (CpdPin *pin, const CpdPinEdit *edit, GError **error)
{
  const CpdPause *wanted = edit->pause;
  g_autoptr (CpdPause) pause = cpd_pin_is_paused (pin, edit->now)
                                   ? cpd_pause_set_again (pin->pause, wanted)
                                   : cpd_pause_ref (edit->pause);

  if (pin->mode == CPD_MODE_REPORT)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "the pin of ‘%s’ only reports, so there is nothing to pause",
                       cpd_host_get_text (pin->host));
  if (!cpd_pause_is_bounded (pause))
    return refuse_length (pin, pause->since + CPD_PAUSE_MAX_S - edit->now, error);
  cpd_pin_take_pause (pin, g_steal_pointer (&pause));
  return TRUE;
}

static gboolean
change (CpdPin *pin, const CpdPinEdit *edit, GError **error)
{
  switch (edit->kind)
    {
    case CPD_EDIT_ADD:
    case CPD_EDIT_REMOVE:
      return change_keys (pin, edit, error);
    case CPD_EDIT_PAUSE:
      return begin_pause (pin, edit, error);
    case CPD_EDIT_RESUME:
      cpd_pin_take_pause (pin, NULL);
    }
  return TRUE;
}

/* Whether it leaves the pin as it is: the end of a pause that there is not. */
gboolean
cpd_pin_edit_is_idle (const CpdPinEdit *edit, const CpdPin *pin)
{
  return edit->kind == CPD_EDIT_RESUME && pin->pause == NULL
         && check_state (pin, edit->now, /* error= */ NULL);
}

/* Errors: CERTPIN_ERROR_BLOCKED, CERTPIN_ERROR_PIN_EXPIRED, CERTPIN_ERROR_LIMIT_EXCEEDED;
 * CERTPIN_ERROR_INVALID_ARGUMENT: a key is not there, or none would remain; the pin only reports,
 * or the pause would be too long.
 * Returns: (transfer full): the changed pin */
CpdPin *
cpd_pin_edit_apply (const CpdPinEdit *edit, const CpdPin *pin, GError **error)
{
  g_autoptr (CpdPin) edited = NULL;

  if (!check_state (pin, edit->now, error))
    return NULL;
  edited = cpd_pin_copy (pin);
  if (!change (edited, edit, error))
    return NULL;
  return g_steal_pointer (&edited);
}
