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

#define START_TLS "1.3.6.1.4.1.1466.20037"
#define IMAP_HI   "* OK [CAPABILITY IMAP4rev1] hi\r\n"
#define SMTP_HI   "220-hi\r\n220 there\r\n"

static const Case cases[] = {
  { "imap", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a OK go\r\n"), "a STARTTLS\r\n", FALSE },
  { "imap-untagged", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "* x\r\n* y\r\na OK\r\n"), "a STARTTLS\r\n",
    FALSE },
  { "imap-bye", CPD_STARTTLS_IMAP, HEARD ("* BYE\r\n"), "", TRUE },
  { "imap-preauth", CPD_STARTTLS_IMAP, HEARD ("* PREAUTH hi\r\n"), "", TRUE },
  { "imap-no", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a NO\r\n"), "a STARTTLS\r\n", TRUE },
  { "imap-bad", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a BAD\r\n"), "a STARTTLS\r\n", TRUE },
  { "imap-longer-word", CPD_STARTTLS_IMAP, HEARD ("* OKAY hi\r\n"), "", TRUE },
  { "imap-longer-tagged-word", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a OKAY go\r\n"), "a STARTTLS\r\n",
    TRUE },
  { "imap-other-tag", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "b OK go\r\n"), "a STARTTLS\r\n", TRUE },
  { "imap-longer-tag", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "aa OK go\r\n"), "a STARTTLS\r\n", TRUE },
  { "imap-continuation", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "+ go\r\n"), "a STARTTLS\r\n", TRUE },
  { "imap-two-spaces", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a  OK go\r\n"), "a STARTTLS\r\n", TRUE },
  { "imap-no-carriage-return", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a OK go\n"), "a STARTTLS\r\n",
    TRUE },
  { "imap-carriage-return-within", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a OK\rgo\r\n"),
    "a STARTTLS\r\n", TRUE },
  { "imap-zero", CPD_STARTTLS_IMAP, HEARD (IMAP_HI "a OK go\0\r\n"), "a STARTTLS\r\n", TRUE },
  { "smtp", CPD_STARTTLS_SMTP, HEARD (SMTP_HI "250-a\r\n250 b\r\n220 go\r\n"),
    "EHLO localhost\r\nSTARTTLS\r\n", FALSE },
  { "smtp-busy", CPD_STARTTLS_SMTP, HEARD ("421 busy\r\n"), "", TRUE },
  { "smtp-mixed-codes", CPD_STARTTLS_SMTP, HEARD ("220-hi\r\n250 there\r\n"), "", TRUE },
  { "smtp-unknown", CPD_STARTTLS_SMTP, HEARD (SMTP_HI "250 a\r\n502 what\r\n"),
    "EHLO localhost\r\nSTARTTLS\r\n", TRUE },
  { "smtp-short", CPD_STARTTLS_SMTP, HEARD ("22\r\n"), "", TRUE },
  { "smtp-code-alone", CPD_STARTTLS_SMTP, HEARD ("220\r\n250\r\n220\r\n"),
    "EHLO localhost\r\nSTARTTLS\r\n", FALSE },
  { "smtp-longer-code", CPD_STARTTLS_SMTP, HEARD ("2200 hi\r\n"), "", TRUE },
  { "smtp-no-space", CPD_STARTTLS_SMTP, HEARD ("220hi\r\n"), "", TRUE },
  { "smtp-more-of-another-code", CPD_STARTTLS_SMTP, HEARD (SMTP_HI "250-a\r\n220 go\r\n"),
    "EHLO localhost\r\n", TRUE },
  { "smtp-longer-consent", CPD_STARTTLS_SMTP, HEARD (SMTP_HI "250 a\r\n220x go\r\n"),
    "EHLO localhost\r\nSTARTTLS\r\n", TRUE },
  { "smtp-no-carriage-return", CPD_STARTTLS_SMTP, HEARD ("220 hi\n"), "", TRUE },
  { "pop3", CPD_STARTTLS_POP3, HEARD ("+OK hi\r\n+OK go\r\n"), "STLS\r\n", FALSE },
  { "pop3-err", CPD_STARTTLS_POP3, HEARD ("+OK hi\r\n-ERR\r\n"), "STLS\r\n", TRUE },
  { "pop3-ok-alone", CPD_STARTTLS_POP3, HEARD ("+OK\r\n+OK\r\n"), "STLS\r\n", FALSE },
  { "pop3-longer-greeting", CPD_STARTTLS_POP3, HEARD ("+OKAY\r\n"), "", TRUE },
  { "pop3-longer-word", CPD_STARTTLS_POP3, HEARD ("+OK hi\r\n+OKAY\r\n"), "STLS\r\n", TRUE },
  { "pop3-no-carriage-return", CPD_STARTTLS_POP3, HEARD ("+OK hi\n"), "", TRUE },
  { "postgres-error", CPD_STARTTLS_POSTGRES, HEARD ("E"), NULL, TRUE },
  { "postgres-small-letter", CPD_STARTTLS_POSTGRES, HEARD ("s"), NULL, TRUE },
  { "postgres", CPD_STARTTLS_POSTGRES, HEARD ("S"), NULL, FALSE },
  { "postgres-no", CPD_STARTTLS_POSTGRES, HEARD ("N"), NULL, TRUE },
  { "ldap", CPD_STARTTLS_LDAP, HEARD ("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"), NULL,
    FALSE },
  { "ldap-refused", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"), NULL, TRUE },
  { "ldap-other-message", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"), NULL, TRUE },
  { "ldap-named", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\0\x04\0\x04\0\x8a\x16" START_TLS), NULL, FALSE },
  { "ldap-other-operation", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x11\x02\x01\x01\x78\x0c\x0a\x01\0\x04\0\x04\0\x8a\x03"
           "1.3"),
    NULL, TRUE },
  { "ldap-unsolicited", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\0\x78\x07\x0a\x01\0\x04\0\x04\0"), NULL, TRUE },
  { "ldap-other-request", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\0\x04\0\x04\0"), NULL, TRUE },
  { "ldap-number-is-no-integer", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x04\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"), NULL, TRUE },
  { "ldap-response-ends-early", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x01\x78\x05\x0a\x01\0\x04\0\x04\0"), NULL, TRUE },
  { "ldap-response-ends-late", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x01\x78\x09\x0a\x01\0\x04\0\x04\0"), NULL, TRUE },
  { "ldap-text-ends-late", CPD_STARTTLS_LDAP,
    HEARD ("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\x01"), NULL, TRUE },
  { "ldap-no-text", CPD_STARTTLS_LDAP, HEARD ("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x02\0\x04\0"),
    NULL, TRUE },
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
  g_assert_cmpuint (count_taken (CPD_STARTTLS_SMTP, "220-more\r\n"), ==, 16384);
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
