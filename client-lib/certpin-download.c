/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Downloads a response to a file, from the request to the last byte; blocks meanwhile. A part that
 * is left from before is continued if the server still has the same version (RFC 9110, sections
 * 13.1.5 and 14). */

#include "config.h"

#include "certpin-download.h"

#include "certpin-error.h"
#include "certpin-part.h"
#include "certpin-request-private.h"

#include <string.h>

#define BUFFER_BYTES (64 * 1024)

#define STATUS_PARTIAL_CONTENT       206
#define STATUS_RANGE_NOT_SATISFIABLE 416

static gboolean
has_header (CertpinRequest *request, const char *wanted)
{
  GVariantIter iter;
  const char *name, *value;

  g_variant_iter_init (&iter, certpin_request_get_headers (request));
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    if (g_ascii_strcasecmp (name, wanted) == 0)
      return TRUE;
  return FALSE;
}

/* Whether parts of its response can be requested. */
static gboolean
is_resumable (CertpinRequest *request)
{
  return g_str_equal (certpin_request_get_method (request), "GET")
         && g_bytes_get_size (certpin_request_get_body (request)) == 0
         && certpin_request_get_content (request) == NULL && !has_header (request, "Range")
         && !has_header (request, "If-Range");
}

/* Returns: (transfer full) (nullable): the request for what follows the part */
static CertpinRequest *
request_rest (CertpinRequest *request, const char *url, CertpinPart *part, GError **error)
{
  g_autofree char *range
      = g_strdup_printf ("bytes=%" G_GOFFSET_FORMAT "-", certpin_part_get_length (part));
  g_auto (GVariantBuilder) headers = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  GVariantIter iter;
  GVariant *header;

  g_variant_iter_init (&iter, certpin_request_get_headers (request));
  while ((header = g_variant_iter_next_value (&iter)) != NULL)
    {
      g_variant_builder_add_value (&headers, header);
      g_variant_unref (header);
    }
  g_variant_builder_add (&headers, "(ss)", "Range", range);
  g_variant_builder_add (&headers, "(ss)", "If-Range", certpin_part_get_validator (part));
  return certpin_request_new ("GET", url, g_variant_builder_end (&headers), /* body= */ NULL,
                              error);
}

/* Parses `bytes FIRST-LAST/TOTAL`, where LAST is the last byte of all. A server may send less than
 * was asked for, and need not know the total (RFC 9110, sections 14.4 and 15.3.7): nothing would
 * tell then whether the file is whole. */
static gboolean
parse_content_range (const char *text, goffset *first, goffset *total)
{
  g_auto (GStrv) words = NULL;
  guint64 from, to, all;

  if (text == NULL || g_ascii_strncasecmp (text, "bytes ", strlen ("bytes ")) != 0)
    return FALSE;
  words = g_strsplit_set (text + strlen ("bytes "), "-/", -1);
  if (g_strv_length (words) != 3
      || !g_ascii_string_to_unsigned (words[0], 10, 0, G_MAXINT64, &from, NULL)
      || !g_ascii_string_to_unsigned (words[1], 10, from, G_MAXINT64 - 1, &to, NULL)
      || !g_ascii_string_to_unsigned (words[2], 10, to + 1, to + 1, &all, NULL))
    return FALSE;
  *first = (goffset)from;
  *total = (goffset)all;
  return TRUE;
}

/* Returns: (transfer none): the pinned key of the server; empty if none matched, in report mode */
static const char *
key_of (CertpinResponse *response)
{
  const char *key = certpin_evidence_get_matched_key (certpin_response_get_evidence (response));

  return key != NULL ? key : "";
}

/* Whether the response is all that follows the part, of the same version: a server that does not
 * know If-Range would send what follows in another one, so that it has to name its version (RFC
 * 9110, section 15.3.7.3). The same key must have sent both: a part of a server whose key was
 * replaced since, perhaps because it was stolen, is not continued. */
static gboolean
continues (CertpinResponse *response, CertpinPart *part, goffset *total)
{
  const char *tag = certpin_response_get_header (response, "ETag");
  goffset first;

  return certpin_response_get_status (response) == STATUS_PARTIAL_CONTENT
         && parse_content_range (certpin_response_get_header (response, "Content-Range"), &first,
                                 total)
         && first == certpin_part_get_length (part)
         && g_str_equal (key_of (response), certpin_part_get_key (part))
         && g_strcmp0 (tag, certpin_part_get_validator (part)) == 0;
}

static goffset
length_of (CertpinResponse *response)
{
  const char *text = certpin_response_get_header (response, "Content-Length");
  guint64 length;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &length, NULL))
    return -1;
  return (goffset)length;
}

static gboolean
is_success (CertpinResponse *response)
{
  return certpin_response_get_status (response) / 100 == 2;
}

/* Sends the request, for what is missing if there is a part. `total`: bytes of the whole; -1: not
 * known.
 * Returns: (transfer full) (nullable) */
static CertpinResponse *
send_request (CertpinDownload *download, CertpinPart *part, goffset *total, GError **error)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (download->request));
  gboolean resumes = certpin_part_get_validator (part) != NULL && is_resumable (download->request);
  g_autoptr (CertpinRequest) request = resumes ? request_rest (download->request, url, part, error)
                                               : certpin_request_ref (download->request);
  g_autoptr (CertpinResponse) response = NULL;

  if (request != NULL)
    response = certpin_client_send (download->client, request, download->options,
                                    download->cancellable, error);
  if (response == NULL || (resumes && continues (response, part, total)))
    return g_steal_pointer (&response);
  *total = length_of (response);
  /* Not the range that was asked for, or none can be had: the whole can. */
  if (resumes
      && (certpin_response_get_status (response) == STATUS_PARTIAL_CONTENT
          || certpin_response_get_status (response) == STATUS_RANGE_NOT_SATISFIABLE))
    {
      if (!certpin_part_restart (part, error))
        return NULL;
      return send_request (download, part, total, error);
    }
  if (is_success (response) && !certpin_part_restart (part, error))
    return NULL;
  if (certpin_response_get_status (response) != STATUS_PARTIAL_CONTENT
      || has_header (download->request, "Range"))
    return g_steal_pointer (&response);
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR,
                       "the server sent a part of the file, although all of it was requested");
  return NULL;
}

/* The service checks the length of a response; that of a continued file is checked here. */
static gboolean
check_length (CertpinPart *part, goffset total, GError **error)
{
  goffset length = certpin_part_get_length (part);

  if (certpin_part_get_validator (part) == NULL || total < 0 || length == total)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED,
               "the file has %" G_GOFFSET_FORMAT " bytes, but only %" G_GOFFSET_FORMAT " came",
               total, length);
  return FALSE;
}

/* Writes the body to the file. Returns FALSE if it is not whole, or cannot be written. */
static gboolean
receive (CertpinDownload *download, CertpinResponse *response, CertpinPart *part, goffset total,
         GError **error)
{
  GInputStream *stream = certpin_response_get_stream (response);
  g_autofree char *buffer = g_malloc (BUFFER_BYTES);
  gssize length;

  do
    {
      certpin_progress_report (&download->progress, certpin_part_get_length (part), total);
      length = g_input_stream_read (stream, buffer, BUFFER_BYTES, download->cancellable, error);
      if (length > 0 && !certpin_part_write (part, buffer, (gsize)length, error))
        return FALSE;
    }
  while (length > 0);
  return length == 0 && check_length (part, total, error);
}

/* A strong entity tag says that two responses have the same bytes (RFC 9110, section 8.8.1).
 * Returns: (transfer none) (nullable) */
static const char *
find_validator (CertpinResponse *response)
{
  const char *tag = certpin_response_get_header (response, "ETag");

  return tag != NULL && *tag == '"' ? tag : NULL;
}

static gboolean
is_one_of (const GError *reason, const CertpinError *codes, size_t n_codes)
{
  for (size_t i = 0; i < n_codes; i++)
    if (g_error_matches (reason, CERTPIN_ERROR, (int)codes[i]))
      return TRUE;
  return FALSE;
}

/* Whether a body that ended so may be continued: not after a local failure, such as a full disk,
 * nor if the pins changed. */
static gboolean
is_cut (const GError *reason)
{
  static const CertpinError codes[]
      = { CERTPIN_ERROR_CANCELLED, CERTPIN_ERROR_TRUNCATED,   CERTPIN_ERROR_TIMED_OUT,
          CERTPIN_ERROR_OFFLINE,   CERTPIN_ERROR_UNREACHABLE, CERTPIN_ERROR_SERVICE_UNAVAILABLE };

  return g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED)
         || is_one_of (reason, codes, G_N_ELEMENTS (codes));
}

static gboolean
is_refusal (const GError *reason)
{
  static const CertpinError codes[]
      = { CERTPIN_ERROR_PIN_MISMATCH, CERTPIN_ERROR_PIN_CHANGED, CERTPIN_ERROR_UNTRUSTED,
          CERTPIN_ERROR_NOT_PINNED,   CERTPIN_ERROR_BLOCKED,     CERTPIN_ERROR_PIN_EXPIRED };

  return is_one_of (reason, codes, G_N_ELEMENTS (codes));
}

/* `response`: (nullable): without one, the part is as it was. `reason`: (nullable): why the
 * download failed */
static gboolean
is_worth_keeping (CertpinResponse *response, const GError *reason)
{
  if (reason == NULL)
    return TRUE;
  return response != NULL ? is_cut (reason) : !is_refusal (reason);
}

/* Keeps what came, or what there was before the request. `response`: (nullable) */
static void
keep_part (CertpinDownload *download, CertpinResponse *response, CertpinPart *part)
{
  const char *validator = certpin_part_get_validator (part), *key = certpin_part_get_key (part);

  if (validator == NULL && response != NULL && is_success (response))
    {
      validator = find_validator (response);
      key = key_of (response);
    }
  if (validator != NULL && is_resumable (download->request) && certpin_part_get_length (part) > 0)
    certpin_part_keep (part, validator, key);
}

/* Returns: (transfer full): the response without its body */
static CertpinResponse *
strip_body (CertpinResponse *response)
{
  g_autoptr (GBytes) none = g_bytes_new_static ("", 0);

  return certpin_response_new (certpin_response_get_status (response),
                               certpin_response_get_headers (response), none,
                               certpin_response_get_evidence (response));
}

/* Errors: CERTPIN_ERROR, or G_IO_ERROR for the file.
 * Returns: (transfer full) (nullable): the response, whose body is in the file; with a stream, and
 * the file unchanged, if its status is not that of a success; NULL: `download->failed` is set if
 * there was one */
CertpinResponse *
certpin_download_run (CertpinDownload *download, GError **error)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (download->request));
  g_autoptr (CertpinPart) part = certpin_part_new (download->file, url, error);
  g_autoptr (CertpinResponse) response = NULL;
  GError *reason = NULL;
  goffset total = -1, length;

  if (part == NULL)
    return NULL;
  response = send_request (download, part, &total, &reason);
  if (response != NULL && is_success (response)
      && receive (download, response, part, total, &reason) && certpin_part_commit (part, &reason))
    {
      length = certpin_part_get_length (part);
      certpin_progress_report_end (&download->progress, length, length);
      return strip_body (response);
    }
  if (response != NULL && reason != NULL)
    {
      certpin_progress_report_end (&download->progress, certpin_part_get_length (part), total);
      download->failed = strip_body (response);
    }
  if (is_worth_keeping (response, reason))
    keep_part (download, response, part);
  if (reason == NULL)
    return g_steal_pointer (&response);
  g_propagate_error (error, reason);
  return NULL;
}
