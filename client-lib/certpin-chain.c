/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the service says of a chain of certificates. */

#include "config.h"

#include "certpin-chain.h"

#include "certpin-record-private.h"

struct _CertpinChain
{
  CertpinRecord parent;

  GPtrArray *der; /* of GBytes */
};

enum
{
  PROP_HOST = CERTPIN_RECORD_FIRST,
  PROP_TRUSTED,
  PROP_PROBLEM,
  PROP_DETAIL,
  PROP_VERDICT,
  PROP_REASON,
  PROP_OFFERED_KEYS,
  PROP_PATH_KEYS,
  PROP_MATCHED_KEY,
  PROP_MATCHED_POSITION,
  PROP_TLS_VERSION,
  PROP_TLS_CIPHER,
  PROP_OCSP,
  PROP_HANDSHAKE_ERROR,
  PROP_PROXY,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinChain, certpin_chain, CERTPIN_TYPE_RECORD)

static void
make_properties_1 (void)
{
  /**
   * CertpinChain:host:
   *
   * The host and port that were asked; %NULL for a chain that a program gave.
   *
   * Since: 0.1
   */
  props[PROP_HOST] = g_param_spec_string ("host", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:trusted:
   *
   * Whether the chain passes ordinary validation.
   *
   * Since: 0.1
   */
  props[PROP_TRUSTED] = g_param_spec_boolean ("trusted", NULL, NULL, FALSE, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:problem:
   *
   * Why the chain does not pass that, as a word that `org.certpin.Certpin1.Pins.LastFailure` lists;
   * %NULL if it does, or the program gave it.
   *
   * Since: 0.1
   */
  props[PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:detail:
   *
   * Why the chain does not pass that, in one sentence; %NULL as #CertpinChain:problem.
   *
   * Since: 0.1
   */
  props[PROP_DETAIL] = g_param_spec_string ("detail", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:verdict:
   *
   * `Pass`, or the name of the error that a request would get now, as certpin_error_get_name()
   * gives it.
   *
   * Since: 0.1
   */
  props[PROP_VERDICT] = g_param_spec_string ("verdict", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_2 (void)
{
  /**
   * CertpinChain:reason:
   *
   * The reason of the verdict, in one sentence.
   *
   * Since: 0.1
   */
  props[PROP_REASON] = g_param_spec_string ("reason", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:offered-keys:
   *
   * The keys of the chain, in its order.
   *
   * Since: 0.1
   */
  props[PROP_OFFERED_KEYS]
      = g_param_spec_boxed ("offered-keys", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:path-keys:
   *
   * The keys of the validated path, the server's own first and the trust anchor last; empty if
   * there is none.
   *
   * Since: 0.1
   */
  props[PROP_PATH_KEYS]
      = g_param_spec_boxed ("path-keys", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:matched-key:
   *
   * The pinned key that matched; %NULL if none did.
   *
   * Since: 0.1
   */
  props[PROP_MATCHED_KEY]
      = g_param_spec_string ("matched-key", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:matched-position:
   *
   * The place of that key on the path; 0 is the server's own certificate, or that no key matched.
   *
   * Since: 0.1
   */
  props[PROP_MATCHED_POSITION]
      = g_param_spec_uint ("matched-position", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_3 (void)
{
  /**
   * CertpinChain:tls-version:
   *
   * The version of TLS; %NULL without a connection.
   *
   * Since: 0.1
   */
  props[PROP_TLS_VERSION]
      = g_param_spec_string ("tls-version", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:tls-cipher:
   *
   * The cipher suite; %NULL without a finished handshake.
   *
   * Since: 0.1
   */
  props[PROP_TLS_CIPHER]
      = g_param_spec_string ("tls-cipher", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:ocsp:
   *
   * What the stapled OCSP response said, as #CertpinEvidence:ocsp; %NULL without a connection.
   *
   * Since: 0.1
   */
  props[PROP_OCSP] = g_param_spec_string ("ocsp", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:handshake-error:
   *
   * Why the handshake failed after the server had presented the chain, in one sentence: it has not
   * proved that it holds the key. %NULL if it has, or without a connection.
   *
   * Since: 0.1
   */
  props[PROP_HANDSHAKE_ERROR]
      = g_param_spec_string ("handshake-error", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinChain:proxy:
   *
   * The URL of the proxy that was used; %NULL: none.
   *
   * Since: 0.1
   */
  props[PROP_PROXY] = g_param_spec_string ("proxy", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_chain_finalize (GObject *object)
{
  g_ptr_array_unref (CERTPIN_CHAIN (object)->der);
  G_OBJECT_CLASS (certpin_chain_parent_class)->finalize (object);
}

static void
certpin_chain_class_init (CertpinChainClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = certpin_chain_finalize;
  make_properties_1 ();
  make_properties_2 ();
  make_properties_3 ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_chain_init (CertpinChain *self)
{
  self->der = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
}

/* Returns: (transfer full): a reference */
static gpointer
copy_der (gconstpointer der, gpointer user_data)
{
  return g_bytes_ref ((GBytes *)der);
}

/**
 * certpin_chain_new:
 * @info: an `a{sv}`: the `info` of `org.certpin.Certpin1.Requests.FetchChain`, or the `verdict` of
 *   `org.certpin.Certpin1.Pins.VerifyChain`; consumed if floating
 * @der: (nullable) (element-type GBytes): the certificates that the server presented, in DER
 *
 * Reads what the service says. What it does not say is %NULL, empty, 0 or %FALSE, and so is an
 * entry of another type than expected.
 *
 * Returns: (transfer full): a new #CertpinChain
 *
 * Since: 0.1
 */
CertpinChain *
certpin_chain_new (GVariant *info, GPtrArray *der)
{
  CertpinChain *chain;

  g_return_val_if_fail (info != NULL && g_variant_is_of_type (info, G_VARIANT_TYPE_VARDICT), NULL);

  chain = g_object_new (CERTPIN_TYPE_CHAIN, "description", info, NULL);
  if (der != NULL)
    g_ptr_array_extend (chain->der, der, copy_der, /* user_data= */ NULL);
  return chain;
}

/**
 * certpin_chain_get_host:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:host.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_host (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_HOST));
}

/**
 * certpin_chain_get_trusted:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:trusted.
 *
 * Returns: whether it is so
 *
 * Since: 0.1
 */
gboolean
certpin_chain_get_trusted (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), FALSE);

  return g_value_get_boolean (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_TRUSTED));
}

/**
 * certpin_chain_get_problem:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:problem.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_problem (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_PROBLEM));
}

/**
 * certpin_chain_get_detail:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:detail.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_detail (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_DETAIL));
}

/**
 * certpin_chain_get_verdict:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:verdict.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_verdict (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_VERDICT));
}

/**
 * certpin_chain_get_reason:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:reason.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_reason (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_REASON));
}

/**
 * certpin_chain_get_offered_keys:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:offered-keys.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_chain_get_offered_keys (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_OFFERED_KEYS));
}

/**
 * certpin_chain_get_path_keys:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:path-keys.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_chain_get_path_keys (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_PATH_KEYS));
}

/**
 * certpin_chain_get_matched_key:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:matched-key.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_matched_key (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_MATCHED_KEY));
}

/**
 * certpin_chain_get_matched_position:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:matched-position.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
unsigned int
certpin_chain_get_matched_position (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), 0);

  return g_value_get_uint (
      certpin_record_get_value (CERTPIN_RECORD (chain), PROP_MATCHED_POSITION));
}

/**
 * certpin_chain_get_tls_version:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:tls-version.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_tls_version (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_TLS_VERSION));
}

/**
 * certpin_chain_get_tls_cipher:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:tls-cipher.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_tls_cipher (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_TLS_CIPHER));
}

/**
 * certpin_chain_get_ocsp:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:ocsp.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_ocsp (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_OCSP));
}

/**
 * certpin_chain_get_handshake_error:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:handshake-error.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_handshake_error (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (
      certpin_record_get_value (CERTPIN_RECORD (chain), PROP_HANDSHAKE_ERROR));
}

/**
 * certpin_chain_get_proxy:
 * @chain: a #CertpinChain
 *
 * Gets #CertpinChain:proxy.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_chain_get_proxy (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (chain), PROP_PROXY));
}

/**
 * certpin_chain_get_der:
 * @chain: a #CertpinChain
 *
 * Gets the certificates that a server presented, as certpin_client_pin_certificate() and
 * certpin_client_verify_chain() take them.
 *
 * Returns: (transfer none) (element-type GBytes): the certificates in DER as the server presented
 *   them, its own first; empty if a program gave the chain
 *
 * Since: 0.1
 */
GPtrArray *
certpin_chain_get_der (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return chain->der;
}

/**
 * certpin_chain_dup_certificates:
 * @chain: a #CertpinChain
 *
 * Reads what is in the certificates that a server presented, in its order. The service says so only
 * of chains that it fetched.
 *
 * Returns: (transfer container) (element-type CertpinCertificate): the certificates, as many and
 *   in the same order as those of certpin_chain_get_der(); empty if a program gave the chain
 *
 * Since: 0.1
 */
GPtrArray *
certpin_chain_dup_certificates (CertpinChain *chain)
{
  g_return_val_if_fail (CERTPIN_IS_CHAIN (chain), NULL);

  return certpin_record_dup_list (CERTPIN_RECORD (chain), "certificates", CERTPIN_TYPE_CERTIFICATE);
}
