/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pin of the system that would shut out a host for everybody: found by what the server presents
 * now. It is a help against mistakes, not a check: if the server cannot be looked at, that is said,
 * and the pin is made. */

#include "config.h"

#include "certpinctl-outage.h"

#include "certpinctl-ask.h"

#include <glib/gi18n.h>

#define LOOK_S 10 /* somebody waits at a terminal */

/* Says that nobody has looked. */
void
ctl_outage_tell_unchecked (Ctl *ctl, const char *host, const char *reason)
{
  g_autofree char *text = g_strdup_printf (
      _ ("cannot see whether the pin would shut out ‘%s’, so that is not checked: %s"), host,
      reason);

  if (!ctl->json)
    ctl_print_message (&ctl->err, C_ ("message", "note"), text);
}

/* `text`: (out) (nullable) (transfer full): what would happen, if the server works now and the pin
 * would refuse it.
 * Returns: FALSE with the error set if the user interrupts this */
gboolean
ctl_outage_find (Ctl *ctl, const CtlOutage *pin, char **text, GError **error)
{
  g_autoptr (GPtrArray) looks = g_ptr_array_new_with_free_func ((GDestroyNotify)ctl_look_free);
  CtlLook *look = ctl_look_new (pin);

  *text = NULL;
  g_ptr_array_add (looks, look);
  if (!ctl_looks_take (ctl, looks, LOOK_S, error))
    return FALSE;
  if (look->unseen != NULL)
    ctl_outage_tell_unchecked (ctl, look->host, look->unseen);
  *text = g_steal_pointer (&look->text);
  return TRUE;
}

/* Asks if the pin would shut out a host, unless `yes`.
 * Errors: CERTPIN_ERROR_FAILED, G_IO_ERROR_CANCELLED.
 * Returns: whether to go on */
gboolean
ctl_outage_confirm (Ctl *ctl, const CtlOutage *pin, gboolean yes, GError **error)
{
  g_autofree char *text = NULL;

  if (yes)
    return TRUE;
  if (!ctl_outage_find (ctl, pin, &text, error))
    return FALSE;
  if (text == NULL)
    return TRUE;
  if (ctl_can_ask (ctl))
    {
      ctl_print_message (&ctl->err, C_ ("message", "warning"), text);
      return ctl_ask (ctl, _ ("Pin it nonetheless?"), error);
    }
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
               _ ("%s; nothing was changed; to pin it nonetheless, add --yes"), text);
  return FALSE;
}
