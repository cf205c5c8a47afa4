/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* many URL WRONG ROUND...: makes so many requests in each round, every tenth to WRONG, which
 * is refused. After each round it says so, and waits for a line. */

#include <certpin.h>
#include <stdio.h>
#include <stdlib.h>

static void
ask (CertpinClient *client, const char *url, gboolean passes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", url, NULL, NULL, &error);
  g_autoptr (CertpinResponse) response = NULL;

  if (request != NULL)
    response = certpin_client_secure_request (client, request, NULL, NULL, &error);
  if (passes && response != NULL && g_bytes_get_size (certpin_response_get_body (response)) == 1000)
    return;
  if (!passes && g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH))
    return;
  g_printerr ("%s: %s\n", url, error != NULL ? error->message : "another answer");
  exit (1);
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();

  for (int round = 3; round < argc; round++)
    {
      for (int i = 0, count = atoi (argv[round]); i < count; i++)
        ask (client, argv[i % 10 == 9 ? 2 : 1], i % 10 != 9);
      puts (argv[round]);
      fflush (stdout);
      getchar ();
    }
  return 0;
}
