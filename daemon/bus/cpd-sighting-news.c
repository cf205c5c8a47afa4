/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells what is seen at servers: those who may see the pin, by the signal KeySeen; and the
 * journal. */

#include "config.h"

#include "daemon/bus/cpd-sighting-news.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-describe.h"

/* Returns: the place of the key among those of the pin */
static unsigned int
find_position (const CpdPin *pin, CertpinKey *key)
{
  unsigned int i = 0;

  while (i < pin->keys->len && !certpin_key_equal (pin->keys->pdata[i], key))
    i++;
  return i;
}

static void
on_key_seen (const CpdBusParts *parts, CpdOwner owner, CpdPin *pin, CertpinKey *key)
{
  unsigned int position = find_position (pin, key);
  g_autofree char *text = certpin_key_to_text (key);
  g_auto (GVariantDict) details = G_VARIANT_DICT_INIT (NULL);
  CpdNews news = { .signal = "KeySeen",
                   .host = cpd_host_get_text (pin->host),
                   .scope = cpd_describe_scope (pin->layer),
                   .key = text };

  cpd_audit_key_seen (parts->audit, owner, pin, text, position);
  if (!cpd_subscribers_has_any (parts->subscribers, owner))
    return;
  g_variant_dict_insert (&details, "scope", "s", news.scope);
  g_variant_dict_insert (&details, "key", "s", text);
  g_variant_dict_insert (&details, "position", "u", position);
  g_variant_dict_insert (&details, "keys", "u", pin->keys->len);
  g_variant_dict_insert (&details, "match", "s", cpd_match_words[pin->match]);
  news.arguments = g_variant_new ("(s@a{sv})", news.host, g_variant_dict_end (&details));
  cpd_subscribers_tell (parts->subscribers, owner, &news);
}

static void
on_warns (const CpdBusParts *parts, CpdOwner owner, CpdPin *pin, GStrv warnings)
{
  cpd_audit_pin_warned (parts->audit, owner, pin, warnings);
}

static void
on_failed (const CpdBusParts *parts, const char *message)
{
  cpd_audit_sightings_failed (message);
}

static void
on_recovered (const CpdBusParts *parts)
{
  cpd_audit_sightings_recovered ();
}

/* `parts`: until cpd_sighting_news_unfollow (). */
void
cpd_sighting_news_follow (CpdBusParts *parts)
{
  CpdLogbook *logbook = cpd_store_get_logbook (parts->store);

  g_signal_connect_swapped (logbook, "key-seen", G_CALLBACK (on_key_seen), parts);
  g_signal_connect_swapped (logbook, "warns", G_CALLBACK (on_warns), parts);
  g_signal_connect_swapped (logbook, "failed", G_CALLBACK (on_failed), parts);
  g_signal_connect_swapped (logbook, "recovered", G_CALLBACK (on_recovered), parts);
}

void
cpd_sighting_news_unfollow (CpdBusParts *parts)
{
  g_signal_handlers_disconnect_by_data (cpd_store_get_logbook (parts->store), parts);
}
