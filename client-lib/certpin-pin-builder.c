/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of a new pin. Which of them a pin may have, only the service says. */

#include "config.h"

#include "certpin-pin-builder.h"

#include "certpin-arguments.h"

struct _CertpinPinBuilder
{
  GHashTable *options; /* of GVariant, by literals */
  GPtrArray *backups;  /* of GBytes */
  GPtrArray *anchors;  /* of GBytes */
};

G_DEFINE_BOXED_TYPE (CertpinPinBuilder, certpin_pin_builder, certpin_pin_builder_ref,
                     certpin_pin_builder_unref)

/* `name`: a literal. `value`: (nullable): sunk if floating; NULL: the service's default */
static void
builder_set (CertpinPinBuilder *builder, const char *name, GVariant *value)
{
  if (value != NULL)
    g_hash_table_insert (builder->options, (gpointer)name, g_variant_ref_sink (value));
  else
    g_hash_table_remove (builder->options, name);
}

/* Returns: (transfer none) (nullable): the word of the service for a member of an enumeration;
 * NULL: there is none, as for its `UNKNOWN` */
static const char *
word_of (GType type, int value)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (type);
  const GEnumValue *member = value != 0 ? g_enum_get_value (class, value) : NULL;

  return member != NULL ? member->value_nick : NULL;
}

/**
 * certpin_pin_builder_new:
 *
 * Begins a pin with the defaults of the service: of the user, or of the sandboxed app that calls;
 * compared with the server's own key, enforced, for ever.
 *
 * Returns: (transfer full): a builder
 *
 * Since: 0.1
 */
CertpinPinBuilder *
certpin_pin_builder_new (void)
{
  CertpinPinBuilder *builder = g_atomic_rc_box_new0 (CertpinPinBuilder);

  builder->options = g_hash_table_new_full (g_str_hash, g_str_equal, /* key_destroy= */ NULL,
                                            (GDestroyNotify)g_variant_unref);
  builder->backups = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  builder->anchors = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  return builder;
}

/**
 * certpin_pin_builder_ref:
 * @builder: a builder
 *
 * Adds a reference to a builder.
 *
 * Returns: (transfer full): @builder
 *
 * Since: 0.1
 */
CertpinPinBuilder *
certpin_pin_builder_ref (CertpinPinBuilder *builder)
{
  g_return_val_if_fail (builder != NULL, NULL);

  return g_atomic_rc_box_acquire (builder);
}

static void
builder_clear (gpointer data)
{
  CertpinPinBuilder *builder = data;

  g_hash_table_unref (builder->options);
  g_ptr_array_unref (builder->backups);
  g_ptr_array_unref (builder->anchors);
}

/**
 * certpin_pin_builder_unref:
 * @builder: (nullable) (transfer full): a builder
 *
 * Drops a reference to a builder. The builder is freed with its last reference.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_unref (CertpinPinBuilder *builder)
{
  if (builder != NULL)
    g_atomic_rc_box_release_full (builder, builder_clear);
}

/**
 * certpin_pin_builder_set_scope:
 * @builder: a builder
 * @scope: whose pin it is: %CERTPIN_SCOPE_USER, %CERTPIN_SCOPE_SYSTEM, %CERTPIN_SCOPE_APP or
 *   %CERTPIN_SCOPE_TRANSIENT
 *
 * Sets the scope. To pin for the system, somebody usually has to type a password
 * (#CertpinClient:interactive). A sandboxed app has %CERTPIN_SCOPE_APP, which it need not set, and
 * %CERTPIN_SCOPE_TRANSIENT; a program outside sandboxes calls certpin_pin_builder_set_app() for it.
 *
 * A transient pin holds, beside all others, for the calls of this client's connection, and is gone
 * when that ends: give the client a connection of its own to keep it from the rest of the program,
 * and pin again when #CertpinClient:connected tells of a new one. It is also gone when the service
 * restarts, although the connection stays: #CertpinClient::pin-changed tells of that, with
 * `CERTPIN_CHANGE_MISSED`, and calls that were in progress then fail with
 * `CERTPIN_ERROR_SERVICE_UNAVAILABLE`. Pin again after each of these.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_set_scope (CertpinPinBuilder *builder, CertpinScope scope)
{
  const char *word = word_of (CERTPIN_TYPE_SCOPE, (int)scope);

  g_return_if_fail (builder != NULL);
  g_return_if_fail (word != NULL);

  builder_set (builder, "scope", g_variant_new_string (word));
}

/**
 * certpin_pin_builder_set_app:
 * @builder: a builder
 * @app: (nullable): the name of an app, such as `flatpak:org.example.App` or `snap:demo`, or %NULL
 *   for none
 *
 * Sets the sandboxed app whose pin it is: the scope is %CERTPIN_SCOPE_APP then, and need not be
 * set. This is for programs outside sandboxes, which look after the pins of their user's apps. An
 * app need not call it: its pins are its own.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_set_app (CertpinPinBuilder *builder, const char *app)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (app == NULL || g_utf8_validate (app, -1, NULL));

  builder_set (builder, "app", app != NULL ? g_variant_new_string (app) : NULL);
}

/**
 * certpin_pin_builder_set_match:
 * @builder: a builder
 * @match: which key of a server counts: %CERTPIN_MATCH_LEAF or %CERTPIN_MATCH_PATH
 *
 * Sets what the keys are compared with.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_set_match (CertpinPinBuilder *builder, CertpinMatch match)
{
  const char *word = word_of (CERTPIN_TYPE_MATCH, (int)match);

  g_return_if_fail (builder != NULL);
  g_return_if_fail (word != NULL);

  builder_set (builder, "match", g_variant_new_string (word));
}

/**
 * certpin_pin_builder_set_mode:
 * @builder: a builder
 * @mode: what happens if no key matches: %CERTPIN_MODE_ENFORCE or %CERTPIN_MODE_REPORT
 *
 * Sets what happens if no key matches.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_set_mode (CertpinPinBuilder *builder, CertpinMode mode)
{
  const char *word = word_of (CERTPIN_TYPE_MODE, (int)mode);

  g_return_if_fail (builder != NULL);
  g_return_if_fail (word != NULL);

  builder_set (builder, "mode", g_variant_new_string (word));
}

/**
 * certpin_pin_builder_set_expires:
 * @builder: a builder
 * @expires: (nullable): a point in time in the future, or %NULL for never
 *
 * Sets when the pin expires. From then on, all requests to the host are refused.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_set_expires (CertpinPinBuilder *builder, GDateTime *expires)
{
  gint64 expires_s;

  g_return_if_fail (builder != NULL);

  if (expires == NULL)
    {
      builder_set (builder, "expires", NULL);
      return;
    }
  expires_s = g_date_time_to_unix (expires);
  /* 0 is “never” on the bus. The first second of 1970 is in the past like any other near it, and
   * must be refused like these. */
  builder_set (builder, "expires", g_variant_new_int64 (expires_s != 0 ? expires_s : 1));
}

/**
 * certpin_pin_builder_set_note:
 * @builder: a builder
 * @note: (nullable): plain text in UTF-8 of up to 1024 bytes, or %NULL for none
 *
 * Sets what people read beside the pin, such as who wants it.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_set_note (CertpinPinBuilder *builder, const char *note)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (note == NULL || g_utf8_validate (note, -1, NULL));

  builder_set (builder, "note", note != NULL ? g_variant_new_string (note) : NULL);
}

/**
 * certpin_pin_builder_add_backup_certificate:
 * @builder: a builder
 * @certificate: a certificate in DER
 *
 * Adds a certificate whose key passes, too, such as the server's next one. There can be 63. For
 * certpin_client_pin_keys(), which fails with `CERTPIN_ERROR_INVALID_ARGUMENT` if there are any,
 * backup keys are further keys.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_add_backup_certificate (CertpinPinBuilder *builder, GBytes *certificate)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (certificate != NULL);

  g_ptr_array_add (builder->backups, g_bytes_ref (certificate));
}

/**
 * certpin_pin_builder_add_trust_anchor:
 * @builder: a builder
 * @certificate: the certificate of an authority in DER
 *
 * Adds an authority that servers of the host must be certified by. The authorities that are added,
 * up to 64, take the place of those that the system trusts.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_add_trust_anchor (CertpinPinBuilder *builder, GBytes *certificate)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (certificate != NULL);

  g_ptr_array_add (builder->anchors, g_bytes_ref (certificate));
}

/**
 * certpin_pin_builder_set_block_on_failure:
 * @builder: a builder
 * @block: whether a certificate that cannot be read, or is refused, blocks the host
 *
 * Sets what happens to the host if it cannot be pinned because of a certificate: it is blocked, as
 * by default, or all stays as it was. certpin_client_pin_keys(), which never blocks, fails with
 * `CERTPIN_ERROR_INVALID_ARGUMENT` if this is set to %FALSE.
 *
 * Since: 0.1
 */
void
certpin_pin_builder_set_block_on_failure (CertpinPinBuilder *builder, gboolean block)
{
  g_return_if_fail (builder != NULL);

  builder_set (builder, "on-failure", block ? NULL : g_variant_new_string ("keep"));
}

/* Adds an `aay`, if there are any. */
static void
add_certificates (GVariantDict *dict, const char *name, GPtrArray *certificates)
{
  GVariantBuilder array;

  if (certificates->len == 0)
    return;
  g_variant_builder_init (&array, G_VARIANT_TYPE_BYTESTRING_ARRAY);
  for (unsigned int i = 0; i < certificates->len; i++)
    g_variant_builder_add_value (&array, certpin_arguments_bytes (certificates->pdata[i]));
  g_variant_dict_insert_value (dict, name, g_variant_builder_end (&array));
}

/**
 * certpin_pin_builder_build:
 * @builder: a builder, which can be used further
 *
 * Makes the options of the pin.
 *
 * Returns: (transfer full): an `a{sv}`, for the argument `options`
 *
 * Since: 0.1
 */
GVariant *
certpin_pin_builder_build (CertpinPinBuilder *builder)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  GHashTableIter iter;
  gpointer name, value;

  g_return_val_if_fail (builder != NULL, NULL);

  g_hash_table_iter_init (&iter, builder->options);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_variant_dict_insert_value (&dict, name, value);
  add_certificates (&dict, "backup-certificates", builder->backups);
  add_certificates (&dict, "trust-anchors", builder->anchors);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
