/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which hosts an import for all users would shut out, though their servers work now. As with a
 * single pin, a server that cannot be looked at is no reason not to import. */

#include "config.h"

#include "certpinctl-import-outages.h"

#include "certpinctl-ask.h"
#include "certpinctl-look.h"

#include <glib/gi18n.h>

#include <string.h>

/* So many are told in full. */
#define TOLD_MAX 10

#define OWN_ANCHORS "it has trust anchors of its own, which only the service has"

/* What is supposed of one change; look is NULL if it shuts nobody out, or says so itself. */
typedef struct
{
  GVariant *pin;
  char **keys;
  CtlLook *look;
} Supposed;

static void
supposed_free (Supposed *supposed)
{
  g_clear_pointer (&supposed->look, ctl_look_free);
  g_clear_pointer (&supposed->keys, g_strfreev);
  g_clear_pointer (&supposed->pin, g_variant_unref);
  g_free (supposed);
}

static const char *
find_text (GVariant *values, const char *key)
{
  const char *text = "";

  g_variant_lookup (values, key, "&s", &text);
  return text;
}

/* A block is in the file because it is to shut out its host. */
static Supposed *
supposed_new (GVariant *change)
{
  Supposed *supposed = g_new0 (Supposed, 1);
  gboolean expired;

  supposed->pin = g_variant_lookup_value (change, "pin", G_VARIANT_TYPE_VARDICT);
  if (strcmp (find_text (change, "change"), "same") == 0
      || strcmp (find_text (supposed->pin, "state"), "blocked") == 0)
    return supposed;
  expired = strcmp (find_text (supposed->pin, "state"), "expired") == 0;
  g_variant_lookup (supposed->pin, "keys", "^as", &supposed->keys);
  supposed->look = ctl_look_new (&(CtlOutage){ .host = find_text (supposed->pin, "host"),
                                               .keys = supposed->keys,
                                               .options = supposed->pin,
                                               .refusal = expired ? _ ("it has expired") : NULL });
  if (!expired && g_variant_lookup (supposed->pin, "trust-anchors", "u", NULL))
    supposed->look->unseen = g_strdup (OWN_ANCHORS);
  return supposed;
}

/* Says which hosts nobody has looked at. */
static void
tell_unseen (Ctl *ctl, GPtrArray *all)
{
  unsigned int count = 0;

  for (unsigned int i = 0; i < all->len; i++)
    {
      const CtlLook *look = ((Supposed *)all->pdata[i])->look;
      g_autofree char *text = NULL;

      if (look == NULL || look->unseen == NULL || ++count > TOLD_MAX)
        continue;
      text = g_strdup_printf (
          _ ("cannot see whether the pin would shut out ‘%s’, so that is not checked: %s"),
          look->host, look->unseen);
      ctl_print_message (&ctl->err, C_ ("message", "note"), text);
    }
  if (count > TOLD_MAX)
    {
      g_autofree char *text = g_strdup_printf (_ ("hosts that are not checked either: %u; if time "
                                                  "ran out, --look=SECONDS gives them more"),
                                               count - TOLD_MAX);
      ctl_print_message (&ctl->err, C_ ("message", "note"), text);
    }
}

/* Returns: (transfer full): the change, which says what would happen */
static GVariant *
with_outage (GVariant *change, const CtlLook *look)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (change);

  if (look == NULL || look->text == NULL)
    return g_variant_ref (change);
  g_variant_dict_insert (&dict, CTL_IMPORT_OUTAGE, "s", look->text);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* `seconds`: that it may take.
 * Errors: G_IO_ERROR_CANCELLED.
 * Returns: (transfer full) (nullable): the changes; those that shut out a host say so */
GPtrArray *
ctl_import_look (Ctl *ctl, GPtrArray *changes, unsigned int seconds, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify)supposed_free);
  g_autoptr (GPtrArray) looks = g_ptr_array_new ();
  GPtrArray *told;

  for (unsigned int i = 0; i < changes->len; i++)
    {
      Supposed *supposed = supposed_new (changes->pdata[i]);

      g_ptr_array_add (all, supposed);
      if (supposed->look != NULL && supposed->look->unseen == NULL)
        g_ptr_array_add (looks, supposed->look);
    }
  if (!ctl_looks_take (ctl, looks, seconds, error))
    return NULL;
  if (!ctl->json)
    tell_unseen (ctl, all);
  told = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  for (unsigned int i = 0; i < changes->len; i++)
    g_ptr_array_add (told, with_outage (changes->pdata[i], ((Supposed *)all->pdata[i])->look));
  return told;
}

/* Warns of the first ones. Returns: (transfer full) (nullable): the first; NULL: there is none */
static char *
find_outages (Ctl *ctl, GPtrArray *changes, gboolean warn, unsigned int *count)
{
  char *first = NULL;

  *count = 0;
  for (unsigned int i = 0; i < changes->len; i++)
    {
      const char *text = find_text (changes->pdata[i], CTL_IMPORT_OUTAGE);

      if (*text == '\0')
        continue;
      if (first == NULL)
        first = g_strdup (text);
      if (++*count <= TOLD_MAX && warn)
        ctl_print_message (&ctl->err, C_ ("message", "warning"), text);
    }
  return first;
}

static char *
describe_more (unsigned int count)
{
  return count == 0 ? g_strdup ("")
                    : g_strdup_printf (_ ("; and so would %u more, which --dry-run shows"), count);
}

/* Asks if hosts would be shut out. `changes`: of ctl_import_look().
 * Errors: CERTPIN_ERROR_FAILED.
 * Returns: whether to go on */
gboolean
ctl_import_confirm (Ctl *ctl, GPtrArray *changes, GError **error)
{
  gboolean can_ask = ctl_can_ask (ctl);
  unsigned int count;
  g_autofree char *first = find_outages (ctl, changes, /* warn= */ can_ask, &count);
  g_autofree char *more = NULL, *question = NULL;

  if (count == 0)
    return TRUE;
  if (can_ask)
    {
      question = g_strdup_printf (ngettext ("This shuts out %u host. Import nonetheless?",
                                            "This shuts out %u hosts. Import nonetheless?", count),
                                  count);
      return ctl_ask (ctl, question, error);
    }
  more = describe_more (count - 1);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
               _ ("%s%s; nothing was changed; to import nonetheless, add --yes"), first, more);
  return FALSE;
}
