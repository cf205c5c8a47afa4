/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which proxy a request takes. The administrator's list is all that may be used: the first element
 * is what is used by default, the others are for requests that ask for them. None is tried instead
 * of another: a request must not find its own way where the one that it was given is closed. */

#include "config.h"

#include "daemon/core/base/cpd-proxies.h"

#include "daemon/core/base/cpd-no-proxy.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"

#include <string.h>

#define SHOWN_MAX_BYTES 80

struct _CpdProxies
{
  GPtrArray *list;       /* of CpdProxy; NULL: no proxy */
  GPtrArray *exceptions; /* of CpdNoProxy */
};

CpdProxies *
cpd_proxies_new (void)
{
  CpdProxies *proxies = g_rc_box_new0 (CpdProxies);

  proxies->list = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_proxy_unref);
  proxies->exceptions = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_no_proxy_free);
  return proxies;
}

CpdProxies *
cpd_proxies_ref (CpdProxies *proxies)
{
  return g_rc_box_acquire (proxies);
}

static void
proxies_clear (gpointer data)
{
  CpdProxies *proxies = data;

  g_ptr_array_unref (proxies->list);
  g_ptr_array_unref (proxies->exceptions);
}

/* `proxies`: (nullable) */
void
cpd_proxies_unref (CpdProxies *proxies)
{
  if (proxies != NULL)
    g_rc_box_release_full (proxies, proxies_clear);
}

/* `text`: of cpd_proxy_get_text (). Returns: whether the list has it */
static gboolean
has (const CpdProxies *proxies, const char *text)
{
  for (unsigned int i = 0; i < proxies->list->len; i++)
    if (g_str_equal (cpd_proxy_get_text (proxies->list->pdata[i]), text))
      return TRUE;
  return FALSE;
}

/* `text`: a URL, or the word for none.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT. */
gboolean
cpd_proxies_add (CpdProxies *proxies, const char *text, GError **error)
{
  g_autoptr (CpdProxy) proxy = NULL;

  if (!g_str_equal (text, CPD_PROXY_DIRECT) && (proxy = cpd_proxy_new (text, error)) == NULL)
    return FALSE;
  if (has (proxies, cpd_proxy_get_text (proxy)))
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT, "‘%s’ is in the list twice",
                       cpd_proxy_get_text (proxy));
  g_ptr_array_add (proxies->list, g_steal_pointer (&proxy));
  return TRUE;
}

/* Errors: CERTPIN_ERROR_INVALID_ARGUMENT. */
gboolean
cpd_proxies_add_exception (CpdProxies *proxies, const char *text, GError **error)
{
  CpdNoProxy *rule = cpd_no_proxy_new (text);
  g_autofree char *shown = cpd_text_shorten (text, strlen (text), SHOWN_MAX_BYTES);

  if (rule == NULL)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "‘%s’ is not a host, a .suffix, an address or a network", shown);
  g_ptr_array_add (proxies->exceptions, rule);
  return TRUE;
}

/* Returns: (transfer none) (nullable): the proxy of the list with that URL */
CpdProxy *
cpd_proxies_find (CpdProxies *proxies, const char *url)
{
  g_autoptr (CpdProxy) parsed = cpd_proxy_new (url, NULL);

  for (unsigned int i = 0; parsed != NULL && i < proxies->list->len; i++)
    if (g_str_equal (cpd_proxy_get_text (proxies->list->pdata[i]), parsed->text))
      return proxies->list->pdata[i];
  return NULL;
}

/* Returns: (transfer full): everything that may be chosen, for a sentence */
static char *
list_choices (const CpdProxies *proxies)
{
  GString *choices = g_string_new (proxies->list->len == 0 ? "‘" CPD_PROXY_DIRECT "’" : NULL);

  for (unsigned int i = 0; i < proxies->list->len; i++)
    g_string_append_printf (choices, "%s‘%s’",
                            i == 0                       ? ""
                            : i + 1 < proxies->list->len ? ", "
                                                         : " or ",
                            cpd_proxy_get_text (proxies->list->pdata[i]));
  return g_string_free (choices, FALSE);
}

/* Whether a request may take this way.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, which names all that it may take.
 * Returns: (transfer full): for cpd_proxies_choose () */
char *
cpd_proxies_check_choice (CpdProxies *proxies, const char *text, GError **error)
{
  CpdProxy *found = cpd_proxies_find (proxies, text);
  g_autofree char *choices = NULL, *shown = NULL;

  if (found != NULL)
    return g_strdup (found->text);
  if (g_str_equal (text, CPD_PROXY_DIRECT)
      && (proxies->list->len == 0 || has (proxies, CPD_PROXY_DIRECT)))
    return g_strdup (CPD_PROXY_DIRECT);
  choices = list_choices (proxies);
  shown = cpd_text_shorten (text, strlen (text), SHOWN_MAX_BYTES);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               "option ‘proxy’ is ‘%s’, but this machine's configuration only allows %s; give "
               "that, or ask the administrator to add it",
               shown, choices);
  return NULL;
}

static gboolean
is_exception (const CpdProxies *proxies, const char *name, guint16 port)
{
  for (unsigned int i = 0; i < proxies->exceptions->len; i++)
    if (cpd_no_proxy_matches (proxies->exceptions->pdata[i], name, port))
      return TRUE;
  return FALSE;
}

/* `wanted`: (nullable): of cpd_proxies_check_choice (); NULL: whatever is usual for the host.
 * `name`: canonical.
 * Returns: (transfer none) (nullable): the proxy for a host; NULL: none */
CpdProxy *
cpd_proxies_choose (CpdProxies *proxies, const char *wanted, const char *name, guint16 port)
{
  if (wanted != NULL)
    return cpd_proxies_find (proxies, wanted);
  if (proxies->list->len == 0 || is_exception (proxies, name, port))
    return NULL;
  return proxies->list->pdata[0];
}
