/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request that is not complete yet. Which values it may have, only certpin_request_new() says. */

#include "config.h"

#include "certpin-request-builder.h"

#include "certpin-content.h"
#include "certpin-request-private.h"

#include <string.h>

#define CONTENT_TYPE "Content-Type"

typedef struct
{
  char *name;
  char *value;
} Header;

struct _CertpinRequestBuilder
{
  char *url;
  char *method;
  GPtrArray *headers;      /* of Header */
  char *type;              /* (nullable): of the body, unless a header says it */
  GBytes *body;            /* (nullable) */
  CertpinContent *content; /* (nullable): the body, instead of `body` */
};

G_DEFINE_BOXED_TYPE (CertpinRequestBuilder, certpin_request_builder, certpin_request_builder_ref,
                     certpin_request_builder_unref)

static void
header_free (gpointer data)
{
  Header *header = data;

  g_free (header->name);
  g_free (header->value);
  g_free (header);
}

static void
builder_add (CertpinRequestBuilder *builder, const char *name, const char *value)
{
  Header *header = g_new0 (Header, 1);

  header->name = g_strdup (name);
  header->value = g_strdup (value);
  g_ptr_array_add (builder->headers, header);
}

static void
builder_remove (CertpinRequestBuilder *builder, const char *name)
{
  for (unsigned int i = builder->headers->len; i > 0; i--)
    {
      const Header *header = builder->headers->pdata[i - 1];

      if (g_ascii_strcasecmp (header->name, name) == 0)
        g_ptr_array_remove_index (builder->headers, i - 1);
    }
}

static gboolean
builder_has (const CertpinRequestBuilder *builder, const char *name)
{
  for (unsigned int i = 0; i < builder->headers->len; i++)
    if (g_ascii_strcasecmp (((const Header *)builder->headers->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

/* What the program itself says of the type counts, not what its body is by default. */
static void
builder_forget_type (CertpinRequestBuilder *builder, const char *name)
{
  if (g_ascii_strcasecmp (name, CONTENT_TYPE) == 0)
    g_clear_pointer (&builder->type, g_free);
}

/* `type`: (nullable): NULL: as before. `body`, `content`: (transfer full) (nullable): one of them,
 * or none */
static void
builder_take (CertpinRequestBuilder *builder, const char *type, GBytes *body,
              CertpinContent *content)
{
  g_clear_pointer (&builder->body, g_bytes_unref);
  g_clear_object (&builder->content);
  builder->body = body;
  builder->content = content;
  if (type != NULL)
    {
      g_autofree char *before = builder->type;

      builder->type = g_strdup (type);
    }
}

/* A type that comes with the body replaces the header. */
static void
builder_drop_header (CertpinRequestBuilder *builder, const char *content_type)
{
  if (content_type != NULL)
    builder_remove (builder, CONTENT_TYPE);
}

/**
 * certpin_request_builder_new:
 * @url: an https URL without a user name
 *
 * Begins a request: a GET without headers and without a body.
 *
 * Returns: (transfer full): a builder
 *
 * Since: 0.1
 */
CertpinRequestBuilder *
certpin_request_builder_new (const char *url)
{
  CertpinRequestBuilder *builder;

  g_return_val_if_fail (url != NULL, NULL);

  builder = g_atomic_rc_box_new0 (CertpinRequestBuilder);
  builder->url = g_strdup (url);
  builder->method = g_strdup ("GET");
  builder->headers = g_ptr_array_new_with_free_func (header_free);
  return builder;
}

/**
 * certpin_request_builder_ref:
 * @builder: a builder
 *
 * Adds a reference to a builder.
 *
 * Returns: (transfer full): @builder
 *
 * Since: 0.1
 */
CertpinRequestBuilder *
certpin_request_builder_ref (CertpinRequestBuilder *builder)
{
  g_return_val_if_fail (builder != NULL, NULL);

  return g_atomic_rc_box_acquire (builder);
}

static void
builder_clear (gpointer data)
{
  CertpinRequestBuilder *builder = data;

  g_free (builder->url);
  g_free (builder->method);
  g_ptr_array_unref (builder->headers);
  g_free (builder->type);
  g_clear_pointer (&builder->body, g_bytes_unref);
  g_clear_object (&builder->content);
}

/**
 * certpin_request_builder_unref:
 * @builder: (nullable) (transfer full): a builder
 *
 * Drops a reference to a builder. The builder is freed with its last reference.
 *
 * Since: 0.1
 */
void
certpin_request_builder_unref (CertpinRequestBuilder *builder)
{
  if (builder != NULL)
    g_atomic_rc_box_release_full (builder, builder_clear);
}

/**
 * certpin_request_builder_set_method:
 * @builder: a builder
 * @method: an HTTP method
 *
 * Sets the method.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_method (CertpinRequestBuilder *builder, const char *method)
{
  g_autofree char *before = NULL;

  g_return_if_fail (builder != NULL);
  g_return_if_fail (method != NULL);

  before = builder->method; /* which may be `method` itself */
  builder->method = g_strdup (method);
}

/**
 * certpin_request_builder_set_header:
 * @builder: a builder
 * @name: the name of a header, in upper or lower case
 * @value: (nullable): its value, or %NULL to remove it
 *
 * Sets a header, in the place of all that have this name.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_header (CertpinRequestBuilder *builder, const char *name,
                                    const char *value)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (name != NULL);

  builder_forget_type (builder, name);
  builder_remove (builder, name);
  if (value != NULL)
    builder_add (builder, name, value);
}

/**
 * certpin_request_builder_add_header:
 * @builder: a builder
 * @name: the name of a header
 * @value: its value
 *
 * Adds a header, beside those that have this name already.
 *
 * Since: 0.1
 */
void
certpin_request_builder_add_header (CertpinRequestBuilder *builder, const char *name,
                                    const char *value)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (name != NULL);
  g_return_if_fail (value != NULL);

  builder_forget_type (builder, name);
  builder_add (builder, name, value);
}

/**
 * certpin_request_builder_set_body:
 * @builder: a builder
 * @content_type: (nullable): the value of the header `Content-Type`, or %NULL to leave it as it is
 * @body: (nullable): the body, or %NULL for none
 *
 * Sets the body, in the place of any other.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body (CertpinRequestBuilder *builder, const char *content_type,
                                  GBytes *body)
{
  g_return_if_fail (builder != NULL);

  builder_drop_header (builder, content_type);
  builder_take (builder, content_type, body != NULL ? g_bytes_ref (body) : NULL, NULL);
}

/**
 * certpin_request_builder_set_body_text:
 * @builder: a builder
 * @text: the body, in UTF-8
 *
 * Sets a body of plain text. The header `Content-Type` says so, unless the program sets it with
 * certpin_request_builder_set_header(), before or after.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body_text (CertpinRequestBuilder *builder, const char *text)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (text != NULL && g_utf8_validate (text, -1, NULL));

  builder_take (builder, "text/plain; charset=utf-8", g_bytes_new (text, strlen (text)), NULL);
}

/**
 * certpin_request_builder_set_body_json:
 * @builder: a builder
 * @json: the body: JSON text in UTF-8, as the program's own library writes it; it is not parsed
 *
 * Sets a body of JSON. The header `Content-Type` says so, unless the program sets it with
 * certpin_request_builder_set_header(), before or after.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body_json (CertpinRequestBuilder *builder, const char *json)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (json != NULL && g_utf8_validate (json, -1, NULL));

  builder_take (builder, "application/json", g_bytes_new (json, strlen (json)), NULL);
}

/**
 * certpin_request_builder_set_body_file:
 * @builder: a builder
 * @content_type: (nullable): the value of the header `Content-Type`, or %NULL to leave it as it is
 * @file: a regular file
 *
 * Sets a body that is in a file. The file is opened each time that the request is sent, and all of
 * it is the body. It is read in a thread of its own, as by certpin_client_upload(), which says what
 * this means for the timeout.
 *
 * If the file cannot be opened or read, sending the request fails with the error of the file;
 * with `G_IO_ERROR_NOT_REGULAR_FILE` if it is a folder, a FIFO or a device.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body_file (CertpinRequestBuilder *builder, const char *content_type,
                                       GFile *file)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (G_IS_FILE (file));

  builder_drop_header (builder, content_type);
  builder_take (builder, content_type, NULL, certpin_content_new_for_file (file));
}

/**
 * certpin_request_builder_set_body_stream:
 * @builder: a builder
 * @content_type: (nullable): the value of the header `Content-Type`, or %NULL to leave it as it is
 * @stream: the body, which is kept, and which the library reads in a thread of its own
 * @length: how many bytes of @stream are the body; -1 for what is left of it
 *
 * Sets a body that comes by a stream, as by certpin_client_upload(), which says what this means for
 * the timeout, and for a @length of -1.
 *
 * A stream can be read once. So the requests that are built with it can be sent once, all together:
 * after that, they fail with `CERTPIN_ERROR_INVALID_ARGUMENT`.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body_stream (CertpinRequestBuilder *builder, const char *content_type,
                                         GInputStream *stream, gint64 length)
{
  g_return_if_fail (builder != NULL);
  g_return_if_fail (G_IS_INPUT_STREAM (stream));
  g_return_if_fail (length >= -1);

  builder_drop_header (builder, content_type);
  builder_take (builder, content_type, NULL, certpin_content_new_for_stream (stream, length));
}

/* Text that is no UTF-8 cannot be in a GVariant. The placeholder is refused like the bytes. */
static GVariant *
new_text (const char *text)
{
  return g_variant_new_take_string (g_utf8_make_valid (text, -1));
}

/**
 * certpin_request_builder_build:
 * @builder: a builder, which can be used further
 *
 * Makes the request.
 *
 * Errors:
 *
 * - `CERTPIN_ERROR_NOT_SECURE`: the scheme of the URL is not https
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: the method, the URL or a header is not valid, as
 *   certpin_request_new() says
 *
 * Returns: (transfer full): the request, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinRequest *
certpin_request_builder_build (CertpinRequestBuilder *builder, GError **error)
{
  GVariantBuilder headers;

  g_return_val_if_fail (builder != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_variant_builder_init (&headers, G_VARIANT_TYPE ("a(ss)"));
  for (unsigned int i = 0; i < builder->headers->len; i++)
    {
      const Header *header = builder->headers->pdata[i];

      g_variant_builder_add (&headers, "(@s@s)", new_text (header->name), new_text (header->value));
    }
  if (builder->type != NULL && !builder_has (builder, CONTENT_TYPE))
    g_variant_builder_add (&headers, "(s@s)", CONTENT_TYPE, new_text (builder->type));
  if (builder->content != NULL)
    return certpin_request_new_for_content (builder->method, builder->url,
                                            g_variant_builder_end (&headers),
                                            G_OBJECT (builder->content), error);
  return certpin_request_new (builder->method, builder->url, g_variant_builder_end (&headers),
                              builder->body, error);
}
