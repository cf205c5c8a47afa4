/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The configuration: built-in values, and what a file says otherwise. An unknown key is a warning,
 * so that a newer file does not keep an older service from starting; but in the group Network it is
 * an error, since what it denies would pass. A bad value is an error, and all errors are told. */

#include "config.h"

#include "daemon/core/base/cpd-config.h"

#include "daemon/core/base/cpd-key-file.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-proxy-credentials.h"

#define KIB ((guint64)1024)
#define MIB (1024 * KIB)

static const struct
{
  const char *key;
  size_t offset;
  guint64 usual, least, most;
} limits[] = {
  { "PinsPerUser", G_STRUCT_OFFSET (CpdConfig, pins_per_uid), 10000, 1, 10000000 },
  { "PinBytesPerUser", G_STRUCT_OFFSET (CpdConfig, pin_bytes_per_uid), 16 * MIB, 64 * KIB,
    1024 * MIB },
  { "UrlBytes", G_STRUCT_OFFSET (CpdConfig, url_bytes), 16 * KIB, 256, MIB },
  { "Headers", G_STRUCT_OFFSET (CpdConfig, headers), 100, 1, 1000 },
  { "HeaderBytes", G_STRUCT_OFFSET (CpdConfig, header_bytes), 64 * KIB, KIB, MIB },
  /* Responses of this size have room beside the undelivered ones of others, see cpd-credit.h. */
  { "InlineBodyBytes", G_STRUCT_OFFSET (CpdConfig, inline_body_bytes), 4 * MIB, KIB, 4 * MIB },
  { "BodyBytesPerUser", G_STRUCT_OFFSET (CpdConfig, body_bytes_per_uid), 64 * MIB, MIB,
    4096 * MIB },
  { "RunningPerUser", G_STRUCT_OFFSET (CpdConfig, running_per_uid), 64, 1, 4096 },
  { "WaitingPerUser", G_STRUCT_OFFSET (CpdConfig, waiting_per_uid), 256, 0, 65536 },
  { "Running", G_STRUCT_OFFSET (CpdConfig, running), 1024, 1, 16384 },
  { "StreamsPerUser", G_STRUCT_OFFSET (CpdConfig, streams_per_uid), 32, 1, 1024 },
  { "Streams", G_STRUCT_OFFSET (CpdConfig, streams), 256, 1, 4096 },
  { "StreamIdleSeconds", G_STRUCT_OFFSET (CpdConfig, stream_idle_s), 60, 1, 3600 },
  { "TunnelsPerUser", G_STRUCT_OFFSET (CpdConfig, tunnels_per_uid), 64, 1, 4096 },
  { "Tunnels", G_STRUCT_OFFSET (CpdConfig, tunnels), 512, 1, 16384 },
  { "ConnectionsPerChannel", G_STRUCT_OFFSET (CpdConfig, connections_per_channel), 6, 1, 64 },
  { "ChannelIdleSeconds", G_STRUCT_OFFSET (CpdConfig, channel_idle_s), 60, 1, 3600 },
};

#define DEFAULT_TRUST_FILE "/etc/ssl/certs/ca-certificates.crt"

/* The folders for the administrator's own authorities on Debian, Fedora, Arch and SUSE. */
static const char *const default_local_trust_dirs[]
    = { "/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors",
        "/etc/ca-certificates/trust-source/anchors", "/etc/pki/trust/anchors", NULL };

/* Returns: (transfer full): the built-in values */
CpdConfig *
cpd_config_new (void)
{
  CpdConfig *config = g_new0 (CpdConfig, 1);

  for (size_t i = 0; i < G_N_ELEMENTS (limits); i++)
    G_STRUCT_MEMBER (guint64, config, limits[i].offset) = limits[i].usual;
  config->trust_file = g_strdup (DEFAULT_TRUST_FILE);
  config->local_trust_dirs = g_strdupv ((GStrv)default_local_trust_dirs);
  config->address_rules = cpd_address_rules_new ();
  config->proxies = cpd_proxies_new ();
  return config;
}

static void
read_limit (CpdConfig *config, CpdKeyFile *file, const char *key, const char *text)
{
  for (size_t i = 0; i < G_N_ELEMENTS (limits); i++)
    if (g_str_equal (key, limits[i].key)
        && !g_ascii_string_to_unsigned (text, 10, limits[i].least, limits[i].most,
                                        &G_STRUCT_MEMBER (guint64, config, limits[i].offset), NULL))
      cpd_key_file_complain (file, key,
                             "[Limits] ‘%s’ is not a number from %" G_GUINT64_FORMAT
                             " to %" G_GUINT64_FORMAT,
                             text, limits[i].least, limits[i].most);
}

/* Returns: (nullable): the list that a key of the group Network fills */
static CpdRanges *
find_ranges (CpdConfig *config, const char *key)
{
  if (g_str_equal (key, "Allow"))
    return config->address_rules->allow;
  if (g_str_equal (key, "Deny"))
    return config->address_rules->deny;
  return g_str_equal (key, "DenyForUsers") ? config->address_rules->deny_for_users : NULL;
}

static gboolean
is_known (CpdConfig *config, const char *group, const char *key)
{
  if (g_str_equal (group, "Tls"))
    return g_str_equal (key, "TrustFile") || g_str_equal (key, "LocalTrustDirs");
  if (g_str_equal (group, "Network"))
    return find_ranges (config, key) != NULL || g_str_equal (key, "Proxy")
           || g_str_equal (key, "NoProxy") || g_str_equal (key, "ProxyCredentials");
  for (size_t i = 0; g_str_equal (group, "Limits") && i < G_N_ELEMENTS (limits); i++)
    if (g_str_equal (key, limits[i].key))
      return TRUE;
  return FALSE;
}

static void
read_tls (CpdConfig *config, CpdKeyFile *file, const char *key, const char *text)
{
  if (g_str_equal (key, "TrustFile"))
    {
      g_free (config->trust_file);
      config->trust_file = g_strdup (text);
    }
  else
    {
      g_strfreev (config->local_trust_dirs);
      config->local_trust_dirs = cpd_key_file_get_list (file, key);
    }
}

/* Lists of hosts elsewhere have commas or spaces, ours have semicolons: no host has any of them. */
static void
read_proxies (CpdConfig *config, CpdKeyFile *file, const char *key, const char *text)
{
  g_auto (GStrv) elements = g_strsplit_set (text, ";, \t", -1);

  for (size_t i = 0; !g_str_equal (key, "ProxyCredentials") && elements[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      if (*elements[i] != '\0'
          && !(g_str_equal (key, "Proxy")
                   ? cpd_proxies_add (config->proxies, elements[i], &error)
                   : cpd_proxies_add_exception (config->proxies, elements[i], &error)))
        cpd_key_file_complain (file, key, "[Network] element %u: %s", (unsigned int)i + 1,
                               error->message);
    }
}

static void
read_ranges (CpdRanges *ranges, CpdKeyFile *file, const char *key, const char *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, " \t;", -1);

  for (size_t i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0' && !cpd_ranges_add (ranges, words[i]))
      cpd_key_file_complain (file, key,
                             "[Network] ‘%s’ is not an address, a range such as 10.0.0.0/8 or "
                             "fd00::/8, ‘any’, ‘link-local’, ‘loopback’ or ‘private’",
                             words[i]);
}

static void
read_network (CpdConfig *config, CpdKeyFile *file, const char *key, const char *text)
{
  CpdRanges *ranges = find_ranges (config, key);

  if (ranges != NULL)
    read_ranges (ranges, file, key, text);
  else
    read_proxies (config, file, key, text);
}

static void
read_key (CpdConfig *config, CpdKeyFile *file, const char *key, GPtrArray *warnings)
{
  GError *error = NULL;
  g_autofree char *text = cpd_key_file_get_text (file, key, &error);

  if (text == NULL)
    cpd_key_file_complain_of_error (file, key, error);
  else if (!is_known (config, file->group, key) && g_str_equal (file->group, "Network"))
    cpd_key_file_complain (file, key, "the group [Network] has no such key");
  else if (!is_known (config, file->group, key))
    g_ptr_array_add (warnings,
                     g_strdup_printf ("%s:%u: unknown key [%s] %s", file->path,
                                      cpd_key_file_find_line (file, key), file->group, key));
  else if (g_str_equal (file->group, "Limits"))
    read_limit (config, file, key, text);
  else if (g_str_equal (file->group, "Network"))
    read_network (config, file, key, text);
  else
    read_tls (config, file, key, text);
}

/* The file of credentials. It names proxies, so all of those have to be known before it is read. */
typedef struct
{
  char *path;        /* NULL or empty: none */
  unsigned int line; /* that names it */
} Credentials;

static void
read_groups (CpdConfig *config, CpdKeyFile *file, Credentials *credentials, GPtrArray *warnings)
{
  while (cpd_key_file_next_group (file))
    {
      g_auto (GStrv) keys
          = g_key_file_get_keys (cpd_key_file_get_content (file), file->group, NULL, NULL);

      for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
        read_key (config, file, keys[i], warnings);
      if (g_str_equal (file->group, "Network") && credentials->path == NULL)
        {
          credentials->path = g_key_file_get_string (cpd_key_file_get_content (file), file->group,
                                                     "ProxyCredentials", NULL);
          credentials->line = cpd_key_file_find_line (file, "ProxyCredentials");
        }
    }
}

static void
read_credentials (CpdConfig *config, CpdKeyFile *file, const Credentials *credentials,
                  GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;

  if (credentials->path != NULL && *credentials->path != '\0'
      && !cpd_proxy_credentials_load (config->proxies, credentials->path, problems, &error))
    cpd_key_file_complain_at (file, credentials->line, "[Network] ProxyCredentials=%s: %s",
                              credentials->path, error->message);
}

/* `path`: a key file, which may be missing. `warnings`: of char *, and `problems`: of CpdFault:
 * get each unknown key, and each thing that is wrong; each with file and line.
 * Returns: (transfer full): what the file says, and the built-in values; not to be served with
 * where there are problems */
CpdConfig *
cpd_config_load (const char *path, GPtrArray *warnings, GPtrArray *problems)
{
  CpdConfig *config = cpd_config_new ();
  g_autoptr (CpdKeyFile) file = cpd_key_file_new (path);
  Credentials credentials = { 0 };
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &error))
    {
      if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        cpd_faults_take (problems, CPD_FAULTS_MAX, cpd_fault_new (path, 0, NULL, error->message));
      return config;
    }
  if (cpd_key_file_open (file, text, length))
    {
      read_groups (config, file, &credentials, warnings);
      read_credentials (config, file, &credentials, problems);
      g_free (credentials.path);
    }
  cpd_faults_sort (file->faults);
  cpd_faults_add_all (problems, file->faults);
  return config;
}

void
cpd_config_free (CpdConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->trust_file);
  g_strfreev (config->local_trust_dirs);
  cpd_address_rules_unref (config->address_rules);
  cpd_proxies_unref (config->proxies);
  g_free (config);
}
