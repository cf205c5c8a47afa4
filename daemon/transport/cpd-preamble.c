/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How each protocol asks for TLS. Nothing of the caller's is said, and nothing that the server says
 * is passed on: somebody on the way may have said it. Each step is one request, or none, and the
 * answer to it, which is taken byte by byte: what is behind the last one belongs to nobody. */

#include "config.h"

#include "daemon/transport/cpd-preamble.h"

#include "daemon/core/base/cpd-text.h"

#include <string.h>

#define ANSWER_MAX_BYTES (16 * 1024)
#define SHOWN_BYTES      100

/* What the last line of an answer is. */
typedef enum
{
  UNFINISHED,
  NOT_LAST,
  CONSENT,
  REFUSAL,
} Finding;

/* `line`: with its end, if that has come */
typedef Finding (*Judge) (const GString *line, const char *wanted);

typedef struct
{
  const char *request; /* NULL: the server speaks first */
  gsize size;          /* of the request */
  Judge judge;
  const char *wanted;
} Step;

static gboolean
is_unfinished (const GString *line)
{
  return line->len == 0 || line->str[line->len - 1] != '\n';
}

/* Every line of these protocols ends in CRLF, and has neither a CR nor a zero elsewhere. */
static gboolean
is_well_formed (const GString *line)
{
  return line->len >= 2 && strcspn (line->str, "\r") == line->len - 2;
}

/* Whether the line begins with the word, and the word ends there: “+OKAY” does not say “+OK”. */
static gboolean
says (const GString *line, const char *word)
{
  const char *behind = line->str + strlen (word);

  return g_str_has_prefix (line->str, word) && (*behind == ' ' || *behind == '\r');
}

static Finding
judge_line (const GString *line, const char *wanted)
{
  if (is_unfinished (line))
    return UNFINISHED;
  return is_well_formed (line) && says (line, wanted) ? CONSENT : REFUSAL;
}

/* Behind untagged lines (RFC 9051, section 2.2.2). */
static Finding
judge_tagged (const GString *line, const char *wanted)
{
  Finding finding = judge_line (line, wanted);

  return finding == REFUSAL && is_well_formed (line) && says (line, "*") ? NOT_LAST : finding;
}

/* A reply of several lines, all with the same code (RFC 5321, section 4.2.1). */
static Finding
judge_reply (const GString *line, const char *wanted)
{
  Finding finding = judge_line (line, wanted);

  return finding == REFUSAL && is_well_formed (line) && g_str_has_prefix (line->str, wanted)
                 && line->str[strlen (wanted)] == '-'
             ? NOT_LAST
             : finding;
}

static Finding
judge_byte (const GString *line, const char *wanted)
{
  if (line->len == 0)
    return UNFINISHED;
  return line->str[0] == *wanted ? CONSENT : REFUSAL;
}

/* The elements of an LDAPMessage behind its length: the number of our request, an ExtendedResponse
 * to the end of the message, and in that, first of all, the result. */
#define LDAP_MESSAGE    0x30
#define LDAP_RESPONSE   0x78
#define LDAP_NAME       0x8a
#define LDAP_RESULT_AT  7
#define LDAP_MIN_BYTES  14
#define LDAP_SHORT_FORM 127
#define START_TLS_OID   "1.3.6.1.4.1.1466.20037"

/* Whether whole elements are left up to the end, the first two of them texts, and none that names
 * another operation. */
static gboolean
are_ldap_elements (const guint8 *bytes, gsize length)
{
  unsigned int n = 0;

  for (; length > 0; n++)
    {
      gsize size = length >= 2 ? 2 + (gsize)bytes[1] : length + 1;

      if (size > length || (n < 2 && bytes[0] != 0x04))
        return FALSE;
      if (bytes[0] == LDAP_NAME
          && (bytes[1] != strlen (START_TLS_OID)
              || memcmp (bytes + 2, START_TLS_OID, bytes[1]) != 0))
        return FALSE;
      bytes += size;
      length -= size;
    }
  return n >= 2;
}

/* A sequence of the message's number and the response, which begins with a result code (RFC 4511,
 * section 4.14). A message that answers no request has the number 0. All lengths are of one
 * byte. */
static Finding
judge_ldap (const GString *message, const char *wanted)
{
  const guint8 *bytes = (const guint8 *)message->str;
  gsize length = message->len < 2 ? 2 : 2 + (gsize)bytes[1];
  const guint8 begin[] = { LDAP_MESSAGE,  (guint8)(length - 2), 0x02, 0x01, 0x01,
                           LDAP_RESPONSE, (guint8)(length - 7) };

  if (message->len >= 2
      && (bytes[0] != LDAP_MESSAGE || length < LDAP_MIN_BYTES || bytes[1] > LDAP_SHORT_FORM))
    return REFUSAL;
  if (message->len < length)
    return UNFINISHED;
  return memcmp (bytes, begin, sizeof begin) == 0 && memcmp (bytes + LDAP_RESULT_AT, wanted, 3) == 0
                 && are_ldap_elements (bytes + LDAP_RESULT_AT + 3, length - LDAP_RESULT_AT - 3)
             ? CONSENT
             : REFUSAL;
}

#define SAY(text) text, sizeof text - 1

static const Step imap[] = { { NULL, 0, judge_line, "* OK" },
                             { SAY ("a STARTTLS\r\n"), judge_tagged, "a OK" },
                             { NULL } };
static const Step smtp[] = { { NULL, 0, judge_reply, "220" },
                             { SAY ("EHLO localhost\r\n"), judge_reply, "250" },
                             { SAY ("STARTTLS\r\n"), judge_reply, "220" },
                             { NULL } };
static const Step pop3[]
    = { { NULL, 0, judge_line, "+OK" }, { SAY ("STLS\r\n"), judge_line, "+OK" }, { NULL } };
static const Step postgres[]
    = { { SAY ("\0\0\0\x08\x04\xd2\x16\x2f"), judge_byte, "S" }, { NULL } };
static const Step ldap[]
    = { { SAY ("\x30\x1d\x02\x01\x01\x77\x18\x80\x16" START_TLS_OID), judge_ldap, "\x0a\x01\x00" },
        { NULL } };

/* RFC 9051, section 6.2.1; RFC 3207; RFC 2595, section 4; PostgreSQL, “Message Formats”,
 * SSLRequest; RFC 4511, section 4.14. */
static const Step *const protocols[] = {
  [CPD_STARTTLS_IMAP] = imap,         [CPD_STARTTLS_SMTP] = smtp, [CPD_STARTTLS_POP3] = pop3,
  [CPD_STARTTLS_POSTGRES] = postgres, [CPD_STARTTLS_LDAP] = ldap,
};

struct _CpdPreamble
{
  const Step *step; /* without a judge: it is over */
  gboolean asked;   /* the request of this step */
  GString *line;    /* of the answer */
  gsize answered;   /* bytes, of this step */
};

/* Returns: (transfer full) */
CpdPreamble *
cpd_preamble_new (CpdStarttls protocol)
{
  CpdPreamble *preamble = g_new0 (CpdPreamble, 1);

  preamble->step = protocols[protocol];
  preamble->line = g_string_new (NULL);
  return preamble;
}

/* `preamble`: (nullable) */
void
cpd_preamble_free (CpdPreamble *preamble)
{
  if (preamble == NULL)
    return;
  g_string_free (preamble->line, TRUE);
  g_free (preamble);
}

gboolean
cpd_preamble_is_over (CpdPreamble *preamble)
{
  return preamble->step->judge == NULL;
}

/* Returns: (transfer full) (nullable): what is to be sent now; NULL: the server is to speak */
GBytes *
cpd_preamble_steal_request (CpdPreamble *preamble)
{
  const Step *step = preamble->step;

  if (preamble->asked || step->request == NULL)
    return NULL;
  preamble->asked = TRUE;
  return g_bytes_new_static (step->request, step->size);
}

static gboolean
fail (CpdPreamble *preamble, const char *what, GError **error)
{
  g_autofree char *said = cpd_text_shorten (preamble->line->str, preamble->line->len, SHOWN_BYTES);

  g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, "it does not begin TLS: it %s ‘%s’", what,
               g_strchomp (said));
  return FALSE;
}

static void
begin_step (CpdPreamble *preamble)
{
  preamble->step++;
  preamble->asked = FALSE;
  preamble->answered = 0;
  g_string_truncate (preamble->line, 0);
}

/* The next byte of an answer.
 * Errors: G_TLS_ERROR_HANDSHAKE: the server does not begin TLS. */
gboolean
cpd_preamble_take (CpdPreamble *preamble, guint8 byte, GError **error)
{
  if (++preamble->answered > ANSWER_MAX_BYTES)
    return fail (preamble, "sent an answer without end:", error);
  g_string_append_c (preamble->line, (char)byte);
  switch (preamble->step->judge (preamble->line, preamble->step->wanted))
    {
    case UNFINISHED:
      return TRUE;
    case NOT_LAST:
      g_string_truncate (preamble->line, 0);
      return TRUE;
    case CONSENT:
      begin_step (preamble);
      return TRUE;
    case REFUSAL:
      break;
    }
  return fail (preamble, "answered", error);
}
