/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* errors URL: gets the URL, and tells a person what went wrong. */

#include <certpin.h>
#include <locale.h>

typedef enum
{
  ADVICE_NONE,    /* the person ended it: say nothing */
  ADVICE_STOP,    /* the server was refused: do not offer to go on without the check */
  ADVICE_NETWORK, /* offer to try again */
  ADVICE_LATER,   /* the machine or the server has too much to do, or is not set up */
  ADVICE_MISTAKE, /* the program is wrong: report a bug */
} Advice;

static Advice
advice_for (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return ADVICE_NONE;
  if (error->domain != CERTPIN_ERROR)
    return ADVICE_LATER;
  switch ((CertpinError)error->code)
    {
    case CERTPIN_ERROR_CANCELLED:
      return ADVICE_NONE;
    case CERTPIN_ERROR_NOT_PINNED:
    case CERTPIN_ERROR_BLOCKED:
    case CERTPIN_ERROR_PIN_EXPIRED:
    case CERTPIN_ERROR_PIN_MISMATCH:
    case CERTPIN_ERROR_PIN_CHANGED:
    case CERTPIN_ERROR_UNTRUSTED:
    case CERTPIN_ERROR_TLS_FAILED:
    case CERTPIN_ERROR_ADDRESS_DENIED:
    case CERTPIN_ERROR_NOT_SECURE:
      return ADVICE_STOP;
    case CERTPIN_ERROR_UNREACHABLE:
    case CERTPIN_ERROR_OFFLINE:
    case CERTPIN_ERROR_TIMED_OUT:
    case CERTPIN_ERROR_TRUNCATED:
    case CERTPIN_ERROR_PROTOCOL_ERROR:
    case CERTPIN_ERROR_PROXY_FAILED:
    case CERTPIN_ERROR_PROXY_AUTH_REQUIRED:
      return ADVICE_NETWORK;
    case CERTPIN_ERROR_INVALID_ARGUMENT:
    case CERTPIN_ERROR_INVALID_HOST:
    case CERTPIN_ERROR_INVALID_KEY:
    case CERTPIN_ERROR_WRONG_FORMAT:
    case CERTPIN_ERROR_FILE_NOT_FOUND:
    case CERTPIN_ERROR_SELF_SIGNED:
    case CERTPIN_ERROR_BODY_TOO_LARGE:
      return ADVICE_MISTAKE;
    case CERTPIN_ERROR_FAILED:
    case CERTPIN_ERROR_LIMIT_EXCEEDED:
    case CERTPIN_ERROR_NOT_AUTHORIZED:
    case CERTPIN_ERROR_STORE_FAILED:
    case CERTPIN_ERROR_SERVICE_UNAVAILABLE:
      return ADVICE_LATER;
    }
  return ADVICE_LATER; /* a code that is newer than this program */
}

static const char *
title_of (Advice advice)
{
  switch (advice)
    {
    case ADVICE_STOP:
      return "This server cannot be trusted now";
    case ADVICE_NETWORK:
      return "The server does not answer as it should";
    case ADVICE_MISTAKE:
      return "This program made a mistake";
    default:
      return "This does not work now";
    }
}

/* The words of the service: what most likely happened, and what helps. An older refusal of the host
 * may have had another cause. */
static void
print_advice (CertpinClient *client, const char *url, const GError *error, gint64 began_s)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  g_autoptr (CertpinFailure) failure = NULL;
  GDateTime *when;
  const char *advice;

  if (uri != NULL)
    failure = certpin_client_last_failure (client, g_uri_get_host (uri), NULL, NULL);
  if (failure == NULL)
    return;
  when = certpin_failure_get_time (failure);
  advice = certpin_failure_get_advice (failure);
  if (advice != NULL && when != NULL && g_date_time_to_unix (when) >= began_s
      && certpin_failure_get_code (failure) == (CertpinError)error->code)
    g_printerr ("%s\n", advice);
}

/* What to look at first, where the cause says so. */
static void
print_hint (const GError *error)
{
  const GError *cause = certpin_error_get_cause (error);

  if (g_error_matches (cause, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    g_printerr ("No such host is known. Is its name right?\n");
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    g_printerr ("The host is there, but nothing answers at that port.\n");
}

static CertpinResponse *
get (CertpinClient *client, const char *url, GError **error)
{
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", url, NULL, NULL, error);
  GVariant *options;

  if (request == NULL)
    return NULL;
  options = g_variant_new_parsed ("{'timeout-ms': <uint32 20000>}");
  return certpin_client_secure_request (client, request, options, NULL, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  gint64 began_s = g_get_real_time () / G_USEC_PER_SEC;
  Advice advice;

  setlocale (LC_ALL, "");
  if (argc != 2)
    return 2;
  response = get (client, argv[1], &error);
  if (response != NULL)
    {
      g_print ("%u\n", certpin_response_get_status (response));
      return 0;
    }
  advice = advice_for (error);
  if (advice != ADVICE_NONE)
    g_printerr ("%s: %s.\n", title_of (advice), error->message);
  if (advice == ADVICE_STOP)
    print_advice (client, argv[1], error, began_s);
  else
    print_hint (error);
  return 1;
}
