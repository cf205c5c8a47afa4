/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the servers of pins that are not in force yet: which of them work now, and would be
 * refused. Not a byte of data is sent. A few are looked at a time, and only for so long. */

#include "config.h"

#include "certpinctl-look.h"

#include "certpinctl-chain.h"
#include "certpinctl-progress.h"
#include "certpinctl-reply.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

/* The service sets up four connections of a user at a time: one is left for other programs. */
#define AT_A_TIME 3
#define TICK_MS   200

/* For each host; somebody waits at a terminal. */
#define HOST_MAX_MS 10000

typedef struct
{
  Ctl *ctl;
  GPtrArray *looks; /* (unowned): of CtlLook */
  gint64 end_us;    /* monotonic */
  unsigned int seconds;
  unsigned int begun;
  unsigned int ended;
  CtlProgress progress;
} Looks;

/* One of them that is under way. */
typedef struct
{
  Looks *looks;
  CtlLook *look;
} Turn;

/* What the pin is made of must last as long. */
CtlLook *
ctl_look_new (const CtlOutage *pin)
{
  CtlLook *look = g_new0 (CtlLook, 1);

  look->pin = *pin;
  look->host = g_str_has_prefix (pin->host, "**.") ? pin->host + strlen ("**.") : pin->host;
  return look;
}

void
ctl_look_free (CtlLook *look)
{
  g_free (look->text);
  g_free (look->unseen);
  g_free (look);
}

/* Whether requests to the server can pass now: by the pins, or, if there is none that applies to
 * this user, by ordinary validation alone. */
static gboolean
works_now (GVariant *info)
{
  gboolean trusted = FALSE;
  const char *verdict = "";

  g_variant_lookup (info, "trusted", "b", &trusted);
  g_variant_lookup (info, "verdict", "&s", &verdict);
  return trusted || strcmp (verdict, "Pass") == 0;
}

static gboolean
is_report (GVariant *options)
{
  const char *mode = "";

  g_variant_lookup (options, "mode", "&s", &mode);
  return strcmp (mode, "report") == 0;
}

static char *
describe_refusal (const CtlLook *look, const char *reason)
{
  return g_strdup_printf (
      _ ("the server of ‘%s’ works now, but this pin would refuse it for all users: %s"),
      look->host, reason);
}

/* Returns: (transfer full) (nullable): what would happen; NULL: the server passes */
static char *
describe (const CtlLook *look, GVariant *verdict)
{
  const char *name = "", *reason = "";
  g_auto (GStrv) offered = NULL;
  g_autofree char *mismatch = NULL;

  g_variant_lookup (verdict, "verdict", "&s", &name);
  g_variant_lookup (verdict, "reason", "&s", &reason);
  g_variant_lookup (verdict, "offered-keys", "^as", &offered);
  if (strcmp (name, "Pass") == 0)
    return NULL;
  if (strcmp (name, certpin_error_get_name (CERTPIN_ERROR_PIN_MISMATCH)) == 0 && offered[0] != NULL)
    mismatch = g_strdup_printf (_ ("its key is %s"), offered[0]);
  return describe_refusal (look, mismatch != NULL ? mismatch : reason);
}

static void begin_more (Looks *looks);

static void
end (Turn *turn)
{
  Looks *looks = turn->looks;

  looks->ended++;
  g_free (turn);
  begin_more (looks);
}

static void
on_judged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Turn *turn = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) verdict = ctl_reply_take_record (
      certpin_client_verify_chain_finish (CERTPIN_CLIENT (source), result, &error),
      CTL_REPLY_VERDICT, &error);

  if (verdict != NULL)
    turn->look->text = describe (turn->look, verdict);
  else
    turn->look->unseen = g_strdup (error->message);
  end (turn);
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Turn *turn = user_data;
  CtlLook *look = turn->look;
  g_autoptr (CertpinChain) chain = NULL;
  g_autoptr (GVariant) info = NULL;
  g_autoptr (GError) error = NULL;

  chain = certpin_client_fetch_chain_finish (CERTPIN_CLIENT (source), result, &error);
  if (chain != NULL)
    info = ctl_reply_take_record (g_object_ref (chain), CTL_REPLY_CHAIN, &error);
  if (info != NULL && works_now (info) && look->pin.refusal == NULL)
    {
      certpin_client_verify_chain_async (
          CERTPIN_CLIENT (source), look->host, certpin_chain_get_der (chain),
          ctl_chain_judging_options (look->pin.keys, look->pin.options),
          turn->looks->ctl->cancellable, on_judged, turn);
      return;
    }
  if (info == NULL)
    look->unseen = g_strdup (error->message);
  else if (works_now (info))
    look->text = describe_refusal (look, look->pin.refusal);
  end (turn);
}

/* Returns: FALSE: there is nothing to wait for */
static gboolean
begin (Looks *looks, CtlLook *look)
{
  gint64 left_ms = (looks->end_us - g_get_monotonic_time ()) / 1000;
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  Turn *turn;

  if ((is_report (look->pin.options) && look->pin.refusal == NULL)
      || g_cancellable_is_cancelled (looks->ctl->cancellable))
    return FALSE;
  if (look->host[0] == '*')
    look->unseen = g_strdup (_ ("it is a pattern"));
  else if (left_ms <= 0)
    look->unseen = g_strdup_printf (_ ("%u seconds were over"), looks->seconds);
  if (look->unseen != NULL)
    return FALSE;
  g_variant_dict_insert (&options, "timeout-ms", "u", (guint32)MIN (left_ms, HOST_MAX_MS));
  turn = g_new (Turn, 1);
  *turn = (Turn){ looks, look };
  certpin_client_fetch_chain_async (looks->ctl->client, look->host, g_variant_dict_end (&options),
                                    looks->ctl->cancellable, on_fetched, turn);
  return TRUE;
}

static void
begin_more (Looks *looks)
{
  while (looks->begun < looks->looks->len && looks->begun - looks->ended < AT_A_TIME)
    if (!begin (looks, looks->looks->pdata[looks->begun++]))
      looks->ended++;
}

static gboolean
on_tick (gpointer data)
{
  Looks *looks = data;
  g_autofree char *text
      = g_strdup_printf (_ ("looked at %u of %u hosts"), looks->ended, looks->looks->len);

  ctl_progress_say (&looks->progress, text);
  return G_SOURCE_CONTINUE;
}

/* An interrupted call ends, too. */
static gboolean
all_ended (gpointer data)
{
  Looks *looks = data;

  return looks->ended == looks->looks->len;
}

/* `looks`: of CtlLook: filled. `seconds`: that all of them may take.
 * Errors: G_IO_ERROR_CANCELLED */
gboolean
ctl_looks_take (Ctl *ctl, GPtrArray *looks, unsigned int seconds, GError **error)
{
  Looks all = { .ctl = ctl, .looks = looks, .seconds = seconds };
  unsigned int tick = g_timeout_add (TICK_MS, on_tick, &all);
  unsigned int held = ctl_wait_hold (ctl); /* before the first server is looked at */

  all.end_us = g_get_monotonic_time () + (gint64)seconds * G_USEC_PER_SEC;
  ctl_progress_init (&all.progress, ctl->json || looks->len == 1 ? NULL : &ctl->err);
  begin_more (&all);
  ctl_wait_until (ctl, all_ended, &all);
  ctl_wait_release (ctl, held);
  g_source_remove (tick);
  ctl_progress_end (&all.progress);
  if (!g_cancellable_is_cancelled (ctl->cancellable))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                       _ ("interrupted; nothing was changed"));
  return FALSE;
}
