/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file with the credentials of proxies (RFC 7617). It is only read if no other user could have
 * read it, and nothing that it says is repeated in a message: those go to the journal. */

#include "config.h"

#include "daemon/core/base/cpd-proxy-credentials.h"

#include "daemon/core/base/cpd-key-file.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (64 * 1024)
#define SERVICE_USER   "certpin"

/* Root may check the file of the service, which runs as a user of its own. */
static gboolean
is_private (const struct stat *status)
{
  const struct passwd *service = geteuid () == 0 ? getpwnam (SERVICE_USER) : NULL;
  gboolean owned = status->st_uid == 0 || status->st_uid == geteuid ()
                   || (service != NULL && status->st_uid == service->pw_uid);
  gboolean ours = status->st_gid == 0 || status->st_gid == getegid ()
                  || (service != NULL && status->st_gid == service->pw_gid);

  return owned && (status->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0
         && (ours || (status->st_mode & S_IRGRP) == 0);
}

static gboolean
check_file (int fd, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) < 0)
    return cpd_refuse (error, CERTPIN_ERROR_FAILED, "%s", g_strerror (errno));
  if (!S_ISREG (status.st_mode))
    return cpd_refuse (error, CERTPIN_ERROR_FAILED, "it is not a regular file");
  if (!is_private (&status))
    return cpd_refuse (error, CERTPIN_ERROR_FAILED,
                       "others could read or change it; it must belong to root or to the service, "
                       "with mode 0600, or with mode 0640 and the service's group");
  if (status.st_size > FILE_MAX_BYTES)
    return cpd_refuse (error, CERTPIN_ERROR_FAILED, "it is larger than %d bytes", FILE_MAX_BYTES);
  return TRUE;
}

static gboolean
read_open (int fd, GByteArray *text, GError **error)
{
  guint8 buffer[4096];
  ssize_t length;

  if (!check_file (fd, error))
    return FALSE;
  while ((length = read (fd, buffer, sizeof buffer)) > 0 && text->len <= FILE_MAX_BYTES)
    g_byte_array_append (text, buffer, (unsigned int)length);
  return length >= 0 || cpd_refuse (error, CERTPIN_ERROR_FAILED, "%s", g_strerror (errno));
}

/* Returns: whether it was read into `text` */
static gboolean
read_file (const char *path, GByteArray *text, GError **error)
{
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  gboolean done;

  if (fd < 0 && errno == ELOOP)
    return cpd_refuse (error, CERTPIN_ERROR_FAILED, "it is a symbolic link");
  if (fd < 0)
    return cpd_refuse (error, CERTPIN_ERROR_FAILED, "%s", g_strerror (errno));
  done = read_open (fd, text, error);
  close (fd);
  return done;
}

/* Returns: (transfer full) (nullable): the value of a key that has to be there */
static char *
read_text (CpdKeyFile *file, const char *key)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (!cpd_key_file_has_key (file, key))
    {
      cpd_key_file_complain (file, key, "it is missing in the group [%s]", file->group);
      return NULL;
    }
  text = cpd_key_file_get_text (file, key, &error);
  if (text == NULL)
    cpd_key_file_complain (file, key, "it cannot be read; a backslash is written \\\\");
  return g_steal_pointer (&text);
}

static gboolean
check_value (CpdKeyFile *file, const char *key, const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c) || (*c == ':' && g_str_equal (key, "User")))
      {
        cpd_key_file_complain (file, key, "it must not have control characters%s",
                               *key == 'U' ? " or colons" : "");
        return FALSE;
      }
  return TRUE;
}

static void
check_keys (CpdKeyFile *file)
{
  g_auto (GStrv) keys
      = g_key_file_get_keys (cpd_key_file_get_content (file), file->group, NULL, NULL);
  static const char *const known[] = { "Proxy", "User", "Password", NULL };

  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    if (!g_strv_contains (known, keys[i]))
      cpd_key_file_complain (file, keys[i],
                             "unknown key; only Proxy=, User= and Password= are known");
}

/* One group: the credentials of one proxy. */
static void
read_group (CpdKeyFile *file, CpdProxies *proxies)
{
  g_autofree char *url = read_text (file, "Proxy");
  g_autofree char *user = read_text (file, "User");
  g_autofree char *password = read_text (file, "Password");
  g_autofree char *both = NULL, *encoded = NULL;
  CpdProxy *proxy = url != NULL ? cpd_proxies_find (proxies, url) : NULL;

  check_keys (file);
  if (url != NULL && proxy == NULL)
    cpd_key_file_complain (file, "Proxy", "it is not one of the proxies in certpind.conf");
  if (proxy == NULL || user == NULL || password == NULL || !check_value (file, "User", user)
      || !check_value (file, "Password", password))
    return;
  if (proxy->authorization != NULL)
    {
      cpd_key_file_complain (file, "Proxy", "it is that of another group, too");
      return;
    }
  both = g_strconcat (user, ":", password, NULL);
  encoded = g_base64_encode ((const guint8 *)both, strlen (both));
  proxy->authorization = g_strconcat ("Basic ", encoded, NULL);
}

/* Gives the proxies their credentials. `problems`: of CpdFault: gets each thing that is wrong
 * in the file.
 * Errors: CERTPIN_ERROR_FAILED, where the file cannot be used at all. */
gboolean
cpd_proxy_credentials_load (CpdProxies *proxies, const char *path, GPtrArray *problems,
                            GError **error)
{
  g_autoptr (CpdKeyFile) file = cpd_key_file_new (path);
  g_autoptr (GByteArray) text = g_byte_array_new ();

  if (!read_file (path, text, error))
    return FALSE;
  file->is_secret = TRUE;
  if (cpd_key_file_open (file, (const char *)text->data, text->len))
    while (cpd_key_file_next_group (file))
      read_group (file, proxies);
  cpd_faults_add_all (problems, file->faults);
  return TRUE;
}
