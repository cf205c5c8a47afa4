/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-key.h"
#include "daemon/core/base/cpd-owner.h"
#include "daemon/core/pins/cpd-host.h"
#include "daemon/core/pins/cpd-pause.h"
#include "daemon/core/pins/cpd-pin-keys.h"
#include "daemon/core/pins/cpd-pin-source.h"
#include "daemon/core/trust/cpd-anchors.h"
#include "daemon/core/trust/cpd-certificate.h"

G_BEGIN_DECLS

/* The last second of the year 9999: no later expiry can be written as a date. */
#define CPD_PIN_EXPIRES_MAX G_GINT64_CONSTANT (253402300799)

/* How many keys a pin may have that is set or changed at run time. */
#define CPD_PIN_KEYS_MAX 64

/* How long each of its texts may be then. */
#define CPD_PIN_TEXT_MAX_BYTES 1024

/* Where a pin is from. All layers that have a pin for a host must pass, in this order. */
typedef enum
{
  CPD_LAYER_FILES,     /* pin files of the administrator and of packages */
  CPD_LAYER_SYSTEM,    /* pins set at run time for the whole machine */
  CPD_LAYER_APP,       /* pins of one sandboxed app of one uid */
  CPD_LAYER_USER,      /* pins of one uid: they bind its apps as well, which do not see them */
  CPD_LAYER_TRANSIENT, /* pins of one connection, in memory */
  CPD_LAYER_REQUEST,   /* keys that one request brings along */
} CpdLayer;

#define CPD_N_LAYERS 6

typedef enum
{
  CPD_STATE_ACTIVE,
  CPD_STATE_BLOCKED, /* every request is refused */
} CpdState;

typedef enum
{
  CPD_MATCH_LEAF, /* the server's own key */
  CPD_MATCH_PATH, /* any certificate of the validated path, anchor included */
} CpdMatch;

typedef enum
{
  CPD_MODE_ENFORCE,
  CPD_MODE_REPORT, /* this pin's own mismatch passes and is reported */
} CpdMode;

/* The words for these values, in their order, up to a NULL: in pin files and on the bus. */
extern const char *const cpd_state_words[], *const cpd_match_words[], *const cpd_mode_words[];

/* The pin of one layer for one host pattern. A reference-counted value: its maker fills it in; then
 * it is only read. There may be 100 000, so it counts its references itself: GLib's counted memory
 * takes 32 bytes more. */
typedef struct
{
  CpdHost *host;
  CpdLayer layer : 8;
  CpdState state : 8;
  CpdMatch match : 8;
  CpdMode mode : 7;
  unsigned int unstored : 1; /* it is in force only in memory, and ends with the service */
  gatomicrefcount ref_count;
  guint32 stored_bytes; /* what its file takes; 0: none */
  CpdPause *pause;      /* while it holds, the pin only reports; NULL: none */
  CpdPinKeys *keys;     /* the certificate's own first; none where blocked */
  gint64 expires;       /* Unix seconds; 0: never */
  CpdAnchors *anchors;  /* judged against these; NULL: the system's */
  char *note;           /* free text; NULL: none */
  char *reason;         /* why it is blocked; NULL otherwise */
  char *subject;        /* of the certificate it was made from; NULL: made from keys */
  char *issuer;         /* likewise */
  gint64 not_after;     /* likewise, Unix seconds; 0: none */
  GStrv warnings;       /* sentences; NULL: none */
  gint64 created;       /* Unix seconds; 0: not known */
  char *created_by;     /* program and uid; NULL: not known */
  CpdPinSource *source; /* NULL: not written yet */
  guint64 generation;   /* stamp of the change that brought it */
} CpdPin;

CpdLayer cpd_layer_of_owner (CpdOwner owner);

CpdPin *cpd_pin_new (CpdHost *host, CpdLayer layer);
CpdPin *cpd_pin_new_blocked (CpdHost *host, CpdLayer layer, const char *reason);
CpdPin *cpd_pin_copy (const CpdPin *pin);
CpdPin *cpd_pin_ref (CpdPin *pin);
void cpd_pin_unref (CpdPin *pin);

void cpd_pin_add_key (CpdPin *pin, CertpinKey *key);
gboolean cpd_pin_remove_key (CpdPin *pin, CertpinKey *key);
void cpd_pin_take_certificate (CpdPin *pin, CpdCertificate *certificate, gint64 now);
gboolean cpd_pin_is_warning_of_date (const char *sentence);
gboolean cpd_pin_has_key (const CpdPin *pin, CertpinKey *key);
gboolean cpd_pin_is_expired (const CpdPin *pin, gint64 now);
gboolean cpd_pin_is_paused (const CpdPin *pin, gint64 now);
gboolean cpd_pin_only_reports (const CpdPin *pin, gint64 now);
void cpd_pin_take_pause (CpdPin *pin, CpdPause *pause);
gboolean cpd_pin_says_the_same (const CpdPin *a, const CpdPin *b);
gboolean cpd_pin_shows_the_same (const CpdPin *a, const CpdPin *b);
char *cpd_pin_describe_origin (const CpdPin *pin);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPin, cpd_pin_unref)

G_END_DECLS
