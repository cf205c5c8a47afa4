/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options ‘scope’ and ‘app’: which layer, and whose. A sandboxed app has the scopes ‘app’ and
 * ‘transient’ alone; its user's own programs may name an app, and so look after its pins. */

#include "config.h"

#include "daemon/bus/cpd-asker.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/core/base/cpd-app.h"
#include "daemon/core/base/cpd-refuse.h"

/* The scopes in the interface, and their layers. */
static const char *const scopes[] = { "user", "system", "app", "transient", NULL };
static const CpdLayer layers[]
    = { CPD_LAYER_USER, CPD_LAYER_SYSTEM, CPD_LAYER_APP, CPD_LAYER_TRANSIENT };

/* What is done with pins. */
typedef enum
{
  CHANGES, /* the app is to be known if it is not */
  LOOKS,   /* at pins that are there, before it changes them */
  READS,
} Use;

/* Of an app. */
static gboolean
check_own (CpdAsker *asker, const char *scope, const char *app, Use use, GError **error)
{
  const char *own = cpd_apps_get_name (cpd_store_get_apps (asker->store), asker->self);

  if ((scope == NULL || g_str_equal (scope, "app") || g_str_equal (scope, "transient"))
      && (app == NULL || g_str_equal (app, own)))
    return TRUE;
  if (use == READS)
    return cpd_refuse (error, CERTPIN_ERROR_NOT_AUTHORIZED,
                       "the app ‘%s’ may see only its own pins, in the scopes ‘app’ and "
                       "‘transient’, and the system's",
                       own);
  return cpd_refuse (error, CERTPIN_ERROR_NOT_AUTHORIZED,
                     "the app ‘%s’ may change only its own pins, in the scopes ‘app’ and "
                     "‘transient’",
                     own);
}

/* Where the app need not be known, it has no pins.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_LIMIT_EXCEEDED. */
static gboolean
take_app (CpdAsker *asker, const char *app, Use use, GError **error)
{
  guint32 uid = cpd_owner_get_uid (asker->self);

  if (!cpd_app_is_valid (app))
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘app’ is ‘%s’, which is not the name of an app; write "
                       "‘flatpak:’ and its id, as ‘flatpak list’ shows it, or ‘snap:’ and its name",
                       app);
  if (use == CHANGES)
    return cpd_store_meet_app (asker->store, uid, app, &asker->owner, error);
  if (!cpd_apps_lookup (cpd_store_get_apps (asker->store), uid, app, &asker->owner))
    asker->owner = cpd_owner_new_app (uid, /* number= */ 0); /* which no app has */
  return TRUE;
}

static gboolean
choose_layer (CpdAsker *asker, const char *scope, const char *app, Use use, CpdLayer *layer,
              GError **error)
{
  int chosen = app != NULL ? 2 : 0;

  if (!cpd_options_take_choice ("scope", scope, scopes, &chosen, error))
    return FALSE;
  *layer = layers[chosen];
  if (cpd_owner_is_app (asker->self))
    {
      *layer = *layer == CPD_LAYER_TRANSIENT ? CPD_LAYER_TRANSIENT : CPD_LAYER_APP;
      return check_own (asker, scope, app, use, error);
    }
  if (*layer == CPD_LAYER_APP && app == NULL)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘scope’ is ‘app’, but the option ‘app’ does not say which");
  if (*layer != CPD_LAYER_APP && app != NULL)
    return cpd_refuse (
        error, CERTPIN_ERROR_INVALID_ARGUMENT,
        "option ‘scope’ is ‘%s’, but the option ‘app’ names an app; give one of them", scope);
  return app == NULL || take_app (asker, app, use, error);
}

/* Of what changes pins. `scope`, `app`: (nullable): NULL: not given.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_LIMIT_EXCEEDED,
 * CERTPIN_ERROR_NOT_AUTHORIZED: an app asks about what is not its own. */
gboolean
cpd_asker_take_scope (CpdAsker *asker, const char *scope, const char *app, CpdLayer *layer,
                      GError **error)
{
  if (!choose_layer (asker, scope, app, asker->only_looks ? LOOKS : CHANGES, layer, error))
    return FALSE;
  if (*layer != CPD_LAYER_TRANSIENT)
    {
      /* What is kept must not depend on a connection that may end. */
      if (app == NULL || cpd_owner_is_app (asker->self))
        asker->owner = asker->self;
      return TRUE;
    }
  if (*asker->connection == 0 && !asker->only_looks
      && !cpd_store_open_connection (asker->store, asker->self, asker->connection, error))
    return FALSE;
  asker->owner = *asker->connection != 0
                     ? *asker->connection
                     : cpd_owner_new_connection (asker->self, /* number= */ 0); /* which none has */
  return TRUE;
}

/* Of what only reads: without a scope, all that the asker may see.
 * `chosen`: (out) (transfer none) (nullable): the scope; NULL: all.
 * Errors: likewise. */
gboolean
cpd_asker_take_layers (CpdAsker *asker, const char *scope, const char *app, const char **chosen,
                       GError **error)
{
  CpdLayer layer;
  gboolean is_system = scope != NULL && g_str_equal (scope, "system");

  /* An app sees the system's pins, which bind it as well. */
  if (cpd_owner_is_app (asker->self) && is_system && app == NULL)
    {
      *chosen = "system";
      return TRUE;
    }
  if (!choose_layer (asker, scope, app, READS, &layer, error))
    return FALSE;
  *chosen = scope != NULL || app != NULL ? cpd_describe_scope (layer) : NULL;
  return TRUE;
}
