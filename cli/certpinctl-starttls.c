/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How each protocol asks for TLS. Everything that the server says is read byte by byte: what comes
 * behind its consent must stay in the socket, where the service finds and refuses it. Nothing that
 * it says before TLS is passed on, because somebody on the way may have said it: a client gets a
 * greeting that says nothing. */

#include "config.h"

#include "certpinctl-starttls.h"

#include <certpin.h>
#include <string.h>

#define LINE_MAX_BYTES 8192
#define LINES_MAX      128

static gboolean
fail (GError **error, const char *what, const char *said)
{
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR,
               "the server does not begin TLS: %s ‘%.200s’", what, said);
  return FALSE;
}

static gboolean
translate (GError *reason, GError **error)
{
  g_set_error (error, CERTPIN_ERROR,
               (int)(g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
                         ? CERTPIN_ERROR_TIMED_OUT
                         : CERTPIN_ERROR_UNREACHABLE),
               "the server went away before TLS began: %s", reason->message);
  g_error_free (reason);
  return FALSE;
}

static gboolean
send_bytes (GSocket *socket, const char *bytes, gsize size, GError **error)
{
  GError *reason = NULL;

  while (size > 0)
    {
      gssize sent = g_socket_send (socket, bytes, size, NULL, &reason);

      if (sent < 0)
        return translate (reason, error);
      bytes += sent;
      size -= (gsize)sent;
    }
  return TRUE;
}

static gboolean
send_line (GSocket *socket, const char *line, GError **error)
{
  g_autofree char *bytes = g_strconcat (line, "\r\n", NULL);

  return send_bytes (socket, bytes, strlen (bytes), error);
}

static gboolean
receive_bytes (GSocket *socket, guint8 *bytes, gsize size, GError **error)
{
  GError *reason = NULL;

  for (; size > 0; bytes++, size--)
    {
      gssize received = g_socket_receive (socket, (char *)bytes, 1, NULL, &reason);

      if (received == 0)
        reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                                      "it closed the connection");
      if (received <= 0)
        return translate (reason, error);
    }
  return TRUE;
}

/* Without its end. */
static gboolean
receive_line (GSocket *socket, GString *line, GError **error)
{
  guint8 byte;

  g_string_truncate (line, 0);
  while (line->len < LINE_MAX_BYTES)
    {
      if (!receive_bytes (socket, &byte, 1, error))
        return FALSE;
      if (byte == '\n')
        return TRUE;
      if (byte != '\r')
        g_string_append_c (line, (char)byte);
    }
  return fail (error, "it sent a line without end:", "");
}

/* Up to a line that begins so. `line`: gets it. */
static gboolean
receive_until (GSocket *socket, const char *begin, GString *line, GError **error)
{
  for (int i = 0; i < LINES_MAX; i++)
    {
      if (!receive_line (socket, line, error))
        return FALSE;
      if (g_str_has_prefix (line->str, begin))
        return TRUE;
    }
  return fail (error, "it did not say", begin);
}

/* RFC 9051, section 6.2.1 */
static gboolean
ask_imap (GSocket *socket, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (!receive_line (socket, line, error))
    return FALSE;
  if (!g_str_has_prefix (line->str, "* OK"))
    return fail (error, "it greets with", line->str);
  if (!send_line (socket, "a STARTTLS", error) || !receive_until (socket, "a ", line, error))
    return FALSE;
  return g_str_has_prefix (line->str, "a OK") || fail (error, "it answered", line->str);
}

/* A reply of several lines, and its code: RFC 5321, section 4.2.1. */
static gboolean
receive_reply (GSocket *socket, const char *code, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (int i = 0; i < LINES_MAX; i++)
    {
      if (!receive_line (socket, line, error))
        return FALSE;
      if (!g_str_has_prefix (line->str, code))
        return fail (error, "it answered", line->str);
      if (line->str[3] != '-')
        return TRUE;
    }
  return fail (error, "it answered without end:", line->str);
}

/* RFC 3207 */
static gboolean
ask_smtp (GSocket *socket, GError **error)
{
  return receive_reply (socket, "220", error) && send_line (socket, "EHLO localhost", error)
         && receive_reply (socket, "250", error) && send_line (socket, "STARTTLS", error)
         && receive_reply (socket, "220", error);
}

/* RFC 2595, section 4 */
static gboolean
ask_pop3 (GSocket *socket, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (!receive_line (socket, line, error))
    return FALSE;
  if (!g_str_has_prefix (line->str, "+OK"))
    return fail (error, "it greets with", line->str);
  if (!send_line (socket, "STLS", error) || !receive_line (socket, line, error))
    return FALSE;
  return g_str_has_prefix (line->str, "+OK") || fail (error, "it answered", line->str);
}

/* PostgreSQL, “Message Formats”, SSLRequest */
static gboolean
ask_postgres (GSocket *socket, GError **error)
{
  static const char request[] = "\0\0\0\x08\x04\xd2\x16\x2f";
  guint8 answer[2] = "";

  if (!send_bytes (socket, request, sizeof request - 1, error)
      || !receive_bytes (socket, answer, 1, error))
    return FALSE;
  return answer[0] == 'S' || fail (error, "it answered", (const char *)answer);
}

/* RFC 4511, section 4.14: an extended request, and its response: a sequence of the message's number
 * and of the result, which begins with a code. */
static gboolean
ask_ldap (GSocket *socket, GError **error)
{
  static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
                                "1.3.6.1.4.1.1466.20037";
  static const guint8 success[] = { 0x0a, 0x01, 0x00 };
  guint8 head[2], body[127];

  if (!send_bytes (socket, request, sizeof request - 1, error)
      || !receive_bytes (socket, head, sizeof head, error))
    return FALSE;
  if (head[0] != 0x30 || head[1] < 8 || head[1] > sizeof body)
    return fail (error, "its answer is not one of LDAP", "");
  if (!receive_bytes (socket, body, head[1], error))
    return FALSE;
  return (body[3] == 0x78 && memcmp (body + 5, success, sizeof success) == 0)
         || fail (error, "it refused", "StartTLS");
}

static const CtlStarttls protocols[] = {
  { "imap", ask_imap, "* OK ready\r\n" },
  { "smtp", ask_smtp, "220 localhost ready\r\n" },
  { "pop3", ask_pop3, "+OK ready\r\n" },
  { "postgres", ask_postgres, NULL },
  { "ldap", ask_ldap, NULL },
};

/* Returns: (transfer none) (nullable): NULL with `error` set */
const CtlStarttls *
ctl_starttls_find (const char *name, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (protocols); i++)
    if (strcmp (protocols[i].name, name) == 0)
      return &protocols[i];
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "‘%s’ is not a protocol with STARTTLS; give imap, smtp, pop3, postgres or ldap",
               name);
  return NULL;
}
