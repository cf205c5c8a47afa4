/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of the service as enumerations: the nick of a member is the word. A newer service may
 * have more words; they are UNKNOWN. */

#include "config.h"

#include "certpin-enums.h"

#define MEMBER(value, word)                                                                        \
  {                                                                                                \
    value, #value, word                                                                            \
  }

GType
certpin_scope_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue members[] = {
    MEMBER (CERTPIN_SCOPE_UNKNOWN, "unknown"),     MEMBER (CERTPIN_SCOPE_USER, "user"),
    MEMBER (CERTPIN_SCOPE_SYSTEM, "system"),       MEMBER (CERTPIN_SCOPE_APP, "app"),
    MEMBER (CERTPIN_SCOPE_TRANSIENT, "transient"), { 0 },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CertpinScope", members));
  return type;
}

GType
certpin_state_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue members[] = {
    MEMBER (CERTPIN_STATE_UNKNOWN, "unknown"), MEMBER (CERTPIN_STATE_ACTIVE, "active"),
    MEMBER (CERTPIN_STATE_BLOCKED, "blocked"), MEMBER (CERTPIN_STATE_EXPIRED, "expired"),
    MEMBER (CERTPIN_STATE_PAUSED, "paused"),   { 0 },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CertpinState", members));
  return type;
}

GType
certpin_match_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue members[] = {
    MEMBER (CERTPIN_MATCH_UNKNOWN, "unknown"),
    MEMBER (CERTPIN_MATCH_LEAF, "leaf"),
    MEMBER (CERTPIN_MATCH_PATH, "path"),
    { 0 },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CertpinMatch", members));
  return type;
}

GType
certpin_mode_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue members[] = {
    MEMBER (CERTPIN_MODE_UNKNOWN, "unknown"),
    MEMBER (CERTPIN_MODE_ENFORCE, "enforce"),
    MEMBER (CERTPIN_MODE_REPORT, "report"),
    { 0 },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CertpinMode", members));
  return type;
}

GType
certpin_import_change_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue members[] = {
    MEMBER (CERTPIN_IMPORT_CHANGE_UNKNOWN, "unknown"),
    MEMBER (CERTPIN_IMPORT_CHANGE_NEW, "new"),
    MEMBER (CERTPIN_IMPORT_CHANGE_REPLACED, "replaced"),
    MEMBER (CERTPIN_IMPORT_CHANGE_SAME, "same"),
    { 0 },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CertpinImportChange", members));
  return type;
}

GType
certpin_change_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue members[] = {
    MEMBER (CERTPIN_CHANGE_UNKNOWN, "unknown"),
    MEMBER (CERTPIN_CHANGE_PINNED, "pinned"),
    MEMBER (CERTPIN_CHANGE_KEYS_ADDED, "keys-added"),
    MEMBER (CERTPIN_CHANGE_KEYS_REMOVED, "keys-removed"),
    MEMBER (CERTPIN_CHANGE_PAUSED, "paused"),
    MEMBER (CERTPIN_CHANGE_RESUMED, "resumed"),
    MEMBER (CERTPIN_CHANGE_PAUSE_ENDED, "pause-ended"),
    MEMBER (CERTPIN_CHANGE_BLOCKED, "blocked"),
    MEMBER (CERTPIN_CHANGE_REMOVED, "removed"),
    MEMBER (CERTPIN_CHANGE_RELOADED, "reloaded"),
    MEMBER (CERTPIN_CHANGE_MISSED, "missed"),
    { 0 },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CertpinChange", members));
  return type;
}
