/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the calls share that make connections: a token, by which the service knows such a call, that
 * errors have their causes, and a timeout, which the service enforces. */

#include "config.h"

#include "certpin-handle.h"

#include <string.h>

#define REQUEST_TIMEOUT_MAX_MS 600000

/* The service enforces the timeout of a request; the library waits a little longer for its
 * answer. */
#define GRACE_MS 5000

/* A token is a part of an object path. */
#define TOKEN_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z "0123456789_"

/* Adds to the options a token, by which the call can be cancelled, and that its error is to have a
 * cause. The program's own options stay as they are. `token` is NULL if that is not a valid one;
 * then the service refuses the call.
 * Returns: floating */
GVariant *
certpin_handle_add (GVariant *options, char **token)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);

  if (!g_variant_dict_contains (&dict, "error-cause"))
    g_variant_dict_insert (&dict, "error-cause", "b", TRUE);
  if (!g_variant_dict_contains (&dict, "handle-token"))
    {
      *token = g_strdup_printf ("c%08x%08x", g_random_int (), g_random_int ());
      g_variant_dict_insert (&dict, "handle-token", "s", *token);
    }
  else if (g_variant_dict_lookup (&dict, "handle-token", "s", token)
           && (**token == '\0' || (*token)[strspn (*token, TOKEN_CHARACTERS)] != '\0'))
    g_clear_pointer (token, g_free);
  return g_variant_dict_end (&dict);
}

/* Returns: how long the library waits */
int
certpin_handle_get_timeout_ms (GVariant *options)
{
  guint32 timeout_ms = CERTPIN_HANDLE_TIMEOUT_MS;

  g_variant_lookup (options, "timeout-ms", "u", &timeout_ms);
  return (int)MIN (timeout_ms, REQUEST_TIMEOUT_MAX_MS) + GRACE_MS;
}
