/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much a connection carried that ended in order. */

#include "config.h"

#include "certpin-connection-end.h"

#include "certpin-record-private.h"

struct _CertpinConnectionEnd
{
  CertpinRecord parent;
};

enum
{
  PROP_BYTES_SENT = CERTPIN_RECORD_FIRST,
  PROP_BYTES_RECEIVED,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinConnectionEnd, certpin_connection_end, CERTPIN_TYPE_RECORD)

static void
make_properties (void)
{
  /**
   * CertpinConnectionEnd:bytes-sent:
   *
   * How many bytes of the program the server was sent.
   *
   * Since: 0.1
   */
  props[PROP_BYTES_SENT]
      = g_param_spec_uint64 ("bytes-sent", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinConnectionEnd:bytes-received:
   *
   * How many bytes of the server the program was given.
   *
   * Since: 0.1
   */
  props[PROP_BYTES_RECEIVED]
      = g_param_spec_uint64 ("bytes-received", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);
}

static void
certpin_connection_end_class_init (CertpinConnectionEndClass *klass)
{
  make_properties ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_connection_end_init (CertpinConnectionEnd *self)
{
}

/**
 * certpin_connection_end_new:
 * @totals: an `a{sv}`: the `totals` of `org.certpin.Certpin1.Request.Finish`; consumed if floating
 *
 * Reads what the service says. What it does not say is 0, and so is an entry of another type than
 * expected.
 *
 * Returns: (transfer full): a new #CertpinConnectionEnd
 *
 * Since: 0.1
 */
CertpinConnectionEnd *
certpin_connection_end_new (GVariant *totals)
{
  g_return_val_if_fail (totals != NULL && g_variant_is_of_type (totals, G_VARIANT_TYPE_VARDICT),
                        NULL);

  return g_object_new (CERTPIN_TYPE_CONNECTION_END, "description", totals, NULL);
}

/**
 * certpin_connection_end_get_bytes_sent:
 * @end: a #CertpinConnectionEnd
 *
 * Gets #CertpinConnectionEnd:bytes-sent.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
guint64
certpin_connection_end_get_bytes_sent (CertpinConnectionEnd *end)
{
  g_return_val_if_fail (CERTPIN_IS_CONNECTION_END (end), 0);

  return g_value_get_uint64 (certpin_record_get_value (CERTPIN_RECORD (end), PROP_BYTES_SENT));
}

/**
 * certpin_connection_end_get_bytes_received:
 * @end: a #CertpinConnectionEnd
 *
 * Gets #CertpinConnectionEnd:bytes-received.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
guint64
certpin_connection_end_get_bytes_received (CertpinConnectionEnd *end)
{
  g_return_val_if_fail (CERTPIN_IS_CONNECTION_END (end), 0);

  return g_value_get_uint64 (certpin_record_get_value (CERTPIN_RECORD (end), PROP_BYTES_RECEIVED));
}
