/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a policy keeps the layers apart, and that a request's own keys only ever tighten
 * it. */

#include "config.h"

#include "daemon/core/pins/cpd-policy.h"
#include "tests/lib/test-core.h"

static CpdPolicy *
policy_new (void)
{
  g_autoptr (CpdHost) target = test_host ("h.example:443");

  return cpd_policy_new (target, 7);
}

static GPtrArray *
keys_new (guint8 fill)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);

  g_ptr_array_add (keys, test_key (fill));
  return keys;
}

static void
test_new_is_empty (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();

  g_assert_true (cpd_policy_is_empty (policy));
  g_assert_cmpuint (policy->generation, ==, 7);
}

static void
test_any_pin_fills_it (void)
{
  for (int layer = CPD_LAYER_FILES; layer <= CPD_LAYER_USER; layer++)
    {
      g_autoptr (CpdPolicy) policy = policy_new ();

      cpd_policy_take_pin (policy, test_pin ("h.example", (CpdLayer)layer, 1));
      g_assert_false (cpd_policy_is_empty (policy));
      g_assert_nonnull (policy->pins[layer]);
    }
}

static void
test_takes_no_pin (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();

  cpd_policy_take_pin (policy, NULL);
  g_assert_true (cpd_policy_is_empty (policy));
}

static void
test_one_pin_a_layer (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();
  g_autoptr (CertpinKey) second = test_key (2);

  cpd_policy_take_pin (policy, test_pin ("h.example", CPD_LAYER_USER, 1));
  cpd_policy_take_pin (policy, test_pin ("h.example", CPD_LAYER_SYSTEM, 3));
  cpd_policy_take_pin (policy, test_pin ("h.example", CPD_LAYER_USER, 2));
  g_assert_true (cpd_pin_has_key (policy->pins[CPD_LAYER_USER], second));
  g_assert_nonnull (policy->pins[CPD_LAYER_SYSTEM]);
  g_assert_null (policy->pins[CPD_LAYER_FILES]);
}

static void
test_request_keys_are_no_pin (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();
  g_autoptr (GPtrArray) keys = keys_new (1);
  g_autoptr (CpdPolicy) tightened = cpd_policy_with_keys (policy, keys);

  g_assert_true (cpd_policy_is_empty (tightened));
}

static void
test_request_keys_are_a_layer (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();
  g_autoptr (GPtrArray) keys = keys_new (2);
  g_autoptr (CpdPolicy) tightened = NULL;

  cpd_policy_take_pin (policy, test_pin ("h.example", CPD_LAYER_USER, 1));
  tightened = cpd_policy_with_keys (policy, keys);
  g_assert_true (tightened->pins[CPD_LAYER_USER] == policy->pins[CPD_LAYER_USER]);
  g_assert_true (cpd_pin_has_key (tightened->pins[CPD_LAYER_REQUEST], keys->pdata[0]));
  g_assert_cmpuint (tightened->generation, ==, 7);
}

static void
test_request_keys_leave_the_policy_alone (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();
  g_autoptr (GPtrArray) keys = keys_new (2);
  g_autoptr (CpdPolicy) tightened = cpd_policy_with_keys (policy, keys);

  g_assert_true (tightened != policy);
  g_assert_null (policy->pins[CPD_LAYER_REQUEST]);
}

static void
test_no_request_keys_change_nothing (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (CpdPolicy) a = cpd_policy_with_keys (policy, NULL);
  g_autoptr (CpdPolicy) b = cpd_policy_with_keys (policy, none);

  g_assert_true (a == policy && b == policy);
}

static void
test_supposed_pin_is_of_its_layer (void)
{
  g_autoptr (CpdPolicy) policy = policy_new ();
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 2);
  g_autoptr (CpdPolicy) supposed = NULL, same = NULL;

  cpd_policy_take_pin (policy, test_pin ("h.example", CPD_LAYER_USER, 1));
  cpd_policy_take_pin (policy, test_pin ("h.example", CPD_LAYER_SYSTEM, 3));
  supposed = cpd_policy_with_pin (policy, pin);
  same = cpd_policy_with_pin (policy, NULL);
  g_assert_true (supposed->pins[CPD_LAYER_USER] == pin);
  g_assert_true (policy->pins[CPD_LAYER_USER] != pin);
  g_assert_true (supposed->pins[CPD_LAYER_SYSTEM] == policy->pins[CPD_LAYER_SYSTEM]);
  g_assert_true (same == policy);
}

static void
test_detached_says_the_same (void)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  g_autoptr (CpdPolicy) policy = policy_new ();
  g_autoptr (CpdPolicy) detached = NULL;
  CpdPin *pin = test_pin ("h.example", CPD_LAYER_USER, 1);

  pin->anchors = test_anchors (root, NULL);
  cpd_policy_take_pin (policy, pin);
  cpd_policy_take_pin (policy, test_pin ("*.h.example", CPD_LAYER_FILES, 2));
  detached = cpd_policy_detach (policy);
  g_assert_true (detached->target == policy->target);
  g_assert_cmpuint (detached->generation, ==, 7);
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (policy->pins[layer] == NULL)
      g_assert_null (detached->pins[layer]);
    else
      {
        g_assert_true (detached->pins[layer] != policy->pins[layer]);
        g_assert_true (cpd_pin_says_the_same (detached->pins[layer], policy->pins[layer]));
      }
  g_assert_true (detached->pins[CPD_LAYER_USER]->anchors != pin->anchors);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/policy/new-is-empty", test_new_is_empty);
  g_test_add_func ("/core/policy/any-pin-fills-it", test_any_pin_fills_it);
  g_test_add_func ("/core/policy/takes-no-pin", test_takes_no_pin);
  g_test_add_func ("/core/policy/one-pin-a-layer", test_one_pin_a_layer);
  g_test_add_func ("/core/policy/request-keys-are-no-pin", test_request_keys_are_no_pin);
  g_test_add_func ("/core/policy/request-keys-are-a-layer", test_request_keys_are_a_layer);
  g_test_add_func ("/core/policy/request-keys-leave-the-policy-alone",
                   test_request_keys_leave_the_policy_alone);
  g_test_add_func ("/core/policy/no-request-keys-change-nothing",
                   test_no_request_keys_change_nothing);
  g_test_add_func ("/core/policy/supposed-pin-is-of-its-layer", test_supposed_pin_is_of_its_layer);
  g_test_add_func ("/core/policy/detached-says-the-same", test_detached_says_the_same);
  return g_test_run ();
}
