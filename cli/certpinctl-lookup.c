/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pin that a scope has for a host. */

#include "config.h"

#include "certpinctl-lookup.h"

#include "certpinctl-host.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-wait.h"

/* `scope`: “app” only where the command names one.
 * Returns: (transfer full) (nullable): the pin of the scope that applies to the host; NULL without
 * error: there is none */
GVariant *
ctl_lookup_pin (Ctl *ctl, const char *host, const char *scope, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  GVariant *pin;

  g_variant_dict_insert (&options, "scope", "s", scope);
  if (g_str_equal (scope, "app"))
    g_variant_dict_insert (&options, "app", "s", ctl->app);
  certpin_client_get_pin_async (ctl->client, host, g_variant_dict_end (&options), ctl->cancellable,
                                ctl_on_result, ctl);
  result = ctl_wait (ctl);
  pin = ctl_reply_take_record (certpin_client_get_pin_finish (ctl->client, result, &reason),
                               CTL_REPLY_PIN, &reason);
  if (reason != NULL && !g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    g_propagate_error (error, g_steal_pointer (&reason));
  return pin;
}

/* Whether both are of the same kind: then the pin that applies to the host is that of exactly this
 * host. */
static gboolean
is_exact (GVariant *pin, const char *host)
{
  const char *pattern = "";

  g_variant_lookup (pin, "host", "&s", &pattern);
  return (*pattern == '*') == (*host == '*')
         && ctl_host_has_port (pattern) == ctl_host_has_port (host);
}

/* `pin`: (out) (nullable) (transfer full): the pin or block of exactly this pattern, which a new
 * pin would replace; NULL: there is none.
 * Returns: FALSE with the error set */
gboolean
ctl_lookup_exact_pin (Ctl *ctl, const char *host, gboolean system, GVariant **pin, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GVariant) found
      = ctl_lookup_pin (ctl, host, ctl_scope_get_name (ctl, system), &reason);

  *pin = NULL;
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  if (found != NULL && is_exact (found, host))
    *pin = g_steal_pointer (&found);
  return TRUE;
}
