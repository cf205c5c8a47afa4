/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a pin's object has all that its description has. */

#include "config.h"

#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-pin-objects.h"
#include "tests/lib/test-core.h"

/* Returns: (transfer full): the property of an entry of a description */
static char *
property_of (const char *name)
{
  GString *property = g_string_new (NULL);
  gboolean first = TRUE;

  for (; *name != '\0'; name++)
    if (*name == '-')
      first = TRUE;
    else
      {
        g_string_append_c (property, first ? g_ascii_toupper (*name) : *name);
        first = FALSE;
      }
  return g_string_free (property, FALSE);
}

/* Everything that a description can have. */
static CpdPin *
new_full_pin (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "leaf");
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  CpdPin *pin = test_pin ("h.example", CPD_LAYER_FILES, 1);

  cpd_pin_take_certificate (pin, certificate, TEST_PKI_NOW);
  g_strfreev (pin->warnings);
  pin->warnings = g_strsplit ("one two", " ", -1);
  pin->reason = g_strdup ("a reason");
  pin->note = g_strdup ("a note");
  pin->created = 7;
  pin->created_by = g_strdup ("curl (uid 1)");
  pin->source = cpd_pin_source_new ("/a/file");
  pin->generation = 8;
  pin->anchors = test_anchors (identity, NULL);
  cpd_pin_take_pause (pin,
                      cpd_pause_new (TEST_PKI_NOW - 1, TEST_PKI_NOW + 1, "a cause", "who", NULL));
  return pin;
}

/* Likewise. */
static CpdSighting *
new_full_sighting (const CpdPin *pin)
{
  g_autoptr (GPtrArray) keys = cpd_pin_keys_list (pin->keys);
  const CpdObservation observation = { .keys = keys,
                                       .subject = "CN=leaf",
                                       .issuer = "CN=root",
                                       .not_after = TEST_PKI_NOW + 1,
                                       .now = TEST_PKI_NOW };

  return cpd_sighting_observe (NULL, pin, &observation);
}

/* The one rule by which properties come from a description: an entry that is added to it needs a
 * property in the XML, and nothing else. */
static void
test_all_entries_are_properties (void)
{
  g_autoptr (CpdPin) pin = new_full_pin ();
  g_autoptr (CpdSighting) sighting = new_full_sighting (pin);
  g_autoptr (GVariant) description
      = g_variant_ref_sink (cpd_describe_pin (pin, sighting, TEST_PKI_NOW));
  g_autoptr (GVariant) properties = g_variant_ref_sink (cpd_pin_objects_describe (description));
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, description);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      g_autofree char *property = property_of (name);
      g_autoptr (GVariant) said = g_variant_lookup_value (properties, property, NULL);

      g_test_message ("%s: %s", name, property);
      g_assert_nonnull (said);
      g_assert_true (g_variant_equal (said, value));
    }
  g_assert_cmpuint (g_variant_n_children (properties), ==, g_variant_n_children (description));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/pin-objects/all-entries-are-properties", test_all_entries_are_properties);
  return g_test_run ();
}
