/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The objects of warm channels, for people who look at the bus with its own tools. A caller can
 * only name those of its own user, which have numbers of their own. */

#include "config.h"

#include "daemon/bus/cpd-channel-objects.h"

#include "daemon/core/base/cpd-vardict.h"
#include "dbus/certpin-names.h"

#include <string.h>

/* Returns: (transfer full) (nullable): the channel that this path stands for, to this caller */
CpdChannelStatus *
cpd_channel_objects_find (const CpdBusParts *parts, const CpdCaller *caller, const char *path)
{
  g_autoptr (GPtrArray) channels = NULL;

  if (!g_str_has_prefix (path, CERTPIN_CHANNEL_PATH "/") || caller->confinement != NULL)
    return NULL;
  path += strlen (CERTPIN_CHANNEL_PATH "/");
  channels = cpd_fetcher_list_channels (parts->fetcher, cpd_caller_get_owner (caller));
  for (unsigned int i = 0; i < channels->len; i++)
    {
      const CpdChannelStatus *status = channels->pdata[i];
      g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, status->number);

      if (g_str_equal (number, path))
        return g_ptr_array_steal_index (channels, i);
    }
  return NULL;
}

/* Names them as child nodes. */
void
cpd_channel_objects_list (const CpdBusParts *parts, const CpdCaller *caller, GString *xml)
{
  g_autoptr (GPtrArray) channels = NULL;

  if (caller->confinement != NULL)
    return;
  channels = cpd_fetcher_list_channels (parts->fetcher, cpd_caller_get_owner (caller));
  for (unsigned int i = 0; i < channels->len; i++)
    g_string_append_printf (xml, "  <node name=\"%" G_GUINT64_FORMAT "\"/>\n",
                            ((CpdChannelStatus *)channels->pdata[i])->number);
}

/* Returns: (floating): a{sv}: all properties */
GVariant *
cpd_channel_objects_describe (const CpdChannelStatus *status)
{
  GVariantBuilder properties;
  char *key
      = status->matched_key != NULL ? certpin_key_to_text (status->matched_key) : g_strdup ("");

  cpd_vardict_begin (&properties);
  cpd_vardict_add (&properties, "Host", g_variant_new_string (cpd_host_get_text (status->target)));
  cpd_vardict_add (&properties, "Proxy", g_variant_new_string (status->proxy));
  cpd_vardict_add (&properties, "Since", g_variant_new_int64 (status->since));
  cpd_vardict_add (&properties, "Connections", g_variant_new_uint32 (status->connections));
  cpd_vardict_add (&properties, "Requests", g_variant_new_uint64 (status->requests));
  cpd_vardict_add (&properties, "BytesSent", g_variant_new_uint64 (status->bytes_sent));
  cpd_vardict_add (&properties, "BytesReceived", g_variant_new_uint64 (status->bytes_received));
  cpd_vardict_add (&properties, "MatchedKey", g_variant_new_take_string (key));
  return g_variant_builder_end (&properties);
}
