/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sockets on which programs of the same user, and no others, may connect. */

#define _GNU_SOURCE /* struct ucred, accept4 () */

#include "config.h"

#include "certpinctl-listen.h"

#include <glib/gi18n.h>

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

static int
fail (int listener, const char *where, GError **error)
{
  g_set_error (error, G_FILE_ERROR, (int)g_file_error_from_errno (errno),
               _ ("cannot listen on %s: %s"), where, g_strerror (errno));
  if (listener >= 0)
    g_close (listener, NULL);
  return -1;
}

/* A socket that nobody listens on, such as an earlier run has left. */
static void
remove_stale (const struct sockaddr_un *address)
{
  struct stat about;
  int probe;

  if (lstat (address->sun_path, &about) != 0 || !S_ISSOCK (about.st_mode))
    return;
  probe = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect (probe, (const struct sockaddr *)address, sizeof *address) != 0
      && errno == ECONNREFUSED)
    unlink (address->sun_path);
  close (probe);
}

/* Returns: (transfer full): a listening socket; -1 with `error` set */
int
ctl_listen_unix (const char *path, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree char *where = g_strdup_printf (_ ("‘%s’"), path);
  int listener;
  mode_t mask;
  int bound;

  if (*path == '\0') /* Linux would make an abstract socket of it */
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _ ("‘’ is not the name of a socket; give one with --listen-unix"));
      return -1;
    }
  if (strlen (path) >= sizeof address.sun_path)
    {
      errno = ENAMETOOLONG;
      return fail (-1, where, error);
    }
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  remove_stale (&address);
  listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  mask = umask (0177);
  bound = bind (listener, (struct sockaddr *)&address, sizeof address);
  umask (mask);
  if (bound != 0 || listen (listener, BACKLOG) != 0)
    return fail (listener, where, error);
  return listener;
}

/* `port`: 0: any. Returns: (transfer full): a listening socket; -1 with `error` set */
int
ctl_listen_loopback (const char *port, guint16 *chosen, GError **error)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  const int on = 1;
  guint64 number;
  int listener;

  if (!g_ascii_string_to_unsigned (port, 10, 0, G_MAXUINT16, &number, NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("‘%s’ is not a port; give 1 to 65535, or 0 for any that is free"), port);
      return -1;
    }
  address.sin_port = htons ((guint16)number);
  listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt (listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (listener, (struct sockaddr *)&address, sizeof address) != 0
      || listen (listener, BACKLOG) != 0
      || getsockname (listener, (struct sockaddr *)&address, &length) != 0)
    return fail (listener, "127.0.0.1", error);
  *chosen = ntohs (address.sin_port);
  return listener;
}

/* Whether a line of /proc/net/tcp is the other end of this connection, and whose it is. */
static gboolean
read_owner (const char *line, const struct sockaddr_in *local, const struct sockaddr_in *remote,
            unsigned int *uid)
{
  unsigned int own_address, own_port, other_address, other_port;

  return sscanf (line, " %*u: %8X:%4X %8X:%4X %*X %*X:%*X %*X:%*X %*X %u", &own_address, &own_port,
                 &other_address, &other_port, uid)
             == 5
         && own_address == remote->sin_addr.s_addr && own_port == ntohs (remote->sin_port)
         && other_address == local->sin_addr.s_addr && other_port == ntohs (local->sin_port);
}

/* TCP does not say who is at the other end, but the kernel's list of sockets does: proc(5). */
static gboolean
is_mine_over_tcp (int client)
{
  struct sockaddr_in local = { 0 }, remote = { 0 };
  socklen_t local_length = sizeof local, remote_length = sizeof remote;
  g_autofree char *list = NULL;
  g_auto (GStrv) lines = NULL;
  unsigned int uid;

  if (getsockname (client, (struct sockaddr *)&local, &local_length) != 0
      || getpeername (client, (struct sockaddr *)&remote, &remote_length) != 0
      || !g_file_get_contents ("/proc/net/tcp", &list, NULL, NULL))
    return FALSE;
  lines = g_strsplit (list, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    if (read_owner (lines[i], &local, &remote, &uid))
      return uid == getuid ();
  return FALSE;
}

static gboolean
is_mine (int client)
{
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  int domain = 0;
  socklen_t domain_length = sizeof domain;

  getsockopt (client, SOL_SOCKET, SO_DOMAIN, &domain, &domain_length);
  if (domain != AF_UNIX)
    return is_mine_over_tcp (client);
  return getsockopt (client, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0
         && credentials.uid == getuid ();
}

/* Returns: (transfer full): a client of the same user; -1: there is none, or it was refused */
int
ctl_listen_accept (int listener)
{
  int client = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);

  if (client < 0 || is_mine (client))
    return client;
  close (client);
  return -1;
}
