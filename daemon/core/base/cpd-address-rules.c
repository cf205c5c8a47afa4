/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides whether a request may go to an address. Link-local addresses are always denied: there,
 * clouds serve the secrets of their machines. */

#include "config.h"

#include "daemon/core/base/cpd-address-rules.h"

/* Those that deny nothing but link-local addresses, until they are filled in. */
CpdAddressRules *
cpd_address_rules_new (void)
{
  CpdAddressRules *rules = g_atomic_rc_box_new0 (CpdAddressRules);

  rules->always = cpd_ranges_new ();
  rules->deny = cpd_ranges_new ();
  rules->deny_for_users = cpd_ranges_new ();
  rules->allow = cpd_ranges_new ();
  cpd_ranges_add (rules->always, "link-local");
  return rules;
}

CpdAddressRules *
cpd_address_rules_ref (CpdAddressRules *rules)
{
  return g_atomic_rc_box_acquire (rules);
}

static void
rules_clear (gpointer data)
{
  CpdAddressRules *rules = data;

  cpd_ranges_free (rules->always);
  cpd_ranges_free (rules->deny);
  cpd_ranges_free (rules->deny_for_users);
  cpd_ranges_free (rules->allow);
}

/* `rules`: (nullable) */
void
cpd_address_rules_unref (CpdAddressRules *rules)
{
  if (rules != NULL)
    g_atomic_rc_box_release_full (rules, rules_clear);
}

/* Returns: (transfer full): what is wrong with the address, and what to do */
static char *
describe (GInetAddress *address, const char *found, const char *why)
{
  g_autofree char *text = g_inet_address_to_string (address);

  return g_strdup_printf ("address %s is denied by ‘%s’ %s", text, found, why);
}

/* `for_user`: only a pin of the user's lets the request go there, none of the administrator's.
 * Returns: (transfer full) (nullable): why it may not; NULL: it may */
char *
cpd_address_rules_refuse (const CpdAddressRules *rules, GInetAddress *address, gboolean for_user)
{
  const char *found;

  if ((found = cpd_ranges_find_led_to (rules->always, address)) != NULL)
    return describe (address, found, "and nothing can allow it; use another address of the host");
  if (cpd_ranges_find (rules->allow, address) != NULL)
    return NULL;
  if ((found = cpd_ranges_find_led_to (rules->deny, address)) != NULL)
    return describe (address, found,
                     "of Deny= in certpind.conf; the administrator can allow it with Allow=");
  if (for_user && (found = cpd_ranges_find_led_to (rules->deny_for_users, address)) != NULL)
    return describe (address, found,
                     "of DenyForUsers= in certpind.conf; the administrator can allow it with "
                     "Allow=, or pin the host for the system");
  return NULL;
}
