/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses of a host or a proxy, resolved again for each connection, without those that the
 * request may not go to. They are removed before any connection is tried. */

#include "config.h"

#include "daemon/transport/cpd-address.h"

struct _CpdAddress
{
  GNetworkAddress parent;

  CpdAddressSettings settings; /* with references of its own */
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

  CpdAddress *address;
  GSocketAddressEnumerator *all;
  gboolean any;    /* one was let through */
  GError *refusal; /* of the first that was left out; NULL: none was */
};

G_DEFINE_FINAL_TYPE (CpdAddressFilter, cpd_address_filter, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

static gboolean
lets_through (CpdAddressFilter *filter, GSocketAddress *address)
{
  const CpdAddressSettings *settings = &filter->address->settings;

  if (settings->store == NULL)
    return FALSE; /* it was closed */
  if (!cpd_judge_address (settings->store, settings->owner, settings->target, settings->rules,
                          g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)),
                          filter->refusal == NULL ? &filter->refusal : NULL))
    return FALSE;
  filter->any = TRUE;
  return TRUE;
}

/* At the end of the addresses: if all were refused, this must not look like an empty result. */
static void
set_end_error (CpdAddressFilter *filter, GError **error)
{
  if (filter->refusal != NULL && !filter->any)
    g_propagate_error (error, g_error_copy (filter->refusal));
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
  g_clear_object (&filter->address);
  g_clear_error (&filter->refusal);
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

  filter->address = g_object_ref (CPD_ADDRESS (connectable));
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

/* Whoever connects has finished: no more addresses are let through. GSocketClient does not always
 * free what it enumerates, so all that this has is given back now. */
void
cpd_address_close (CpdAddress *address)
{
  g_clear_pointer (&address->settings.target, cpd_host_unref);
  g_clear_object (&address->settings.store);
  g_clear_pointer (&address->settings.rules, cpd_address_rules_unref);
}

static void
cpd_address_finalize (GObject *object)
{
  cpd_address_close (CPD_ADDRESS (object));
  G_OBJECT_CLASS (cpd_address_parent_class)->finalize (object);
}

static void
cpd_address_class_init (CpdAddressClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_address_finalize;
}

static void
cpd_address_init (CpdAddress *address)
{
}

CpdAddress *
cpd_address_new (const CpdAddressSettings *settings)
{
  CpdAddress *address
      = g_object_new (CPD_TYPE_ADDRESS, "hostname", settings->name, "port", settings->port, NULL);

  address->settings = *settings;
  cpd_host_ref (settings->target);
  g_object_ref (settings->store);
  cpd_address_rules_ref (settings->rules);
  return address;
}
