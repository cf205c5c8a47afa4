/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request as the bytes that are to be sent next: its head, and its body, which is in memory or
 * read from a caller's descriptor. The server may be asked first whether it wants a body. */

#include "config.h"

#include "daemon/transport/cpd-http-sender.h"

#include "daemon/transport/cpd-http-request.h"

/* What is taken from a caller's descriptor at a time. */
#define UPLOAD_BYTES (64 * 1024)

/* A request with a larger body waits for the server to say that it wants it. */
#define EXPECT_MIN_BYTES (1024 * 1024)

/* A small body goes in one record with the head. */
#define TOGETHER_MAX_BYTES (8 * 1024)

struct _CpdHttpSender
{
  GString *head;     /* with the body, where that is small */
  GBytes *body;      /* NULL: it has none, or it is elsewhere */
  gsize sent;        /* of both */
  gboolean withheld; /* the body, until the server says that it wants it */

  CpdUpload *upload; /* instead of a body; NULL: none */
  char *taken;       /* from there */
  gsize begin, end;  /* of what is left there to be sent */
};

/* Returns: (transfer full) */
CpdHttpSender *
cpd_http_sender_new (const CpdHttpSenderSettings *settings)
{
  CpdHttpSender *sender = g_new0 (CpdHttpSender, 1);
  GBytes *body = certpin_request_get_body (settings->request);
  gsize length;
  const char *data = g_bytes_get_data (body, &length);
  guint64 all = settings->upload != NULL ? cpd_upload_get_length (settings->upload) : length;

  sender->withheld = all > EXPECT_MIN_BYTES && !settings->plain;
  sender->head
      = cpd_http_request_write_head (settings->request, settings->host, all, sender->withheld);
  if (length <= TOGETHER_MAX_BYTES)
    g_string_append_len (sender->head, data, (gssize)length);
  else
    sender->body = g_bytes_ref (body);
  if (settings->upload != NULL)
    {
      sender->upload = cpd_upload_ref (settings->upload);
      sender->taken = g_malloc (UPLOAD_BYTES);
    }
  return sender;
}

void
cpd_http_sender_free (CpdHttpSender *sender)
{
  g_string_free (sender->head, TRUE);
  g_clear_pointer (&sender->body, g_bytes_unref);
  cpd_upload_unref (sender->upload);
  g_free (sender->taken);
  g_free (sender);
}

/* Whether more of the body is to be taken from its descriptor. */
static gboolean
wants_to_take (const CpdHttpSender *sender)
{
  return sender->upload != NULL && !sender->withheld && sender->sent >= sender->head->len
         && sender->begin == sender->end && cpd_upload_count_left (sender->upload) > 0;
}

/* Takes what is there from the caller's descriptor, once all before it was sent.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT: it ended early. */
gboolean
cpd_http_sender_take (CpdHttpSender *sender, GError **error)
{
  gssize taken;

  if (!wants_to_take (sender))
    return TRUE;
  taken = cpd_upload_take (sender->upload, sender->taken, UPLOAD_BYTES, error);
  sender->begin = 0;
  sender->end = (gsize)MAX (taken, 0);
  return taken >= 0;
}

/* Returns: the next bytes that may be sent. `length`: (out): 0: there are none now */
const char *
cpd_http_sender_peek (const CpdHttpSender *sender, gsize *length)
{
  gsize head = sender->head->len, all;
  const char *body;

  if (sender->sent < head)
    {
      *length = head - sender->sent;
      return sender->head->str + sender->sent;
    }
  *length = sender->end - sender->begin;
  if (*length > 0)
    return sender->taken + sender->begin;
  if (sender->body == NULL || sender->withheld)
    return NULL;
  body = g_bytes_get_data (sender->body, &all);
  *length = all - (sender->sent - head);
  return body + (sender->sent - head);
}

/* So many of the next bytes were sent. Returns: whether they are from the caller's descriptor */
gboolean
cpd_http_sender_skip (CpdHttpSender *sender, gsize count)
{
  gboolean uploaded = sender->begin < sender->end;

  if (uploaded)
    sender->begin += count;
  else
    sender->sent += count;
  return uploaded;
}

/* Whether the body waits for the server to say that it wants it. */
gboolean
cpd_http_sender_withholds (const CpdHttpSender *sender)
{
  return sender->withheld;
}

void
cpd_http_sender_release (CpdHttpSender *sender)
{
  sender->withheld = FALSE;
}

/* Returns: (transfer none): what is waited for, to send on; -1: nothing */
int
cpd_http_sender_get_fd (const CpdHttpSender *sender)
{
  return wants_to_take (sender) ? cpd_upload_get_fd (sender->upload) : -1;
}

/* Whether the body is read from a descriptor. */
gboolean
cpd_http_sender_uploads (const CpdHttpSender *sender)
{
  return sender->upload != NULL;
}

gboolean
cpd_http_sender_is_complete (const CpdHttpSender *sender)
{
  gsize body = sender->body != NULL ? g_bytes_get_size (sender->body) : 0;

  return sender->sent == sender->head->len + body && sender->begin == sender->end
         && (sender->upload == NULL || cpd_upload_count_left (sender->upload) == 0);
}
