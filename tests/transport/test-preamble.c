/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is said before TLS, which answers are a consent, and that nothing behind one is
 * taken. */

#include "config.h"

#include "daemon/transport/cpd-preamble.h"

#include <string.h>

/* A dialogue. It is over behind the last byte of `heard`, unless it is refused. */
typedef struct
{
  const char *name;
  CpdStarttls protocol;
  const char *heard;
  gsize size;
  const char *said; /* all requests; NULL: those for LDAP and PostgreSQL */
  gboolean refused; /* at the last byte */
} Case;

#define HEARD(text) text, sizeof text - 1

#define IMAP_HI "* OK [CAPABILITY IMAP4rev1] hi\r\n"
#define SMTP_HI "220-hi\r\n220 there\r\n"

static const Case cases[] = {
  { "imap", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a OK go\r\n"), "a STARTTLS\r\n", FALSE },
  { "imap-untagged", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "* x\r\n* y\r\na OK\n"), "a STARTTLS\r\n",
    FALSE },
  { "imap-bye", CPD_STARTTLS_IMAP, HEARD ("* BYE\r\n"), "", TRUE },
  { "imap-preauth", CPD_STARTTLS_IMAP, HEARD ("* PREAUTH hi\r\n"), "", TRUE },
  { "imap-no", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a NO\r\n"), "a STARTTLS\r\n", TRUE },
  { "imap-bad", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a BAD\r\n"), "a STARTTLS\r\n", TRUE },
  { "smtp", CPD_STARTTLS_SMTP, HEARD (SMTP_HI "250-a\r\n250 b\r\n220 go\r\n"),
    "EHLO localhost\r\nSTARTTLS\r\n", FALSE },
  { "smtp-busy", CPD_STARTTLS_SMTP, HEARD ("421 busy\r\n"), "", TRUE },
  { "smtp-mixed-codes", CPD_STARTTLS_SMTP, HEARD ("220-hi\r\n250 there\r\n"), "", TRUE },
  { "smtp-unknown", CPD_STARTTLS_SMTP, HEARD (SMTP_HI "250 a\r\n502 what\r\n"),
    "EHLO localhost\r\nSTARTTLS\r\n", TRUE },
  { "smtp-short", CPD_STARTTLS_SMTP, HEARD ("22\n"), "", TRUE },
  { "smtp-code-alone", CPD_STARTTLS_SMTP, HEARD ("220\n250\n220\n"),
    "EHLO localhost\r\nSTARTTLS\r\n", FALSE },
  { "pop3", CPD_STARTTLS_POP3, HEARD ("+OK hi\r\n+OK go\r\n"), "STLS\r\n", FALSE },
  { "pop3-err", CPD_STARTTLS_POP3, HEARD ("+OK hi\r\n-ERR\r\n"), "STLS\r\n", TRUE },
  { "postgres", CPD_STARTTLS_POSTGRES, HEARD ("S"), NULL, FALSE },
  { "postgres-no", CPD_STARTTLS_POSTGRES, HEARD ("N"), NULL, TRUE },
  { "ldap", CPD_STARTTLS_LDAP, HEARD ("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"), NULL,
    FALSE },
  { "ldap-refused", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"), NULL, TRUE },
  { "ldap-other-message", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"), NULL, TRUE },
  { "ldap-too-short", CPD_STARTTLS_LDAP, HEARD ("\x30\x07"), NULL, TRUE },
  { "ldap-too-long", CPD_STARTTLS_LDAP, HEARD ("\x30\x81"), NULL, TRUE },
  { "ldap-none", CPD_STARTTLS_LDAP, HEARD ("HT"), NULL, TRUE },
};

static void
listen_to_requests (CpdPreamble *preamble, GString *said)
{
  g_autoptr (GBytes) request = cpd_preamble_steal_request (preamble);

  if (request != NULL)
    g_string_append_len (said, g_bytes_get_data (request, NULL),
                         (gssize)g_bytes_get_size (request));
  g_assert_null (cpd_preamble_steal_request (preamble));
}

static void
test_dialogue (gconstpointer user_data)
{
  const Case *c = user_data;
  g_autoptr (CpdPreamble) preamble = cpd_preamble_new (c->protocol);
  g_autoptr (GError) error = NULL;
  GString *said = g_string_new (NULL);

  for (gsize i = 0; i < c->size; i++)
    {
      g_assert_false (cpd_preamble_is_over (preamble));
      listen_to_requests (preamble, said);
      g_assert_true (cpd_preamble_take (preamble, (guint8)c->heard[i], &error)
                     == !(c->refused && i + 1 == c->size));
    }
  if (c->refused)
    g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
  else
    g_assert_true (cpd_preamble_is_over (preamble));
  if (c->said != NULL)
    g_assert_cmpstr (said->str, ==, c->said);
  else
    g_assert_cmpuint (said->len, ==, c->protocol == CPD_STARTTLS_LDAP ? 31 : 8);
  g_string_free (said, TRUE);
}

/* Returns: how many bytes of an endless answer are taken */
static gsize
count_taken (CpdStarttls protocol, const char *piece)
{
  g_autoptr (CpdPreamble) preamble = cpd_preamble_new (protocol);
  gsize count = 0;

  while (cpd_preamble_take (preamble, (guint8)piece[count % strlen (piece)], NULL))
    count++;
  return count;
}

static void
test_endless (void)
{
  g_assert_cmpuint (count_taken (CPD_STARTTLS_SMTP, "220-more\n"), ==, 16384);
  g_assert_cmpuint (count_taken (CPD_STARTTLS_SMTP, "2"), ==, 16384);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/transport/preamble/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_dialogue);
    }
  g_test_add_func ("/transport/preamble/endless", test_endless);
  return g_test_run ();
}
