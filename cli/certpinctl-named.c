/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The certificates that a word on the command line means: those of a file, or those that a host
 * presents now. */

#include "config.h"

#include "certpinctl-named.h"

#include "certpinctl-certificate.h"
#include "certpinctl-chain.h"
#include "certpinctl-input.h"
#include "certpinctl-trouble.h"

#include <glib/gi18n.h>

#include <string.h>

/* Of a URL, the service says that it is one. */
static gboolean
is_file (const char *name)
{
  return strcmp (name, "-") == 0 || (strchr (name, '/') != NULL && strstr (name, "://") == NULL)
         || g_file_test (name, G_FILE_TEST_EXISTS);
}

/* Says what nobody has checked. */
static void
warn (Ctl *ctl, const char *host, GVariant *info)
{
  const char *detail = NULL, *fault = NULL;
  g_autofree char *text = NULL;

  g_variant_lookup (info, "detail", "&s", &detail);
  g_variant_lookup (info, "handshake-error", "&s", &fault);
  text = g_strdup_printf (_ ("‘%s’ presents this now%s%s; compare it with what the operator of the "
                             "server says"),
                          host, detail != NULL || fault != NULL ? _ (", but ") : "",
                          fault != NULL ? fault : (detail != NULL ? detail : ""));
  if (!ctl->json)
    ctl_print_message (&ctl->err, C_ ("message", "note"), text);
}

static GVariant *
fetch (Ctl *ctl, const char *host, GError **error)
{
  g_autoptr (GVariant) info
      = ctl_chain_fetch (ctl, host, /* supposed= */ NULL, /* chain= */ NULL, error);
  g_autofree char *question = info == NULL ? ctl_trouble_ask (host) : NULL;

  if (info == NULL && question != NULL)
    {
      g_clear_error (error);
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND,
                   _ ("there is no file ‘%s’; %s"), host, question);
      return NULL;
    }
  if (info == NULL)
    {
      g_prefix_error (error, _ ("there is no file ‘%s’, and as a host: "), host);
      return NULL;
    }
  warn (ctl, host, info);
  return g_variant_lookup_value (info, "certificates", G_VARIANT_TYPE ("aa{sv}"));
}

static GBytes *
read_file (const char *name, GError **error)
{
  return ctl_input_read (name, CTL_CERTIFICATE_FILE_MAX_BYTES, error);
}

/* `i`: its place. */
static gboolean
check (GVariant *certificate, gsize i, const char *name, GError **error)
{
  const char *fault;

  if (!g_variant_lookup (certificate, "fault", "&s", &fault))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT,
               _ ("certificate %u of ‘%s’ has no key to show: %s"), (unsigned int)i + 1, name,
               fault);
  return FALSE;
}

/* Returns: (transfer full) (nullable): `aa{sv}`: all, the server's own first */
GVariant *
ctl_named_certificates (Ctl *ctl, const char *name, GError **error)
{
  g_autoptr (GBytes) file = NULL;
  g_autoptr (GVariant) all = NULL;

  if (!is_file (name))
    all = fetch (ctl, name, error);
  else if ((file = read_file (name, error)) != NULL)
    all = ctl_certificate_describe_all (ctl, file, name, error);
  for (gsize i = 0; all != NULL && i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (all, i);

      if (!check (one, i, name, error))
        return NULL;
    }
  return g_steal_pointer (&all);
}

/* Returns: (transfer full) (nullable): `a{sv}`: the only one of a file, the server's own of a
 * host */
GVariant *
ctl_named_certificate (Ctl *ctl, const char *name, GError **error)
{
  g_autoptr (GBytes) file = NULL;
  g_autoptr (GVariant) all = NULL, own = NULL;

  if (is_file (name))
    {
      file = read_file (name, error);
      return file != NULL ? ctl_certificate_describe (ctl, file, name, /* host= */ NULL, error)
                          : NULL;
    }
  all = fetch (ctl, name, error);
  if (all == NULL)
    return NULL;
  own = g_variant_get_child_value (all, 0);
  return check (own, 0, name, error) ? g_steal_pointer (&own) : NULL;
}
