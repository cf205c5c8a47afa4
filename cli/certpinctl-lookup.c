/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pin that a scope has for a host. */

#include "config.h"

#include "certpinctl-lookup.h"

#include "certpinctl-host.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-wait.h"

#include <string.h>

/* Whether it is not one of the system, which applies where the caller has none. */
static gboolean
is_own (GVariant *pin)
{
  const char *scope = "";

  g_variant_lookup (pin, "scope", "&s", &scope);
  return !g_str_equal (scope, "system");
}

/* Without --system and --app, the service knows whose pins the caller's own are: those of its user
 * or, in a sandbox, of its app.
 * Returns: (transfer full) (nullable): the pin of the scope that applies to the host; NULL without
 * error: there is none */
GVariant *
ctl_lookup_pin (Ctl *ctl, const char *host, gboolean system, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  GVariant *pin;

  certpin_client_get_pin_async (ctl->client, host, ctl_scope_options (ctl, system),
                                ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  pin = ctl_reply_take_record (certpin_client_get_pin_finish (ctl->client, result, &reason),
                               CTL_REPLY_PIN, &reason);
  if (reason != NULL && !g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    g_propagate_error (error, g_steal_pointer (&reason));
  if (pin != NULL && !system && !is_own (pin))
    g_clear_pointer (&pin, g_variant_unref);
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
  g_autoptr (GVariant) found = ctl_lookup_pin (ctl, host, system, &reason);

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

/* `host`: one host. Returns: (transfer full) (nullable): as the service names it */
static char *
ask_for_name (Ctl *ctl, const char *host, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) explanation = NULL;
  g_autofree char *bare = NULL;
  const char *target = "";
  guint16 port;

  certpin_client_explain_host_async (ctl->client, host, /* options= */ NULL, ctl->cancellable,
                                     ctl_on_result, ctl);
  result = ctl_wait (ctl);
  explanation
      = ctl_reply_take_record (certpin_client_explain_host_finish (ctl->client, result, error),
                               CTL_REPLY_EXPLANATION, error);
  if (explanation == NULL)
    return NULL;
  g_variant_lookup (explanation, "host", "&s", &target);
  ctl_host_split (target, &bare, &port);
  return g_strdup (ctl_host_has_port (host) ? target : bare);
}

/* `host`: as it is typed: with capitals, or in a script of its own, with or without port.
 * Returns: (transfer full) (nullable): as pins name it */
char *
ctl_lookup_name (Ctl *ctl, const char *host, GError **error)
{
  gsize wild = strspn (host, "*.");
  g_autofree char *pattern = g_strndup (host, wild);
  g_autofree char *name = ask_for_name (ctl, host + wild, error);

  return name != NULL ? g_strconcat (pattern, name, NULL) : NULL;
}
