/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The protocols that the service can speak up to TLS. Nothing that a server says before that is
 * passed on, because somebody on the way may have said it: a client gets a greeting that says
 * nothing. */

#include "config.h"

#include "certpinctl-starttls.h"

#include <glib/gi18n.h>

#include <string.h>

static const CtlStarttls protocols[] = {
  { "imap", "* OK ready\r\n" },
  { "smtp", "220 localhost ready\r\n" },
  { "pop3", "+OK ready\r\n" },
  { "postgres", NULL },
  { "ldap", NULL },
};

/* Returns: (transfer none) (nullable): NULL with `error` set */
const CtlStarttls *
ctl_starttls_find (const char *name, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (protocols); i++)
    if (strcmp (protocols[i].name, name) == 0)
      return &protocols[i];
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is not a protocol with STARTTLS; give imap, smtp, pop3, postgres or ldap"),
               name);
  return NULL;
}
