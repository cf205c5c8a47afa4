/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-version.h>
#include <glib-object.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_RECORD (certpin_record_get_type ())

/**
 * CertpinRecord:
 *
 * Something that the service described as a dictionary, with types: a pin, a failure, the evidence
 * of a request. The functions of #CertpinClient return such records. A program makes one itself
 * from a description that it has kept, and in tests.
 *
 * The properties of a record have the names of the dictionary's entries and never change. A program
 * that needs an entry that is newer than this library finds it in #CertpinRecord:description.
 *
 * Points in time are #GDateTime values in UTC, and %NULL where D-Bus has 0 or nothing, as in
 * #GTlsCertificate: so “never” cannot be taken for 1970, and values can be compared and formatted
 * without further thought.
 *
 * Programs do not derive from this class.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_DERIVABLE_TYPE (CertpinRecord, certpin_record, CERTPIN, RECORD, GObject)

struct _CertpinRecordClass
{
  /*< private >*/
  GObjectClass parent_class;
};

CERTPIN_API GVariant *certpin_record_get_description (CertpinRecord *record);

G_END_DECLS
