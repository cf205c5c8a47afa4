/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what a person reads of the alert that a server sent, by its number in RFC 8446. */

#include "config.h"

#include "daemon/transport/cpd-tls-alert.h"

/* What a person reads, behind "it sent ". */
static void
test_texts (void)
{
  static const struct
  {
    int alert;
    const char *text;
  } cases[] = {
    { 40, "the TLS alert ‘handshake_failure’: it supports none of the offered algorithms" },
    { 47, "the TLS alert ‘illegal_parameter’" },
    { 70, "the TLS alert ‘protocol_version’: it supports none of the offered versions of TLS" },
    { 112, "the TLS alert ‘unrecognized_name’: it does not know the name of the host" },
    { 254, "the TLS alert 254, which is unknown" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = cpd_tls_alert_describe ((gnutls_alert_description_t)cases[i].alert);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/tls-alert/texts", test_texts);
  return g_test_run ();
}
