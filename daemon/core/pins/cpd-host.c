/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hosts in canonical form: A-labels in lower case without the root dot, or an address in its one
 * spelling, with an optional wildcard before and port after it. Any other text is an error: it must
 * never pass for another host, one without a pin. */

#include "config.h"

#include "daemon/core/pins/cpd-host.h"

#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <libpsl.h>
#include <string.h>

/* More than a name of 253 bytes needs in any spelling. */
#define TEXT_MAX_BYTES 1024

/* It is one piece of memory: there may be 100 000. */
struct _CpdHost
{
  gatomicrefcount ref_count;
  CpdHostKind kind : 8;
  unsigned int is_address : 8;
  guint16 port;    /* 0: every port */
  guint16 name_at; /* where in `text` the name begins, without wildcard, brackets and port */
  char text[];     /* the whole pattern; behind it the name, if it does not end the pattern */
};

/* A host that is being made. */
typedef struct
{
  CpdHostKind kind;
  guint16 port;
  gboolean is_address;
  char *name; /* NULL: not known yet */
} Parts;

#define NO_LABEL "has two dots in a row, or begins with one; give a name such as h.example"

G_GNUC_PRINTF (3, 4)
static gboolean
refuse (GError **error, const char *host, const char *format, ...)
{
  g_autofree char *shown = cpd_text_escape (host, strnlen (host, 300));
  g_autofree char *reason = NULL;
  va_list arguments;

  va_start (arguments, format);
  reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return cpd_refuse (error, CERTPIN_ERROR_INVALID_HOST, "host ‘%s’ %s", shown, reason);
}

/* The U-label of an A-label must convert back to the same A-label (RFC 5891, section 5.4). */
static gboolean
is_valid_a_label (const char *label)
{
  g_autofree char *copy = g_strdup (label);
  char *unicode = NULL, *again = NULL;
  gboolean valid;

  valid = idn2_to_unicode_8z8z (copy, &unicode, 0) == IDN2_OK
          && idn2_to_ascii_8z (unicode, &again, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK
          && g_str_equal (again, label) && !g_str_equal (unicode, label);
  idn2_free (unicode);
  idn2_free (again);
  return valid;
}

/* Names it if it can be seen. */
static gboolean
refuse_character (char c, const char *given, GError **error)
{
  const char seen[] = { c, '\0' };

  if (!g_ascii_isgraph (c))
    return refuse (error, given,
                   "has a space or an invisible character; give only the name, such as h.example");
  return refuse (error, given, "has the character ‘%s’; give only the name, such as h.example",
                 seen);
}

static gboolean
check_label (const char *label, const char *given, GError **error)
{
  size_t length = strlen (label);

  if (length == 0)
    return refuse (error, given, NO_LABEL);
  if (length > 63)
    return refuse (error, given, "has a label of more than 63 bytes; check its spelling");
  for (const char *c = label; *c != '\0'; c++)
    {
      if (*c == '*')
        return refuse (error, given,
                       "has a ‘*’ that is not the whole first label; write *.h.example "
                       "or **.h.example");
      if (!g_ascii_islower (*c) && !g_ascii_isdigit (*c) && *c != '-' && *c != '_')
        return refuse_character (*c, given, error);
    }
  if (label[0] == '-' || label[length - 1] == '-')
    return refuse (error, given,
                   "has a label that begins or ends with a hyphen; check its spelling");
  if (g_str_has_prefix (label, "xn--") && !is_valid_a_label (label))
    return refuse (error, given, "has an invalid internationalised label ‘%s’; check its spelling",
                   label);
  return TRUE;
}

/* Whether URL parsers would read the name as an address in one of its old notations (WHATWG
 * URL, 3.5). */
static gboolean
ends_in_number (const char *name)
{
  const char *last = strrchr (name, '.');

  last = last != NULL ? last + 1 : name;
  if (g_str_has_prefix (last, "0x"))
    return strspn (last + 2, "0123456789abcdef") == strlen (last + 2);
  return *last != '\0' && strspn (last, "0123456789") == strlen (last);
}

/* Returns: (transfer full) (nullable): the one spelling of an address (RFC 5952 for IPv6). */
static char *
canonical_address (const char *name)
{
  char text[INET6_ADDRSTRLEN];
  guint8 address[16];
  int family = strchr (name, ':') != NULL ? AF_INET6 : AF_INET;

  if (inet_pton (family, name, address) != 1)
    return NULL;
  return g_strdup (inet_ntop (family, address, text, sizeof text));
}

static char *
to_ascii (const char *name, const char *given, GError **error)
{
  char *ascii = NULL;
  g_autofree char *result = NULL;
  int status;

  if (g_str_is_ascii (name))
    return g_ascii_strdown (name, -1);

  status = g_utf8_validate (name, -1, NULL)
               ? idn2_to_ascii_8z (name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)
               : IDN2_ENCODING_ERROR;
  if (status != IDN2_OK)
    {
      refuse (error, given, "is not a valid internationalised name: %s; check its spelling",
              idn2_strerror (status));
      return NULL;
    }
  result = g_ascii_strdown (ascii, -1);
  idn2_free (ascii);
  return g_steal_pointer (&result);
}

/* Fills in name and is_address from a bare name or address. */
static gboolean
parse_name (Parts *host, const char *name, const char *given, GError **error)
{
  g_autofree char *ascii = NULL;
  g_auto (GStrv) labels = NULL;

  if (*name == '\0')
    return refuse (error, given, "is empty; give a name such as h.example");
  if (strchr (name, ':') != NULL)
    {
      host->name = canonical_address (name);
      host->is_address = TRUE;
      return host->name != NULL
             || refuse (error, given,
                        "is not an IPv6 address; write one like 2001:db8::1, with a port like "
                        "[2001:db8::1]:443");
    }

  ascii = to_ascii (name, given, error);
  if (ascii == NULL)
    return FALSE;
  if (g_str_has_suffix (ascii, "."))
    ascii[strlen (ascii) - 1] = '\0';
  if (strlen (ascii) > CPD_HOST_NAME_MAX_BYTES)
    return refuse (error, given, "is longer than 253 bytes; check its spelling");
  if (ends_in_number (ascii))
    {
      host->name = canonical_address (ascii);
      host->is_address = TRUE;
      return host->name != NULL
             || refuse (error, given,
                        "is not an IPv4 address in dotted decimal, such as 192.0.2.1");
    }

  labels = g_strsplit (ascii, ".", -1);
  for (size_t i = 0; labels[i] != NULL; i++)
    if (!check_label (labels[i], given, error))
      return FALSE;
  if (labels[0] == NULL)
    return refuse (error, given, NO_LABEL);
  host->name = g_steal_pointer (&ascii);
  return TRUE;
}

/* A wildcard on a public suffix would include other people's hosts. Without a list, no wildcard is
 * safe. */
static gboolean
check_wildcard (const Parts *host, const char *given, GError **error)
{
  const psl_ctx_t *psl = psl_builtin ();

  if (host->kind == CPD_HOST_EXACT)
    return TRUE;
  if (host->is_address)
    return refuse (error, given, "puts a wildcard before an address, which has no subdomains");
  if (psl == NULL)
    return refuse (error, given, "has a wildcard, but this build has no list of public suffixes");
  if (psl_is_public_suffix2 (psl, host->name, PSL_TYPE_ANY))
    return refuse (error, given,
                   "puts a wildcard on the public suffix ‘%s’, under which others have "
                   "hosts; pin exact hosts there",
                   host->name);
  return TRUE;
}

/* Before parsing: far too long text is not even quoted in full. */
static gboolean
check_length (const char *text, GError **error)
{
  return strnlen (text, TEXT_MAX_BYTES + 1) <= TEXT_MAX_BYTES
         || refuse (error, text, "is too long for a host name; check its spelling");
}

static gboolean
parse_port (const char *text, const char *given, guint16 *port, GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &number, NULL))
    return refuse (error, given, "has the port ‘%s’; give a number from 1 to 65535", text);
  *port = (guint16)number;
  return TRUE;
}

/* Splits "name", "name:port", "[address]" and "[address]:port"; a bare IPv6 address has no port. */
static gboolean
split_port (Parts *host, const char *text, char **name, GError **error)
{
  const char *colon = strchr (text, ':');
  const char *bracket;

  if (strstr (text, "://") != NULL)
    return refuse (error, text, "is a URL; give only the host name");
  if (*text == '[')
    {
      bracket = strchr (text, ']');
      if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
        return refuse (error, text, "has a ‘[’ without its ‘]’");
      *name = g_strndup (text + 1, (size_t)(bracket - text - 1));
      if (strchr (*name, ':') == NULL)
        return refuse (error, text, "has no IPv6 address in its brackets");
      return bracket[1] == '\0' || parse_port (bracket + 2, text, &host->port, error);
    }
  if (colon == NULL || strchr (colon + 1, ':') != NULL)
    {
      *name = g_strdup (text);
      return TRUE;
    }
  *name = g_strndup (text, (size_t)(colon - text));
  return parse_port (colon + 1, text, &host->port, error);
}

/* Without printf: each request writes some patterns, and that took a tenth of it. */
static void
append_port (char *end, guint16 port)
{
  char digits[5];
  unsigned int count = 0;

  do
    digits[count++] = (char)('0' + port % 10);
  while ((port /= 10) != 0);
  *end++ = ':';
  while (count > 0)
    *end++ = digits[--count];
  *end = '\0';
}

/* Writes the pattern that `kind`, `name` and `port` make into `buffer`. */
static void
write_pattern (char buffer[CPD_HOST_TEXT_MAX_BYTES + 1], CpdHostKind kind, const char *name,
               guint16 port)
{
  static const char *const prefixes[] = { "", "*.", "**." };
  gboolean bracket = port != 0 && strchr (name, ':') != NULL;
  char *end = stpcpy (buffer, prefixes[kind]);

  if (bracket)
    *end++ = '[';
  end = stpcpy (end, name);
  if (bracket)
    *end++ = ']';
  if (port != 0)
    append_port (end, port);
}

/* Returns: (transfer full) */
static CpdHost *
finish (const Parts *parts)
{
  char buffer[CPD_HOST_TEXT_MAX_BYTES + 1];
  gsize name_size = strlen (parts->name) + 1, text_size, name_at;
  gboolean ends;
  CpdHost *host;

  write_pattern (buffer, parts->kind, parts->name, parts->port);
  text_size = strlen (buffer) + 1;
  ends = g_str_has_suffix (buffer, parts->name);
  name_at = ends ? text_size - name_size : text_size;
  host = g_malloc (sizeof *host + (ends ? text_size : text_size + name_size));
  g_atomic_ref_count_init (&host->ref_count);
  host->kind = parts->kind;
  host->is_address = parts->is_address;
  host->port = parts->port;
  host->name_at = (guint16)name_at;
  memcpy (host->text, buffer, text_size);
  memcpy (host->text + name_at, parts->name, name_size);
  return host;
}

/* A pattern as people write it. Errors: CERTPIN_ERROR_INVALID_HOST. */
CpdHost *
cpd_host_new (const char *text, GError **error)
{
  Parts parts = { 0 };
  const char *rest = text;
  g_autofree char *given = NULL, *name = NULL;
  gboolean good;

  if (g_str_has_prefix (rest, "**."))
    parts.kind = CPD_HOST_ANY_DEPTH, rest += 3;
  else if (g_str_has_prefix (rest, "*."))
    parts.kind = CPD_HOST_ONE_LABEL, rest += 2;

  good = check_length (text, error) && split_port (&parts, rest, &given, error)
         && parse_name (&parts, given, text, error) && check_wildcard (&parts, text, error);
  name = parts.name;
  return good ? finish (&parts) : NULL;
}

/* The host of a request: `name` as in a URL. Port 0 means any port.
 * Errors: CERTPIN_ERROR_INVALID_HOST. */
CpdHost *
cpd_host_new_target (const char *name, guint16 port, GError **error)
{
  Parts parts = { .port = port };
  g_autofree char *canonical = NULL;
  gboolean good = check_length (name, error) && parse_name (&parts, name, name, error);

  canonical = parts.name;
  return good ? finish (&parts) : NULL;
}

/* The host and port that an https URL leads to.
 * Errors: CERTPIN_ERROR_INVALID_HOST. */
CpdHost *
cpd_host_new_of_uri (GUri *uri, GError **error)
{
  int port = g_uri_get_port (uri);

  return cpd_host_new_target (g_uri_get_host (uri), port > 0 ? (guint16)port : CPD_HTTPS_PORT,
                              error);
}

CpdHost *
cpd_host_ref (CpdHost *host)
{
  g_atomic_ref_count_inc (&host->ref_count);
  return host;
}

void
cpd_host_unref (CpdHost *host)
{
  if (host != NULL && g_atomic_ref_count_dec (&host->ref_count))
    g_free (host);
}

const char *
cpd_host_get_text (CpdHost *host)
{
  return host->text;
}

const char *
cpd_host_get_name (CpdHost *host)
{
  return host->text + host->name_at;
}

CpdHostKind
cpd_host_get_kind (CpdHost *host)
{
  return host->kind;
}

guint16
cpd_host_get_port (CpdHost *host)
{
  return host->port;
}

gboolean
cpd_host_is_address (CpdHost *host)
{
  return host->is_address;
}

/* Starts with the patterns that match `target`, which must outlive them: the exact name, "*." and
 * all but the first label, then "**." and ever shorter endings; each with the port before
 * without. */
void
cpd_host_patterns_init (CpdHostPatterns *patterns, CpdHost *target)
{
  patterns->target = target;
  patterns->rest = cpd_host_get_name (target);
  patterns->kind = CPD_HOST_EXACT;
  patterns->with_port = target->port != 0;
}

static void
patterns_advance (CpdHostPatterns *patterns)
{
  const char *dot = strchr (patterns->rest, '.');

  patterns->with_port = patterns->target->port != 0;
  if (patterns->target->is_address)
    patterns->rest = NULL;
  else if (patterns->kind == CPD_HOST_EXACT && dot != NULL)
    patterns->kind = CPD_HOST_ONE_LABEL, patterns->rest = dot + 1;
  else if (patterns->kind != CPD_HOST_ANY_DEPTH)
    patterns->kind = CPD_HOST_ANY_DEPTH, patterns->rest = cpd_host_get_name (patterns->target);
  else
    patterns->rest = dot != NULL ? dot + 1 : NULL;
}

/* Returns: (transfer none) (nullable): the next pattern, until the next call; NULL after the
 * last. */
const char *
cpd_host_patterns_next (CpdHostPatterns *patterns)
{
  guint16 port = patterns->with_port ? patterns->target->port : 0;

  if (patterns->rest == NULL)
    return NULL;
  write_pattern (patterns->buffer, patterns->kind, patterns->rest, port);
  if (patterns->with_port)
    patterns->with_port = FALSE;
  else
    patterns_advance (patterns);
  return patterns->buffer;
}

gboolean
cpd_host_matches (CpdHost *pattern, CpdHost *target)
{
  CpdHostPatterns patterns;

  cpd_host_patterns_init (&patterns, target);
  for (const char *text; (text = cpd_host_patterns_next (&patterns)) != NULL;)
    if (g_str_equal (text, pattern->text))
      return TRUE;
  return FALSE;
}
