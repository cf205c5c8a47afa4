/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses of a name, by getaddrinfo(3) on threads of its own.
 *
 * GLib's resolver asks for AI_ADDRCONFIG: on a machine that has only loopback addresses, names of
 * loopback addresses are then not found, although the service could connect to them. Here, every
 * address is found. One of a family that this machine does not have fails at once when it is
 * connected to, and the next one is tried. */

#include "config.h"

#include "daemon/transport/cpd-resolver.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>

/* A look-up cannot be stopped, and takes many seconds if name servers do not answer. CpdGate limits
 * those of one uid. */
#define THREADS_MAX 64

struct _CpdResolver
{
  GResolver parent;

  GThreadPool *pool; /* of GTask */
};

G_DEFINE_FINAL_TYPE (CpdResolver, cpd_resolver, G_TYPE_RESOLVER)

/* One look-up; belongs to its task. */
typedef struct
{
  char *name;
  int family;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->name);
  g_free (question);
}

static int
family_of (GResolverNameLookupFlags flags)
{
  if (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY)
    return AF_INET;
  if (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY)
    return AF_INET6;
  return AF_UNSPEC;
}

static GResolverError
map_error (int code)
{
  switch (code)
    {
    case EAI_AGAIN:
      return G_RESOLVER_ERROR_TEMPORARY_FAILURE;
    case EAI_SYSTEM:
    case EAI_MEMORY:
      return G_RESOLVER_ERROR_INTERNAL;
    default:
      return G_RESOLVER_ERROR_NOT_FOUND;
    }
}

/* Returns: (transfer full): of GInetAddress, in the order of RFC 6724 */
static GList *
list_addresses (const struct addrinfo *found)
{
  GList *addresses = NULL;

  for (const struct addrinfo *one = found; one != NULL; one = one->ai_next)
    {
      g_autoptr (GSocketAddress) address
          = g_socket_address_new_from_native (one->ai_addr, one->ai_addrlen);

      if (G_IS_INET_SOCKET_ADDRESS (address))
        addresses = g_list_prepend (addresses, g_object_ref (g_inet_socket_address_get_address (
                                                   G_INET_SOCKET_ADDRESS (address))));
    }
  return g_list_reverse (addresses);
}

/* Blocks.
 * Errors: G_RESOLVER_ERROR.
 * Returns: (transfer full): of GInetAddress; NULL with `error` set */
static GList *
look_up (const char *name, int family, GError **error)
{
  /* Without a type of socket, each address would be listed once for each. */
  const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
  struct addrinfo *found = NULL;
  int code = getaddrinfo (name, /* service= */ NULL, &hints, &found);
  int number = errno;
  GList *addresses = code == 0 ? list_addresses (found) : NULL;

  if (code != 0)
    g_set_error (error, G_RESOLVER_ERROR, (int)map_error (code), "its name cannot be resolved: %s",
                 code == EAI_SYSTEM ? g_strerror (number) : gai_strerror (code));
  else if (addresses == NULL)
    g_set_error_literal (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                         "its name has no address");
  if (code == 0)
    freeaddrinfo (found);
  return addresses;
}

static void
free_addresses (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static void
run (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (data);
  const Question *question = g_task_get_task_data (task);
  GError *error = NULL;
  GList *addresses = look_up (question->name, question->family, &error);

  if (addresses != NULL)
    g_task_return_pointer (task, addresses, free_addresses);
  else
    g_task_return_error (task, error);
}

static void
cpd_resolver_ask_async (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (resolver, cancellable, callback, user_data);
  Question *question = g_new0 (Question, 1);

  question->name = g_strdup (name);
  question->family = family_of (flags);
  g_task_set_source_tag (task, cpd_resolver_ask_async);
  g_task_set_task_data (task, question, question_free);
  g_thread_pool_push (CPD_RESOLVER (resolver)->pool, task, NULL);
}

static void
cpd_resolver_ask_any_async (GResolver *resolver, const char *name, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  cpd_resolver_ask_async (resolver, name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable,
                          callback, user_data);
}

static GList *
cpd_resolver_ask_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GList *
cpd_resolver_ask (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                  GCancellable *cancellable, GError **error)
{
  return look_up (name, family_of (flags), error);
}

static GList *
cpd_resolver_ask_any (GResolver *resolver, const char *name, GCancellable *cancellable,
                      GError **error)
{
  return look_up (name, AF_UNSPEC, error);
}

static void
cpd_resolver_finalize (GObject *object)
{
  g_thread_pool_free (CPD_RESOLVER (object)->pool, /* immediate= */ FALSE, /* wait= */ FALSE);
  G_OBJECT_CLASS (cpd_resolver_parent_class)->finalize (object);
}

static void
cpd_resolver_class_init (CpdResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cpd_resolver_finalize;
  resolver_class->lookup_by_name = cpd_resolver_ask_any;
  resolver_class->lookup_by_name_async = cpd_resolver_ask_any_async;
  resolver_class->lookup_by_name_finish = cpd_resolver_ask_finish;
  resolver_class->lookup_by_name_with_flags = cpd_resolver_ask;
  resolver_class->lookup_by_name_with_flags_async = cpd_resolver_ask_async;
  resolver_class->lookup_by_name_with_flags_finish = cpd_resolver_ask_finish;
}

static void
cpd_resolver_init (CpdResolver *resolver)
{
  resolver->pool
      = g_thread_pool_new (run, /* user_data= */ NULL, THREADS_MAX, /* exclusive= */ FALSE, NULL);
}

CpdResolver *
cpd_resolver_new (void)
{
  return g_object_new (CPD_TYPE_RESOLVER, NULL);
}
