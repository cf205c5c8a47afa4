/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CertpinPinBuilder:
 *
 * Puts the options of a new pin together, with types, for certpin_client_pin_certificate(),
 * certpin_client_pin_certificate_from_file() and certpin_client_pin_keys(). A builder is
 * reference-counted; it is not meant for several threads at a time. What it is given is checked
 * when the host is pinned.
 *
 * Since: 0.1
 */
typedef struct _CertpinPinBuilder CertpinPinBuilder;

#define CERTPIN_TYPE_PIN_BUILDER (certpin_pin_builder_get_type ())

CERTPIN_API GType certpin_pin_builder_get_type (void);

CERTPIN_API CertpinPinBuilder *certpin_pin_builder_new (void);
CERTPIN_API CertpinPinBuilder *certpin_pin_builder_ref (CertpinPinBuilder *builder);
CERTPIN_API void certpin_pin_builder_unref (CertpinPinBuilder *builder);

CERTPIN_API void certpin_pin_builder_set_scope (CertpinPinBuilder *builder, CertpinScope scope);
CERTPIN_API void certpin_pin_builder_set_app (CertpinPinBuilder *builder, const char *app);
CERTPIN_API void certpin_pin_builder_set_match (CertpinPinBuilder *builder, CertpinMatch match);
CERTPIN_API void certpin_pin_builder_set_mode (CertpinPinBuilder *builder, CertpinMode mode);
CERTPIN_API void certpin_pin_builder_set_expires (CertpinPinBuilder *builder, GDateTime *expires);
CERTPIN_API void certpin_pin_builder_set_note (CertpinPinBuilder *builder, const char *note);
CERTPIN_API void
certpin_pin_builder_add_backup_certificate (CertpinPinBuilder *builder, GBytes *certificate);
CERTPIN_API void
certpin_pin_builder_add_trust_anchor (CertpinPinBuilder *builder, GBytes *certificate);
CERTPIN_API void
certpin_pin_builder_set_block_on_failure (CertpinPinBuilder *builder, gboolean block);

CERTPIN_API GVariant *certpin_pin_builder_build (CertpinPinBuilder *builder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinPinBuilder, certpin_pin_builder_unref)

G_END_DECLS
