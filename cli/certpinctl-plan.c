/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pin that is not made yet: read from the command line and from files, looked at, and carried
 * out. A failure changes nothing, except with --block-on-failure. */

#include "config.h"

#include "certpinctl-plan.h"

#include "certpinctl-certificate.h"
#include "certpinctl-input.h"
#include "certpinctl-outcome.h"
#include "certpinctl-reply.h"
#include "certpinctl-scope.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

void
ctl_plan_free (CtlPlan *plan)
{
  g_clear_pointer (&plan->certificate, g_bytes_unref);
  g_strfreev (plan->keys);
  g_clear_pointer (&plan->backups, g_ptr_array_unref);
  g_clear_pointer (&plan->options, g_variant_unref);
  g_clear_pointer (&plan->description, g_variant_unref);
  g_free (plan);
}

/* A file that cannot be read. The host must not stay as it is if that was asked for. */
static void
block_unread (Ctl *ctl, const CtlPlan *plan, const GError *reason, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  gboolean blocked;

  ctl_outcome_begin (ctl, plan->system);
  certpin_client_block_host_async (ctl->client, plan->host, "its certificate could not be read",
                                   ctl_scope_options (ctl, plan->system), ctl->cancellable,
                                   ctl_on_result, ctl);
  result = ctl_wait (ctl);
  blocked = certpin_client_block_host_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, plan->host, error);
  if (blocked)
    g_set_error (error, reason->domain, reason->code,
                 g_str_has_suffix (reason->message, "?")
                     ? _ ("%s The host ‘%s’ is blocked until it is pinned or unpinned")
                     : _ ("%s; the host ‘%s’ is blocked until it is pinned or unpinned"),
                 reason->message, plan->host);
}

/* To the service, a malformed trust anchor is a wrong option, which never blocks; so it is looked
 * at here. */
static GBytes *
read_anchor (Ctl *ctl, const char *path, GError **error)
{
  g_autoptr (GBytes) der = ctl_certificate_read (ctl, path, error);
  g_autoptr (GVariant) described
      = der != NULL ? ctl_certificate_describe (ctl, der, path, /* host= */ NULL, error) : NULL;

  return described != NULL ? g_steal_pointer (&der) : NULL;
}

/* `read`: reads one file.
 * Returns: (transfer full) (nullable): of GBytes: the certificates of the files */
static GPtrArray *
read_files (Ctl *ctl, const CtlPlan *plan, char **files,
            GBytes *(*read) (Ctl *, const char *, GError **), GError **error)
{
  g_autoptr (GPtrArray) ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (size_t i = 0; files != NULL && files[i] != NULL; i++)
    {
      g_autoptr (GError) reason = NULL;
      GBytes *der = read (ctl, files[i], &reason);

      if (der == NULL && plan->blocks)
        block_unread (ctl, plan, reason, error);
      else if (der == NULL)
        g_propagate_error (error, g_steal_pointer (&reason));
      if (der == NULL)
        return NULL;
      g_ptr_array_add (ders, der);
    }
  return g_steal_pointer (&ders);
}

/* Adds an `aay`, if there are any. */
static void
add_certificates (GVariantDict *dict, const char *name, GPtrArray *ders)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aay"));

  for (unsigned int i = 0; i < ders->len; i++)
    g_variant_builder_add_value (
        &builder, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, ders->pdata[i], TRUE));
  if (ders->len > 0)
    g_variant_dict_insert_value (dict, name, g_variant_builder_end (&builder));
}

static void
add_text (GVariantDict *dict, const char *name, const char *text)
{
  if (text != NULL)
    g_variant_dict_insert (dict, name, "s", text);
}

/* Returns: (transfer full): `a{sv}`, without what is read from files */
static GVariant *
make_options (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  gint64 expires;

  ctl_scope_add (ctl, given->system, &dict);
  add_text (&dict, "match", given->match);
  add_text (&dict, "mode", given->mode);
  add_text (&dict, "note", given->note);
  if (given->expires != NULL)
    {
      if (!ctl_time_parse (given->expires, &expires, error))
        return NULL;
      g_variant_dict_insert (&dict, "expires", "x", expires);
    }
  if (given->keys == NULL && !given->block_on_failure)
    add_text (&dict, "on-failure", "keep");
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Adds the certificates of the other files. */
static gboolean
read_more (Ctl *ctl, CtlPlan *plan, const CtlPinOptions *given, GError **error)
{
  g_autoptr (GVariant) before = g_variant_ref (plan->options);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (before);
  g_autoptr (GPtrArray) anchors = NULL;

  plan->backups = read_files (ctl, plan, given->backups, ctl_certificate_read, error);
  if (plan->backups != NULL)
    anchors = read_files (ctl, plan, given->anchors, read_anchor, error);
  if (anchors == NULL)
    return FALSE;
  add_certificates (&dict, "trust-anchors", anchors);
  add_certificates (&dict, "backup-certificates", plan->backups);
  g_variant_unref (plan->options);
  plan->options = g_variant_ref_sink (g_variant_dict_end (&dict));
  return TRUE;
}

/* Whatever cannot be converted goes to the service as it is if the host is to be blocked: that says
 * why.
 * Returns: (transfer full) (nullable) */
static GBytes *
read_certificate (Ctl *ctl, const CtlPlan *plan, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GBytes) file = ctl_input_read (plan->path, CTL_CERTIFICATE_FILE_MAX_BYTES, &reason);
  GBytes *der = file != NULL ? ctl_certificate_convert (ctl, file, plan->path, &reason) : NULL;

  if (der != NULL)
    return der;
  if (plan->blocks && file != NULL)
    return g_steal_pointer (&file);
  if (plan->blocks)
    block_unread (ctl, plan, reason, error);
  else
    /* A question says by itself that nothing was done. */
    g_set_error (error, reason->domain, reason->code, "%s%s", reason->message,
                 g_str_has_suffix (reason->message, "?") ? "" : _ ("; nothing was changed"));
  return NULL;
}

/* Returns: (transfer full): what the command line asks for; nothing is changed yet, except with
 * --block-on-failure */
CtlPlan *
ctl_plan_new (Ctl *ctl, const CtlPinOptions *given, GError **error)
{
  g_autoptr (CtlPlan) plan = g_new0 (CtlPlan, 1);

  plan->host = ctl->arguments[0];
  plan->path = ctl->arguments[1];
  plan->system = given->system;
  plan->keys = g_strdupv (given->keys);
  plan->backup_paths = given->backups;
  plan->blocks = given->block_on_failure && !given->dry_run;
  plan->options = make_options (ctl, given, error);
  if (plan->options == NULL || !read_more (ctl, plan, given, error))
    return NULL;
  if (plan->path != NULL)
    plan->certificate = read_certificate (ctl, plan, error);
  if (plan->path != NULL && plan->certificate == NULL)
    return NULL;
  return g_steal_pointer (&plan);
}

/* Adds the key in the usual spelling. */
static gboolean
add_key (GStrvBuilder *keys, const char *text, GError **error)
{
  g_autoptr (CertpinKey) key = certpin_key_new_from_text (text, error);
  g_autofree char *usual = key != NULL ? certpin_key_to_text (key) : NULL;

  if (usual != NULL)
    g_strv_builder_add (keys, usual);
  return usual != NULL;
}

/* Returns: (transfer full) (nullable): its description */
static GVariant *
describe (Ctl *ctl, const CtlPlan *plan, GBytes *certificate, const char *path, GError **error)
{
  return ctl_certificate_describe (ctl, certificate, path, plan->host, error);
}

/* Adds the key of a described certificate. */
static void
add_key_of (GStrvBuilder *keys, GVariant *described)
{
  const char *key = "";

  g_variant_lookup (described, "key", "&s", &key);
  g_strv_builder_add (keys, key);
}

/* Reads the certificates as the service will. Sets the description.
 * Errors: CERTPIN_ERROR_INVALID_KEY, CERTPIN_ERROR_WRONG_FORMAT, CERTPIN_ERROR_FAILED.
 * Returns: (transfer full) (nullable): the keys that the pin will have */
char **
ctl_plan_read_keys (Ctl *ctl, CtlPlan *plan, GError **error)
{
  g_autoptr (GStrvBuilder) keys = g_strv_builder_new ();

  for (size_t i = 0; plan->keys != NULL && plan->keys[i] != NULL; i++)
    if (!add_key (keys, plan->keys[i], error))
      return NULL;
  g_clear_pointer (&plan->description, g_variant_unref);
  if (plan->certificate != NULL)
    {
      plan->description = describe (ctl, plan, plan->certificate, plan->path, error);
      if (plan->description == NULL)
        return NULL;
      add_key_of (keys, plan->description);
    }
  for (unsigned int i = 0; i < plan->backups->len; i++)
    {
      g_autoptr (GVariant) backup
          = describe (ctl, plan, plan->backups->pdata[i], plan->backup_paths[i], error);

      if (backup == NULL)
        return NULL;
      add_key_of (keys, backup);
    }
  return g_strv_builder_end (keys);
}

/* `cancellable`: (nullable): who cancels it does not learn what came of it.
 * Returns: (transfer full) (nullable): the pin that is in force now */
GVariant *
ctl_plan_carry_out (Ctl *ctl, CtlPlan *plan, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  CertpinPin *reply;

  ctl_outcome_begin (ctl, plan->system);
  if (plan->keys != NULL)
    certpin_client_pin_keys_async (ctl->client, plan->host, (const char *const *)plan->keys,
                                   plan->options, cancellable, ctl_on_result, ctl);
  else
    certpin_client_pin_certificate_async (ctl->client, plan->host, plan->certificate, plan->options,
                                          cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  reply = plan->keys != NULL ? certpin_client_pin_keys_finish (ctl->client, result, error)
                             : certpin_client_pin_certificate_finish (ctl->client, result, error);
  ctl_outcome_end (ctl, plan->host, error);
  if (reply == NULL && plan->path != NULL
      && g_error_matches (*error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT))
    ctl_input_prefix_error (plan->path, error);
  return ctl_reply_take_record (reply, CTL_REPLY_PIN, error);
}
