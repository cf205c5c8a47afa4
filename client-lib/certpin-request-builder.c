/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request that is not complete yet. Which values it may have, only certpin_request_new() says. */

#include "config.h"

#include "certpin-request-builder.h"

#include <string.h>

typedef struct
{
  char *name;
  char *value;
} Header;

struct _CertpinRequestBuilder
{
  char *url;
  char *method;
  GPtrArray *headers; /* of Header */
  GBytes *body;       /* (nullable) */
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
  g_clear_pointer (&builder->body, g_bytes_unref);
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

  builder_add (builder, name, value);
}

/**
 * certpin_request_builder_set_body:
 * @builder: a builder
 * @content_type: (nullable): the value of the header `Content-Type`, or %NULL to leave it as it is
 * @body: (nullable): the body, or %NULL for none
 *
 * Sets the body.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body (CertpinRequestBuilder *builder, const char *content_type,
                                  GBytes *body)
{
  g_return_if_fail (builder != NULL);

  if (body != NULL)
    g_bytes_ref (body);
  g_clear_pointer (&builder->body, g_bytes_unref);
  builder->body = body;
  if (content_type != NULL)
    certpin_request_builder_set_header (builder, "Content-Type", content_type);
}

/**
 * certpin_request_builder_set_body_text:
 * @builder: a builder
 * @text: the body, in UTF-8
 *
 * Sets a body of plain text, and the header `Content-Type` that says so.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body_text (CertpinRequestBuilder *builder, const char *text)
{
  g_autoptr (GBytes) body = NULL;

  g_return_if_fail (builder != NULL);
  g_return_if_fail (text != NULL && g_utf8_validate (text, -1, NULL));

  body = g_bytes_new (text, strlen (text));
  certpin_request_builder_set_body (builder, "text/plain; charset=utf-8", body);
}

/**
 * certpin_request_builder_set_body_json:
 * @builder: a builder
 * @json: the body: JSON text in UTF-8, as the program's own library writes it; it is not parsed
 *
 * Sets a body of JSON, and the header `Content-Type` that says so.
 *
 * Since: 0.1
 */
void
certpin_request_builder_set_body_json (CertpinRequestBuilder *builder, const char *json)
{
  g_autoptr (GBytes) body = NULL;

  g_return_if_fail (builder != NULL);
  g_return_if_fail (json != NULL && g_utf8_validate (json, -1, NULL));

  body = g_bytes_new (json, strlen (json));
  certpin_request_builder_set_body (builder, "application/json", body);
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
  return certpin_request_new (builder->method, builder->url, g_variant_builder_end (&headers),
                              builder->body, error);
}
