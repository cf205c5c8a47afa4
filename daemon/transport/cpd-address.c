/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses of a host, resolved again for each connection, without those that no name may lead
 * to: link-local addresses, where clouds serve the secrets of their machines. They are removed
 * before any connection is tried, also in their mapped and translated forms. */

#include "config.h"

#include "daemon/transport/cpd-address.h"

#include "client-lib/certpin-error.h"

#include <string.h>

struct _CpdAddress
{
  GNetworkAddress parent;
};

typedef struct
{
  GNetworkAddressClass parent_class;
} CpdAddressClass;

#define CPD_TYPE_ADDRESS_FILTER (cpd_address_filter_get_type ())
G_DECLARE_FINAL_TYPE (CpdAddressFilter, cpd_address_filter, CPD, ADDRESS_FILTER,
                      GSocketAddressEnumerator)

/* One lookup: the addresses of another enumerator, filtered. */
struct _CpdAddressFilter
{
  GSocketAddressEnumerator parent;

  GSocketAddressEnumerator *all;
  gboolean any;     /* one was let through */
  gboolean refused; /* one was left out */
};

G_DEFINE_FINAL_TYPE (CpdAddressFilter, cpd_address_filter, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

static gboolean
is_link_local_v4 (const guint8 *bytes)
{
  return bytes[0] == 169 && bytes[1] == 254; /* RFC 3927 */
}

/* Whether an address is link-local, or leads to one: mapped (RFC 4291, 2.5.5.2), compatible
 * (2.5.5.1), translated (RFC 6052, RFC 8215, RFC 7915) or by 6to4 (RFC 3056); or the metadata
 * address of AWS. */
gboolean
cpd_address_is_link_local (GInetAddress *address)
{
  static const guint8 translated[12] = { 0, 0x64, 0xff, 0x9b };
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
  static const guint8 translated_locally[6] = { 0, 0x64, 0xff, 0x9b, 0, 1 };
  static const guint8 translated_statelessly[12] = { [8] = 0xff, [9] = 0xff };
  static const guint8 compatible[12] = { 0 };
  static const guint8 metadata[16] = { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    return is_link_local_v4 (bytes);
  if (g_inet_address_get_is_link_local (address) || memcmp (bytes, metadata, sizeof metadata) == 0)
    return TRUE;
  if (memcmp (bytes, mapped, 12) == 0 || memcmp (bytes, translated, 12) == 0
      || memcmp (bytes, compatible, 12) == 0 || memcmp (bytes, translated_statelessly, 12) == 0
      || memcmp (bytes, translated_locally, 6) == 0)
    return is_link_local_v4 (bytes + 12);
  return bytes[0] == 0x20 && bytes[1] == 0x02 && is_link_local_v4 (bytes + 2);
}

static const char refused_message[] = "it has only link-local addresses, which are refused";

/* What is not looked up here can only be an address by its text.
 * `name`: canonical: a host's name or address.
 * Errors: CERTPIN_ERROR_UNREACHABLE: an address that no request may go to. */
gboolean
cpd_address_check_literal (const char *name, GError **error)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (name);

  if (address == NULL || !cpd_address_is_link_local (address))
    return TRUE;
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE, refused_message);
  return FALSE;
}

static gboolean
lets_through (CpdAddressFilter *filter, GSocketAddress *address)
{
  gboolean refused = G_IS_INET_SOCKET_ADDRESS (address)
                     && cpd_address_is_link_local (
                         g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));

  filter->refused |= refused;
  filter->any |= !refused;
  return !refused;
}

/* At the end of the addresses: if all were refused, this must not look like an empty result. */
static void
set_end_error (CpdAddressFilter *filter, GError **error)
{
  if (filter->refused && !filter->any)
    g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE, refused_message);
}

static GSocketAddress *
cpd_address_filter_next (GSocketAddressEnumerator *enumerator, GCancellable *cancellable,
                         GError **error)
{
  CpdAddressFilter *filter = CPD_ADDRESS_FILTER (enumerator);
  g_autoptr (GError) reason = NULL;
  GSocketAddress *address;

  while ((address = g_socket_address_enumerator_next (filter->all, cancellable, &reason)) != NULL)
    {
      if (lets_through (filter, address))
        return address;
      g_object_unref (address);
    }
  if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    set_end_error (filter, error);
  return NULL;
}

static void ask_for_next (GTask *task);

static void
next_on_address (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  CpdAddressFilter *filter = g_task_get_source_object (task);
  GError *error = NULL;
  GSocketAddress *address = g_socket_address_enumerator_next_finish (filter->all, result, &error);

  if (address != NULL && !lets_through (filter, address))
    {
      g_object_unref (address);
      ask_for_next (task);
      return;
    }
  if (address == NULL && error == NULL)
    set_end_error (filter, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, address, g_object_unref);
}

/* Without the cancellable: the look-up would go on all the same, and whoever counts look-ups has to
 * know when it is over. */
static void
ask_for_next (GTask *task)
{
  CpdAddressFilter *filter = g_task_get_source_object (task);

  g_socket_address_enumerator_next_async (filter->all, NULL, next_on_address, g_object_ref (task));
}

static void
cpd_address_filter_next_async (GSocketAddressEnumerator *enumerator, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (enumerator, cancellable, callback, user_data);

  g_task_set_source_tag (task, cpd_address_filter_next_async);
  if (g_task_return_error_if_cancelled (task))
    return;
  ask_for_next (task);
}

static GSocketAddress *
cpd_address_filter_next_finish (GSocketAddressEnumerator *enumerator, GAsyncResult *result,
                                GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
cpd_address_filter_dispose (GObject *object)
{
  CpdAddressFilter *filter = CPD_ADDRESS_FILTER (object);

  g_clear_object (&filter->all);
  G_OBJECT_CLASS (cpd_address_filter_parent_class)->dispose (object);
}

static void
cpd_address_filter_class_init (CpdAddressFilterClass *klass)
{
  GSocketAddressEnumeratorClass *enumerator_class = G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = cpd_address_filter_dispose;
  enumerator_class->next = cpd_address_filter_next;
  enumerator_class->next_async = cpd_address_filter_next_async;
  enumerator_class->next_finish = cpd_address_filter_next_finish;
}

static void
cpd_address_filter_init (CpdAddressFilter *filter)
{
}

static GSocketAddressEnumerator *
cpd_address_enumerate (GSocketConnectable *connectable)
{
  GNetworkAddress *address = G_NETWORK_ADDRESS (connectable);
  CpdAddressFilter *filter = g_object_new (CPD_TYPE_ADDRESS_FILTER, NULL);
  /* A new one each time, because a GNetworkAddress caches the addresses that it found. */
  g_autoptr (GSocketConnectable) fresh = g_network_address_new (
      g_network_address_get_hostname (address), g_network_address_get_port (address));

  filter->all = g_socket_connectable_enumerate (fresh);
  return G_SOCKET_ADDRESS_ENUMERATOR (filter);
}

static void
cpd_address_connectable_init (GSocketConnectableIface *iface)
{
  iface->enumerate = cpd_address_enumerate;
  iface->proxy_enumerate = cpd_address_enumerate;
}

G_DEFINE_TYPE_WITH_CODE (CpdAddress, cpd_address, G_TYPE_NETWORK_ADDRESS,
                         G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE,
                                                cpd_address_connectable_init))

static void
cpd_address_class_init (CpdAddressClass *klass)
{
}

static void
cpd_address_init (CpdAddress *address)
{
}

/* `name`: canonical. */
GSocketConnectable *
cpd_address_new (const char *name, guint16 port)
{
  return g_object_new (CPD_TYPE_ADDRESS, "hostname", name, "port", port, NULL);
}
