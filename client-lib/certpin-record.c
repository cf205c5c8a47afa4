/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a dictionary of the service into properties of the same names, when a record is made. An
 * entry that is missing, or has another type than expected, leaves the default: the service may be
 * newer than the library, and what it says must never be an error. */

#include "config.h"

#include "certpin-record.h"

#include "certpin-record-private.h"

typedef struct
{
  GVariant *description;
  GValue *values; /* by the numbers of the properties, those of the kind */
} CertpinRecordPrivate;

/* The properties of a kind of record. */
typedef struct
{
  GParamSpec **props;
  unsigned int n_props;
} Table;

enum
{
  PROP_DESCRIPTION = 1,
};

G_STATIC_ASSERT (PROP_DESCRIPTION + 1 == CERTPIN_RECORD_FIRST);

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CertpinRecord, certpin_record, G_TYPE_OBJECT)

static GQuark
table_quark (void)
{
  return g_quark_from_static_string ("certpin-record-table");
}

static const Table *
record_get_table (CertpinRecord *record)
{
  return g_type_get_qdata (G_OBJECT_TYPE (record), table_quark ());
}

static const GVariantType *
type_of_entry (GType type)
{
  if (type == G_TYPE_STRING || G_TYPE_IS_ENUM (type))
    return G_VARIANT_TYPE_STRING;
  if (type == G_TYPE_STRV)
    return G_VARIANT_TYPE_STRING_ARRAY;
  if (type == G_TYPE_BOOLEAN)
    return G_VARIANT_TYPE_BOOLEAN;
  if (type == G_TYPE_UINT)
    return G_VARIANT_TYPE_UINT32;
  if (type == G_TYPE_UINT64)
    return G_VARIANT_TYPE_UINT64;
  if (type == G_TYPE_DATE_TIME)
    return G_VARIANT_TYPE_INT64;
  g_assert (g_type_is_a (type, CERTPIN_TYPE_RECORD));
  return G_VARIANT_TYPE_VARDICT;
}

/* An unknown word leaves the default. */
static void
take_word (GValue *value, const char *word)
{
  GEnumClass *class = g_type_class_ref (G_VALUE_TYPE (value));
  const GEnumValue *member = g_enum_get_value_by_nick (class, word);

  if (member != NULL)
    g_value_set_enum (value, member->value);
  g_type_class_unref (class);
}

static void
take_entry (GValue *value, GVariant *entry)
{
  GType type = G_VALUE_TYPE (value);

  if (type == G_TYPE_STRING)
    g_value_set_string (value, g_variant_get_string (entry, NULL));
  else if (G_TYPE_IS_ENUM (type))
    take_word (value, g_variant_get_string (entry, NULL));
  else if (type == G_TYPE_STRV)
    g_value_take_boxed (value, g_variant_dup_strv (entry, NULL));
  else if (type == G_TYPE_BOOLEAN)
    g_value_set_boolean (value, g_variant_get_boolean (entry));
  else if (type == G_TYPE_UINT)
    g_value_set_uint (value, g_variant_get_uint32 (entry));
  else if (type == G_TYPE_UINT64)
    g_value_set_uint64 (value, g_variant_get_uint64 (entry));
  else if (type != G_TYPE_DATE_TIME)
    g_value_take_object (value, g_object_new (type, "description", entry, NULL));
  else if (g_variant_get_int64 (entry) != 0)
    g_value_take_boxed (value, g_date_time_new_from_unix_utc (g_variant_get_int64 (entry)));
}

static void
init_value (GValue *value, GParamSpec *pspec)
{
  g_value_init (value, pspec->value_type);
  g_param_value_set_default (pspec, value);
  if (pspec->value_type == G_TYPE_STRV)
    g_value_take_boxed (value, g_new0 (char *, 1));
}

/* Returns: the number of the property; 0: there is none */
static unsigned int
table_find (const Table *table, const char *name)
{
  for (unsigned int i = CERTPIN_RECORD_FIRST; i < table->n_props; i++)
    if (g_str_equal (table->props[i]->name, name))
      return i;
  return 0;
}

/* Goes through the dictionary once: to look each property up takes five times as long, which counts
 * in a list of thousands. Of entries with the same name, the first counts, as for
 * g_variant_lookup(). */
static void
read_entries (GValue *values, const Table *table, GVariant *description)
{
  g_autofree gboolean *read = g_new0 (gboolean, table->n_props);
  GVariantIter iter;
  const char *name;
  GVariant *entry;

  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &entry))
    {
      g_autoptr (GVariant) taken = entry;
      unsigned int i = table_find (table, name);

      if (i != 0 && !read[i]
          && g_variant_is_of_type (taken, type_of_entry (table->props[i]->value_type)))
        take_entry (&values[i], taken);
      read[i] = TRUE;
    }
}

static void
certpin_record_constructed (GObject *object)
{
  CertpinRecord *record = CERTPIN_RECORD (object);
  CertpinRecordPrivate *priv = certpin_record_get_instance_private (record);
  const Table *table = record_get_table (record);

  G_OBJECT_CLASS (certpin_record_parent_class)->constructed (object);
  if (priv->description == NULL
      || !g_variant_is_of_type (priv->description, G_VARIANT_TYPE_VARDICT))
    {
      g_clear_pointer (&priv->description, g_variant_unref);
      priv->description = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
    }
  priv->values = g_new0 (GValue, table->n_props);
  for (unsigned int i = CERTPIN_RECORD_FIRST; i < table->n_props; i++)
    init_value (&priv->values[i], table->props[i]);
  read_entries (priv->values, table, priv->description);
}

static void
certpin_record_get_property (GObject *object, unsigned int property, GValue *value,
                             GParamSpec *pspec)
{
  CertpinRecord *record = CERTPIN_RECORD (object);

  if (property == PROP_DESCRIPTION)
    g_value_set_variant (value, certpin_record_get_description (record));
  else
    g_value_copy (certpin_record_get_value (record, property), value);
}

static void
certpin_record_set_property (GObject *object, unsigned int property, const GValue *value,
                             GParamSpec *pspec)
{
  CertpinRecordPrivate *priv = certpin_record_get_instance_private (CERTPIN_RECORD (object));

  if (property == PROP_DESCRIPTION)
    priv->description = g_value_dup_variant (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
}

static void
certpin_record_finalize (GObject *object)
{
  CertpinRecord *record = CERTPIN_RECORD (object);
  CertpinRecordPrivate *priv = certpin_record_get_instance_private (record);
  const Table *table = record_get_table (record);

  for (unsigned int i = CERTPIN_RECORD_FIRST; i < table->n_props; i++)
    g_value_unset (&priv->values[i]);
  g_free (priv->values);
  g_variant_unref (priv->description);
  G_OBJECT_CLASS (certpin_record_parent_class)->finalize (object);
}

static void
certpin_record_class_init (CertpinRecordClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = certpin_record_constructed;
  object_class->get_property = certpin_record_get_property;
  object_class->set_property = certpin_record_set_property;
  object_class->finalize = certpin_record_finalize;

  /**
   * CertpinRecord:description:
   *
   * The dictionary of the service, an `a{sv}`, with all that it said.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_DESCRIPTION,
      g_param_spec_variant ("description", NULL, NULL, G_VARIANT_TYPE_VARDICT, NULL,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
}

static void
certpin_record_init (CertpinRecord *record)
{
}

/* Called when the class of a kind is made. `props`: from CERTPIN_RECORD_FIRST on; static */
void
certpin_record_class_install (GObjectClass *klass, GParamSpec **props, unsigned int n_props)
{
  Table *table = g_new0 (Table, 1); /* as long as the type: for ever */

  table->props = props;
  table->n_props = n_props;
  g_type_set_qdata (G_OBJECT_CLASS_TYPE (klass), table_quark (), table);
  klass->get_property = certpin_record_get_property; /* no class inherits it */
  for (unsigned int i = CERTPIN_RECORD_FIRST; i < n_props; i++)
    g_object_class_install_property (klass, i, props[i]);
}

/* Returns: (transfer none): the value of a property of the kind */
const GValue *
certpin_record_get_value (CertpinRecord *record, unsigned int property)
{
  CertpinRecordPrivate *priv = certpin_record_get_instance_private (record);

  return &priv->values[property];
}

/* Reads an entry that is a list of dictionaries.
 * Returns: (transfer container): of `type`; empty if there is no such entry */
GPtrArray *
certpin_record_dup_list (CertpinRecord *record, const char *entry, GType type)
{
  CertpinRecordPrivate *priv = certpin_record_get_instance_private (record);
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GVariant) dictionaries
      = g_variant_lookup_value (priv->description, entry, G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; dictionaries != NULL && i < g_variant_n_children (dictionaries); i++)
    {
      g_autoptr (GVariant) dictionary = g_variant_get_child_value (dictionaries, i);

      g_ptr_array_add (list, g_object_new (type, "description", dictionary, NULL));
    }
  return list;
}

/**
 * certpin_record_get_description:
 * @record: a #CertpinRecord
 *
 * Gets #CertpinRecord:description.
 *
 * Returns: (transfer none): the dictionary of the service, an `a{sv}`
 *
 * Since: 0.1
 */
GVariant *
certpin_record_get_description (CertpinRecord *record)
{
  CertpinRecordPrivate *priv;

  g_return_val_if_fail (CERTPIN_IS_RECORD (record), NULL);

  priv = certpin_record_get_instance_private (record);
  return priv->description;
}
