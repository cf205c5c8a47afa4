/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The trial of a new pin: one handshake by all pins that apply, as a request would do it, but
 * without a byte of data. If it fails, what was there before is put back. */

#include "config.h"

#include "certpinctl-trial.h"

#include "certpinctl-host.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <string.h>

#define HTTPS_PORT 443

/* `old`: (nullable): the pin that would be replaced.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT: nobody but the service has a part of it */
gboolean
ctl_trial_can_undo (GVariant *old, GError **error)
{
  g_autoptr (GVariant) anchors
      = old != NULL ? g_variant_lookup_value (old, "trust-anchors", NULL) : NULL;

  if (anchors == NULL)
    return TRUE;
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "the host has a pin with its own trust anchors, which --fetch could not "
                       "put back; change it with --add, or unpin the host first");
  return FALSE;
}

/* Returns: whether a request to the server would be sent */
gboolean
ctl_trial_run (Ctl *ctl, const char *host, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autofree char *name = NULL;
  guint16 port;

  if (!ctl_host_split (host, &name, &port))
    port = HTTPS_PORT;
  certpin_client_open_connection_async (ctl->client, name, port, /* starttls= */ NULL,
                                        /* options= */ NULL, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  connection = certpin_client_open_connection_finish (ctl->client, result, error);
  return connection != NULL;
}

static gboolean
unpin (Ctl *ctl, const char *host, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_unpin_async (ctl->client, host, options, /* cancellable= */ NULL, ctl_on_result,
                              ctl);
  result = ctl_wait (ctl);
  return certpin_client_unpin_finish (ctl->client, result, error);
}

static gboolean
block (Ctl *ctl, const char *host, const char *reason, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_block_host_async (ctl->client, host, reason, options, /* cancellable= */ NULL,
                                   ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return certpin_client_block_host_finish (ctl->client, result, error);
}

/* `old`: one without its own trust anchors. */
static gboolean
pin_again (Ctl *ctl, const char *host, GVariant *old, GError **error)
{
  static const char *const kept[] = { "scope", "match", "mode", "expires", "note" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) pin = NULL;
  g_auto (GStrv) keys = NULL;

  g_variant_lookup (old, "keys", "^as", &keys);
  for (size_t i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (old, kept[i], NULL);

      if (value != NULL)
        g_variant_dict_insert_value (&dict, kept[i], value);
    }
  certpin_client_pin_keys_async (ctl->client, host, (const char *const *)keys,
                                 g_variant_dict_end (&dict), /* cancellable= */ NULL, ctl_on_result,
                                 ctl);
  result = ctl_wait (ctl);
  pin = certpin_client_pin_keys_finish (ctl->client, result, error);
  return pin != NULL;
}

/* `pin`: what was made. `old`: (nullable): what was there before. An expired pin becomes a block,
 * since no pin can be made that is expired; a pause is not made again. It is not cancelled: that
 * would leave the host with a pin that failed. */
gboolean
ctl_trial_undo (Ctl *ctl, GVariant *pin, GVariant *old, GError **error)
{
  const char *host = "", *scope = "", *state = "", *reason = "its pin expired";
  GVariant *options;

  g_variant_lookup (pin, "host", "&s", &host);
  g_variant_lookup (pin, "scope", "&s", &scope);
  options = g_variant_new_parsed ("{'scope': <%s>}", scope);
  if (old == NULL)
    return unpin (ctl, host, options, error);
  g_variant_lookup (old, "state", "&s", &state);
  g_variant_lookup (old, "reason", "&s", &reason);
  if (strcmp (state, "active") != 0 && strcmp (state, "paused") != 0)
    return block (ctl, host, reason, options, error);
  g_variant_unref (g_variant_ref_sink (options));
  return pin_again (ctl, host, old, error);
}
