/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-certificate.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_CHAIN (certpin_chain_get_type ())

/**
 * CertpinChain:
 *
 * What the service says of a chain of certificates: one that a server presented
 * (certpin_client_fetch_chain()), or that a program has (certpin_client_verify_chain()). It does
 * not change.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinChain, certpin_chain, CERTPIN, CHAIN, CertpinRecord)

CERTPIN_API CertpinChain *certpin_chain_new (GVariant *info, GPtrArray *der);

CERTPIN_API const char *certpin_chain_get_host (CertpinChain *chain);
CERTPIN_API gboolean certpin_chain_get_trusted (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_problem (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_detail (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_verdict (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_reason (CertpinChain *chain);
CERTPIN_API const char *const *certpin_chain_get_offered_keys (CertpinChain *chain);
CERTPIN_API const char *const *certpin_chain_get_path_keys (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_matched_key (CertpinChain *chain);
CERTPIN_API unsigned int certpin_chain_get_matched_position (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_tls_version (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_tls_cipher (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_ocsp (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_handshake_error (CertpinChain *chain);
CERTPIN_API const char *certpin_chain_get_proxy (CertpinChain *chain);
CERTPIN_API GPtrArray *certpin_chain_get_der (CertpinChain *chain);
CERTPIN_API GPtrArray *certpin_chain_dup_certificates (CertpinChain *chain);

G_END_DECLS
