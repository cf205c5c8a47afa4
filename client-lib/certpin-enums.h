/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-version.h>
#include <glib-object.h>

G_BEGIN_DECLS

/**
 * CertpinScope:
 * @CERTPIN_SCOPE_UNKNOWN: a word that this version of the library does not know, or none
 * @CERTPIN_SCOPE_USER: of one user, for that user's programs
 * @CERTPIN_SCOPE_SYSTEM: of the system, for the programs of all users
 * @CERTPIN_SCOPE_APP: of one sandboxed app of a user, for that app's programs
 * @CERTPIN_SCOPE_TRANSIENT: of one connection to the bus, until that ends
 *
 * Whose pin it is. The nicks of the members are the words of the service.
 *
 * Since: 0.1
 */
typedef enum
{
  CERTPIN_SCOPE_UNKNOWN,
  CERTPIN_SCOPE_USER,
  CERTPIN_SCOPE_SYSTEM,
  CERTPIN_SCOPE_APP,
  CERTPIN_SCOPE_TRANSIENT,
} CertpinScope;

#define CERTPIN_TYPE_SCOPE (certpin_scope_get_type ())

CERTPIN_API GType certpin_scope_get_type (void);

/**
 * CertpinState:
 * @CERTPIN_STATE_UNKNOWN: a word that this version of the library does not know, or none
 * @CERTPIN_STATE_ACTIVE: it is in force
 * @CERTPIN_STATE_BLOCKED: the host is blocked: all requests are refused
 * @CERTPIN_STATE_EXPIRED: it has expired: all requests are refused
 * @CERTPIN_STATE_PAUSED: it only reports, for a while
 *
 * Whether a pin is in force. The nicks of the members are the words of the service.
 *
 * Since: 0.1
 */
typedef enum
{
  CERTPIN_STATE_UNKNOWN,
  CERTPIN_STATE_ACTIVE,
  CERTPIN_STATE_BLOCKED,
  CERTPIN_STATE_EXPIRED,
  CERTPIN_STATE_PAUSED,
} CertpinState;

#define CERTPIN_TYPE_STATE (certpin_state_get_type ())

CERTPIN_API GType certpin_state_get_type (void);

/**
 * CertpinMatch:
 * @CERTPIN_MATCH_UNKNOWN: a word that this version of the library does not know, or none
 * @CERTPIN_MATCH_LEAF: the key of the server's own certificate
 * @CERTPIN_MATCH_PATH: the key of any certificate on the validated path
 *
 * Which key of a server a pin is compared with. The nicks of the members are the words of the
 * service.
 *
 * Since: 0.1
 */
typedef enum
{
  CERTPIN_MATCH_UNKNOWN,
  CERTPIN_MATCH_LEAF,
  CERTPIN_MATCH_PATH,
} CertpinMatch;

#define CERTPIN_TYPE_MATCH (certpin_match_get_type ())

CERTPIN_API GType certpin_match_get_type (void);

/**
 * CertpinMode:
 * @CERTPIN_MODE_UNKNOWN: a word that this version of the library does not know, or none
 * @CERTPIN_MODE_ENFORCE: the request is refused
 * @CERTPIN_MODE_REPORT: the request is sent, and the mismatch reported
 *
 * What happens if no key of a pin matches. The nicks of the members are the words of the service.
 *
 * Since: 0.1
 */
typedef enum
{
  CERTPIN_MODE_UNKNOWN,
  CERTPIN_MODE_ENFORCE,
  CERTPIN_MODE_REPORT,
} CertpinMode;

#define CERTPIN_TYPE_MODE (certpin_mode_get_type ())

CERTPIN_API GType certpin_mode_get_type (void);

/**
 * CertpinImportChange:
 * @CERTPIN_IMPORT_CHANGE_UNKNOWN: a word that this version of the library does not know, or none
 * @CERTPIN_IMPORT_CHANGE_NEW: there was no pin of this host
 * @CERTPIN_IMPORT_CHANGE_REPLACED: another pin was there
 * @CERTPIN_IMPORT_CHANGE_SAME: the same pin was there, so nothing was written
 *
 * What an import did to a pin. The nicks of the members are the words of the service.
 *
 * Since: 0.1
 */
typedef enum
{
  CERTPIN_IMPORT_CHANGE_UNKNOWN,
  CERTPIN_IMPORT_CHANGE_NEW,
  CERTPIN_IMPORT_CHANGE_REPLACED,
  CERTPIN_IMPORT_CHANGE_SAME,
} CertpinImportChange;

#define CERTPIN_TYPE_IMPORT_CHANGE (certpin_import_change_get_type ())

CERTPIN_API GType certpin_import_change_get_type (void);

/**
 * CertpinChange:
 * @CERTPIN_CHANGE_UNKNOWN: a word that this version of the library does not know, or none
 * @CERTPIN_CHANGE_PINNED: the pin was set, or replaced
 * @CERTPIN_CHANGE_KEYS_ADDED: it got further keys
 * @CERTPIN_CHANGE_KEYS_REMOVED: it lost some of its keys
 * @CERTPIN_CHANGE_PAUSED: it was paused
 * @CERTPIN_CHANGE_RESUMED: its pause was ended
 * @CERTPIN_CHANGE_PAUSE_ENDED: its pause ended by itself
 * @CERTPIN_CHANGE_BLOCKED: the host was blocked
 * @CERTPIN_CHANGE_REMOVED: the pin, or the block, was removed
 * @CERTPIN_CHANGE_RELOADED: the pin files were read again: any pin of the system may have changed
 * @CERTPIN_CHANGE_MISSED: signals were missed: any pin may have changed
 *
 * What happened to a pin. The nicks of the members are the words of the service.
 *
 * Since: 0.1
 */
typedef enum
{
  CERTPIN_CHANGE_UNKNOWN,
  CERTPIN_CHANGE_PINNED,
  CERTPIN_CHANGE_KEYS_ADDED,
  CERTPIN_CHANGE_KEYS_REMOVED,
  CERTPIN_CHANGE_PAUSED,
  CERTPIN_CHANGE_RESUMED,
  CERTPIN_CHANGE_PAUSE_ENDED,
  CERTPIN_CHANGE_BLOCKED,
  CERTPIN_CHANGE_REMOVED,
  CERTPIN_CHANGE_RELOADED,
  CERTPIN_CHANGE_MISSED,
} CertpinChange;

#define CERTPIN_TYPE_CHANGE (certpin_change_get_type ())

CERTPIN_API GType certpin_change_get_type (void);

G_END_DECLS
