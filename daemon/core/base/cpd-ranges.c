/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Address ranges as an administrator writes them, and whether an address is in one of them. An
 * IPv4 address in IPv6 notation (RFC 4291, section 2.5.5.2) is that IPv4 address: to connect to it
 * sends IPv4 packets. */

#include "config.h"

#include "daemon/core/base/cpd-ranges.h"

#include <string.h>

#define V4_BYTES 4

typedef struct
{
  GInetAddressMask *mask;
  char *text; /* as it was written: the range, or the word that stands for it */
} Range;

struct _CpdRanges
{
  GPtrArray *list; /* of Range */
};

/* What the words stand for. */
static const struct
{
  const char *word;
  const char *ranges[9];
} words[] = {
  { "any", { "0.0.0.0/0", "::/0" } },
  /* RFC 3927; RFC 4291, section 2.5.6; and where clouds serve the secrets of machines by other
   * addresses: Azure, Alibaba, AWS (twice), Google and Oracle */
  { "link-local",
    { "169.254.0.0/16", "fe80::/10", "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
      "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe" } },
  /* RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3; to connect to the unspecified addresses
   * leads to this machine, too */
  { "loopback", { "127.0.0.0/8", "0.0.0.0/8", "::1", "::" } },
  /* RFC 1918, RFC 6598 (between customers and their provider), RFC 4193, RFC 3879 */
  { "private",
    { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10" } },
};

static void
range_free (gpointer data)
{
  Range *range = data;

  g_object_unref (range->mask);
  g_free (range->text);
  g_free (range);
}

CpdRanges *
cpd_ranges_new (void)
{
  CpdRanges *ranges = g_new0 (CpdRanges, 1);

  ranges->list = g_ptr_array_new_with_free_func (range_free);
  return ranges;
}

/* `ranges`: (nullable) */
void
cpd_ranges_free (CpdRanges *ranges)
{
  if (ranges == NULL)
    return;
  g_ptr_array_unref (ranges->list);
  g_free (ranges);
}

static gboolean
is_mapped (GInetAddress *address)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };

  return g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
         && memcmp (g_inet_address_to_bytes (address), mapped, sizeof mapped) == 0;
}

/* Otherwise GLib would take one that is missing for 0, and one with a sign. */
static gboolean
has_clear_length (const char *text)
{
  const char *slash = strchr (text, '/');

  return slash == NULL || g_ascii_string_to_unsigned (slash + 1, 10, 0, 128, NULL, NULL);
}

/* `text`: what stands for the range */
static gboolean
add_range (CpdRanges *ranges, const char *range_text, const char *text)
{
  g_autoptr (GInetAddressMask) mask = NULL;
  Range *range;

  if (has_clear_length (range_text))
    mask = g_inet_address_mask_new_from_string (range_text, NULL);
  /* No address would be in a range of IPv4 addresses in IPv6 notation. */
  if (mask == NULL || is_mapped (g_inet_address_mask_get_address (mask)))
    return FALSE;
  range = g_new0 (Range, 1);
  range->mask = g_steal_pointer (&mask);
  range->text = g_strdup (text);
  g_ptr_array_add (ranges->list, range);
  return TRUE;
}

/* `text`: an address; or a range such as 10.0.0.0/8, with no bit set beyond its length.
 * Returns: whether it is one of these */
gboolean
cpd_ranges_add_range (CpdRanges *ranges, const char *text)
{
  return add_range (ranges, text, text);
}

/* `text`: an address, a range or a word. Returns: whether it is one of these */
gboolean
cpd_ranges_add (CpdRanges *ranges, const char *text)
{
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_equal (text, words[i].word))
      {
        for (size_t j = 0; words[i].ranges[j] != NULL; j++)
          add_range (ranges, words[i].ranges[j], text);
        return TRUE;
      }
  return cpd_ranges_add_range (ranges, text);
}

static const char *
find_exact (const CpdRanges *ranges, GInetAddress *address)
{
  for (unsigned int i = 0; i < ranges->list->len; i++)
    {
      const Range *range = ranges->list->pdata[i];

      if (g_inet_address_mask_matches (range->mask, address))
        return range->text;
    }
  return NULL;
}

static const char *
find_v4 (const CpdRanges *ranges, const guint8 *bytes)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_bytes (bytes, G_SOCKET_FAMILY_IPV4);

  return find_exact (ranges, address);
}

/* Returns: (nullable): the range that the address is in, as it was written; NULL: none */
const char *
cpd_ranges_find (const CpdRanges *ranges, GInetAddress *address)
{
  if (is_mapped (address))
    return find_v4 (ranges, g_inet_address_to_bytes (address) + 12);
  return find_exact (ranges, address);
}

/* Where in an IPv6 address there is the IPv4 address that it leads to by way of another machine:
 * compatible (RFC 4291, section 2.5.5.1), translated (RFC 6052, RFC 7915) or by 6to4 (RFC 3056).
 * Returns: (nullable): NULL: it does not */
static const guint8 *
find_embedded (const guint8 *bytes)
{
  static const guint8 translated[12] = { 0, 0x64, 0xff, 0x9b };
  static const guint8 translated_statelessly[12] = { [8] = 0xff, [9] = 0xff };
  static const guint8 compatible[13] = { 0 }; /* :: and ::1 are not */

  if (memcmp (bytes, translated, 12) == 0 || memcmp (bytes, translated_statelessly, 12) == 0)
    return bytes + 12;
  if (memcmp (bytes, compatible, 12) == 0 && memcmp (bytes, compatible, 13) != 0)
    return bytes + 12;
  return bytes[0] == 0x20 && bytes[1] == 0x02 ? bytes + 2 : NULL;
}

static gboolean
is_translated_locally (const guint8 *bytes)
{
  static const guint8 prefix[6] = { 0, 0x64, 0xff, 0x9b, 0, 1 };

  return memcmp (bytes, prefix, sizeof prefix) == 0;
}

/* Only the local network knows how long its prefix is (RFC 8215), and so where the IPv4 address is
 * (RFC 6052, section 2.2): all places count. But for the last one, which is the usual one, those
 * that begin with zero do not: there, it is what is around the address itself. */
static const char *
find_translated_locally (const CpdRanges *ranges, const guint8 *bytes)
{
  static const guint8 places[][V4_BYTES]
      = { { 12, 13, 14, 15 }, { 9, 10, 11, 12 }, { 7, 9, 10, 11 }, { 6, 7, 9, 10 } };
  const char *found = find_v4 (ranges, bytes + places[0][0]);

  for (size_t i = 1; found == NULL && i < G_N_ELEMENTS (places); i++)
    {
      const guint8 *at = places[i];
      const guint8 v4[V4_BYTES] = { bytes[at[0]], bytes[at[1]], bytes[at[2]], bytes[at[3]] };

      if (v4[0] != 0)
        found = find_v4 (ranges, v4);
    }
  return found;
}

/* The same, also if the address is not in the range itself but leads to one that is. */
const char *
cpd_ranges_find_led_to (const CpdRanges *ranges, GInetAddress *address)
{
  const char *found = cpd_ranges_find (ranges, address);
  const guint8 *bytes = g_inet_address_to_bytes (address), *embedded;

  if (found != NULL || g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return found;
  if (is_translated_locally (bytes))
    return find_translated_locally (ranges, bytes);
  embedded = find_embedded (bytes);
  return embedded != NULL ? find_v4 (ranges, embedded) : NULL;
}
