/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The configuration: built-in values, and what a file says otherwise. An unknown key is a warning,
 * so that a newer file does not keep an older service from starting; a bad value is an error. */

#include "config.h"

#include "daemon/core/base/cpd-config.h"

#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"

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
  /* What may be undelivered of one user has room for one answer of this size: hence the ceiling. */
  { "InlineBodyBytes", G_STRUCT_OFFSET (CpdConfig, inline_body_bytes), 16 * MIB, KIB, 16 * MIB },
  { "BodyBytesPerUser", G_STRUCT_OFFSET (CpdConfig, body_bytes_per_uid), 64 * MIB, MIB,
    4096 * MIB },
  { "RunningPerUser", G_STRUCT_OFFSET (CpdConfig, running_per_uid), 64, 1, 4096 },
  { "WaitingPerUser", G_STRUCT_OFFSET (CpdConfig, waiting_per_uid), 256, 0, 65536 },
  { "Running", G_STRUCT_OFFSET (CpdConfig, running), 1024, 1, 16384 },
  { "ConnectionsPerChannel", G_STRUCT_OFFSET (CpdConfig, connections_per_channel), 6, 1, 64 },
  { "ChannelIdleSeconds", G_STRUCT_OFFSET (CpdConfig, channel_idle_s), 60, 1, 3600 },
};

#define DEFAULT_TRUST_FILE "/etc/ssl/certs/ca-certificates.crt"

/* Where Debian, Fedora, Arch and SUSE have administrators put authorities of their own. */
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
  return config;
}

static gboolean
read_limit (CpdConfig *config, const char *path, const char *key, const char *text, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      if (!g_str_equal (key, limits[i].key))
        continue;
      if (g_ascii_string_to_unsigned (text, 10, limits[i].least, limits[i].most,
                                      &G_STRUCT_MEMBER (guint64, config, limits[i].offset), NULL))
        return TRUE;
      return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                         "%s: [Limits] %s=%s is not a number from %" G_GUINT64_FORMAT
                         " to %" G_GUINT64_FORMAT,
                         path, key, text, limits[i].least, limits[i].most);
    }
  return TRUE;
}

static gboolean
is_known (const char *group, const char *key)
{
  if (g_str_equal (group, "Tls"))
    return g_str_equal (key, "TrustFile") || g_str_equal (key, "LocalTrustDirs");
  for (size_t i = 0; g_str_equal (group, "Limits") && i < G_N_ELEMENTS (limits); i++)
    if (g_str_equal (key, limits[i].key))
      return TRUE;
  return FALSE;
}

static void
read_tls (CpdConfig *config, GKeyFile *file, const char *key, const char *text)
{
  if (g_str_equal (key, "TrustFile"))
    {
      g_free (config->trust_file);
      config->trust_file = g_strdup (text);
    }
  else
    {
      g_strfreev (config->local_trust_dirs);
      config->local_trust_dirs = g_key_file_get_string_list (file, "Tls", key, NULL, NULL);
    }
}

static gboolean
read_group (CpdConfig *config, GKeyFile *file, const char *path, const char *group,
            GPtrArray *warnings, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file, group, NULL, NULL);

  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      g_autofree char *text = cpd_text_of_key (file, group, keys[i], error);

      if (text == NULL)
        {
          g_prefix_error (error, "%s: ", path);
          return FALSE;
        }
      if (!is_known (group, keys[i]))
        g_ptr_array_add (warnings,
                         g_strdup_printf ("%s: unknown key [%s] %s", path, group, keys[i]));
      else if (g_str_equal (group, "Limits") && !read_limit (config, path, keys[i], text, error))
        return FALSE;
      else if (g_str_equal (group, "Tls"))
        read_tls (config, file, keys[i], text);
    }
  return TRUE;
}

/* `path`: a key file, which may be missing. `warnings`: of char *, gets a sentence for each
 * unknown key.
 * Errors: G_KEY_FILE_ERROR or G_FILE_ERROR, or CERTPIN_ERROR_INVALID_ARGUMENT that names file,
 * key and value. */
CpdConfig *
cpd_config_load (const char *path, GPtrArray *warnings, GError **error)
{
  g_autoptr (CpdConfig) config = cpd_config_new ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;
  g_autoptr (GError) reason = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &reason))
    {
      if (g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return g_steal_pointer (&config);
      g_propagate_prefixed_error (error, g_steal_pointer (&reason), "%s: ", path);
      return NULL;
    }
  groups = g_key_file_get_groups (file, NULL);
  for (size_t i = 0; groups[i] != NULL; i++)
    if (!read_group (config, file, path, groups[i], warnings, error))
      return NULL;
  return g_steal_pointer (&config);
}

void
cpd_config_free (CpdConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->trust_file);
  g_strfreev (config->local_trust_dirs);
  g_free (config);
}
