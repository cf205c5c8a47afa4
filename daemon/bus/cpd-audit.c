/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes security events to the journal. Each kind has its own MESSAGE_ID, so that an administrator
 * can search for it, and a word in CERTPIN_EVENT, by which certpinctl tells them apart. Of a
 * request, only the host is logged, and of certificates only the hashes of their public keys. */

#include "config.h"

#include "daemon/bus/cpd-audit.h"

#include "daemon/bus/cpd-audit-limit.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-text.h"
#include "dbus/certpin-names.h"

#include <string.h>

#define DOMAIN "certpind"

/* How long a window lasts; cpd-audit-limit.h says how much is written in one. */
#define WINDOW_S 60

struct _CpdAudit
{
  CpdApps *apps;
  CpdAuditLimit *limit;
  unsigned int timer; /* until the end of the window; 0: none has begun */
};

/* One entry of the journal. */
typedef struct
{
  GLogField fields[16];
  size_t n_fields;
  GPtrArray *texts; /* of char *: values that belong to the entry */
  GLogLevelFlags level;
} Entry;

/* A value that is NULL is left out. `value`: (transfer none): outlives the entry */
static void
add (Entry *entry, const char *field, const char *value)
{
  if (value == NULL)
    return;
  g_return_if_fail (entry->n_fields < G_N_ELEMENTS (entry->fields));
  entry->fields[entry->n_fields++] = (GLogField){ field, value, -1 };
}

/* `value`: (transfer full) */
static void
add_own (Entry *entry, const char *field, char *value)
{
  g_ptr_array_add (entry->texts, value);
  add (entry, field, value);
}

static void
begin (Entry *entry, GLogLevelFlags level, const char *message_id, const char *event)
{
  *entry = (Entry){ .texts = g_ptr_array_new_with_free_func (g_free), .level = level };
  add (entry, "GLIB_DOMAIN", DOMAIN);
  add (entry, "PRIORITY", level == G_LOG_LEVEL_WARNING ? "4" : "5");
  add (entry, "MESSAGE_ID", message_id);
  add (entry, "CERTPIN_EVENT", event);
}

static void
add_caller (Entry *entry, const CpdCaller *caller)
{
  add_own (entry, "CERTPIN_UID", g_strdup_printf ("%u", caller->uid));
  if (caller->app != NULL)
    add (entry, "CERTPIN_APP", caller->app);
  add (entry, "CERTPIN_PROGRAM", caller->program);
  add (entry, "CERTPIN_SENDER", caller->sender);
}

/* By the name alone, all entries about a host are found, whatever their ports. */
static void
add_host (Entry *entry, CpdHost *host)
{
  const char *text = cpd_host_get_text (host);
  const char *port = cpd_host_get_port (host) != 0 ? strrchr (text, ':') : text + strlen (text);
  gboolean bracket = *text == '[';

  add (entry, "CERTPIN_HOST", text);
  add_own (entry, "CERTPIN_NAME",
           g_strndup (text + bracket, (gsize)(port - text) - (bracket ? 2 : 0)));
}

static void
add_pin (Entry *entry, const CpdPin *pin)
{
  add_host (entry, pin->host);
  add (entry, "CERTPIN_SCOPE", cpd_describe_scope (pin->layer));
}

/* `keys`: (nullable): of CertpinKey; a space is between them */
static void
add_keys (Entry *entry, const char *field, GPtrArray *keys)
{
  GString *text = g_string_new (NULL);

  for (unsigned int i = 0; keys != NULL && i < keys->len; i++)
    {
      g_autofree char *key = certpin_key_to_text (keys->pdata[i]);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", key);
    }
  if (text->len > 0)
    add_own (entry, field, g_string_free (text, FALSE));
  else
    g_string_free (text, TRUE);
}

/* `pin`: (nullable) */
static void
add_keys_of (Entry *entry, const char *field, const CpdPin *pin)
{
  g_autoptr (GPtrArray) keys = pin != NULL ? cpd_pin_keys_list (pin->keys) : NULL;

  add_keys (entry, field, keys);
}

/* Writes and ends the entry. */
G_GNUC_PRINTF (2, 3)
static void
write_entry (Entry *entry, const char *format, ...)
{
  va_list arguments;
  char *message;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add_own (entry, "MESSAGE", message);
  g_log_structured_array (entry->level, entry->fields, entry->n_fields);
  g_ptr_array_unref (entry->texts);
}

/* `apps`: their names */
CpdAudit *
cpd_audit_new (CpdApps *apps)
{
  CpdAudit *audit = g_new0 (CpdAudit, 1);

  audit->apps = cpd_apps_ref (apps);
  audit->limit = cpd_audit_limit_new ();
  return audit;
}

static void
tell_left_out (guint32 uid, const char *event, guint64 left_out, gpointer user_data)
{
  Entry entry;

  begin (&entry, G_LOG_LEVEL_WARNING, CERTPIN_MESSAGE_LEFT_OUT, "left-out");
  add_own (&entry, "CERTPIN_UID", g_strdup_printf ("%u", uid));
  add (&entry, "CERTPIN_LEFT_OUT_EVENT", event);
  add_own (&entry, "CERTPIN_LEFT_OUT", g_strdup_printf ("%" G_GUINT64_FORMAT, left_out));
  write_entry (&entry,
               "left out %" G_GUINT64_FORMAT " entries ‘%s’ that programs of uid %u caused: there "
               "were more in %d s than are written for one user",
               left_out, event, uid, WINDOW_S);
}

static gboolean
on_window_over (gpointer user_data)
{
  CpdAudit *audit = user_data;

  audit->timer = 0;
  cpd_audit_limit_end_window (audit->limit, tell_left_out, NULL);
  return G_SOURCE_REMOVE;
}

/* Tells what was left out so far. `audit`: (nullable) */
void
cpd_audit_free (CpdAudit *audit)
{
  if (audit == NULL)
    return;
  g_clear_handle_id (&audit->timer, g_source_remove);
  cpd_audit_limit_end_window (audit->limit, tell_left_out, NULL);
  cpd_audit_limit_free (audit->limit);
  cpd_apps_unref (audit->apps);
  g_free (audit);
}

/* Whether an entry may be written; the first one begins a window. `about`: as in
 * cpd_audit_limit_take () */
static gboolean
may_write (CpdAudit *audit, guint32 uid, const char *event, const char *about)
{
  if (audit->timer == 0)
    audit->timer = g_timeout_add_seconds (WINDOW_S, on_window_over, audit);
  return cpd_audit_limit_take (audit->limit, uid, event, about);
}

/* Of a pin of the system, everything is written: it concerns everybody, and whoever changes it was
 * authorized to. */
static gboolean
may_write_of_pin (CpdAudit *audit, guint32 uid, const char *event, const CpdPin *pin)
{
  return pin->layer <= CPD_LAYER_SYSTEM || may_write (audit, uid, event, /* about= */ NULL);
}

/* A pinning failed, and its caller wanted what was there to stay. `pin`: of which host and scope.
 * The message may quote the certificate, and is not logged. */
void
cpd_audit_pin_kept (CpdAudit *audit, CpdCaller *caller, const CpdPin *pin, const GError *failure)
{
  const char *host = cpd_host_get_text (pin->host), *scope = cpd_describe_scope (pin->layer);
  const char *error = certpin_error_get_name ((CertpinError)failure->code);
  g_autofree char *who = NULL;
  Entry entry;

  if (!may_write (audit, caller->uid, "kept", host))
    return;
  who = cpd_caller_describe (caller);
  begin (&entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_PIN_KEPT, "kept");
  add_pin (&entry, pin);
  add_caller (&entry, caller);
  add (&entry, "CERTPIN_REASON", error);
  write_entry (&entry, "%s could not pin %s in the %s scope (%s); nothing was changed", who, host,
               scope, error);
}

/* The keys of the chain that the server presented, its own first. */
static void
add_offered_keys (Entry *entry, CpdPeer *peer)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  GPtrArray *chain = cpd_peer_get_chain (peer);

  for (unsigned int i = 0; i < chain->len; i++)
    g_ptr_array_add (keys, cpd_certificate_get_key (chain->pdata[i]));
  add_keys (entry, "CERTPIN_NEW_KEYS", keys);
}

static void
add_verdict (Entry *entry, const CpdVerdict *verdict)
{
  add_host (entry, verdict->target);
  add (entry, "CERTPIN_VERDICT", certpin_error_get_name (verdict->error));
  add (entry, "CERTPIN_REASON", verdict->reason);
  if (verdict->pin != NULL)
    {
      add (entry, "CERTPIN_SCOPE", cpd_describe_scope (verdict->layer));
      add_keys_of (entry, "CERTPIN_OLD_KEYS", verdict->pin);
    }
  if (verdict->peer != NULL)
    add_offered_keys (entry, verdict->peer);
}

void
cpd_audit_refused (CpdAudit *audit, CpdCaller *caller, const CpdVerdict *verdict)
{
  g_autofree char *who = NULL;
  Entry entry;

  if (!may_write (audit, caller->uid, "refused", cpd_host_get_text (verdict->target)))
    return;
  who = cpd_caller_describe (caller);
  begin (&entry, G_LOG_LEVEL_WARNING, CERTPIN_MESSAGE_PIN_FAILED, "refused");
  add_caller (&entry, caller);
  add_verdict (&entry, verdict);
  write_entry (&entry, "refused a request of %s: %s", who, verdict->message);
}

void
cpd_audit_pin_paused (CpdAudit *audit, const CpdCaller *caller, const CpdPin *pin)
{
  g_autofree char *who = cpd_caller_describe (caller);
  g_autofree char *until = cpd_text_time (pin->pause->until);
  const char *host = cpd_host_get_text (pin->host), *scope = cpd_describe_scope (pin->layer);
  Entry entry;

  if (!may_write_of_pin (audit, caller->uid, "paused", pin))
    return;
  begin (&entry, G_LOG_LEVEL_WARNING, CERTPIN_MESSAGE_PIN_PAUSED, "paused");
  add_pin (&entry, pin);
  add_caller (&entry, caller);
  add (&entry, "CERTPIN_REASON", pin->pause->reason);
  write_entry (&entry,
               "%s paused the pin of %s in the %s scope until %s, so that other keys pass: %s", who,
               host, scope, until, pin->pause->reason);
}

/* `paused`: as before the end */
static void
begin_resumed (Entry *entry, const CpdPin *paused)
{
  begin (entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_PIN_RESUMED, "resumed");
  add_pin (entry, paused);
  add (entry, "CERTPIN_REASON", paused->pause->reason);
}

static const char *
describe_beginner (const CpdPin *paused)
{
  return paused->pause->by != NULL ? paused->pause->by : "somebody";
}

/* `paused`: the pin as it was before. */
void
cpd_audit_pin_resumed (CpdAudit *audit, const CpdCaller *caller, const CpdPin *paused)
{
  g_autofree char *who = NULL;
  Entry entry;

  if (!may_write_of_pin (audit, caller->uid, "resumed", paused))
    return;
  who = cpd_caller_describe (caller);
  begin_resumed (&entry, paused);
  add_caller (&entry, caller);
  write_entry (&entry,
               "%s ended the pause of the pin of %s in the %s scope, which %s had begun: %s", who,
               cpd_host_get_text (paused->host), cpd_describe_scope (paused->layer),
               describe_beginner (paused), paused->pause->reason);
}

/* Its time is over. `owner`: whose pin it is. `paused`: the pin as it was before. */
void
cpd_audit_pause_over (CpdAudit *audit, CpdOwner owner, const CpdPin *paused)
{
  Entry entry;

  if (!may_write_of_pin (audit, cpd_owner_get_uid (owner), "resumed", paused))
    return;
  begin_resumed (&entry, paused);
  write_entry (&entry, "the time is over for which %s had paused the pin of %s in the %s scope: %s",
               describe_beginner (paused), cpd_host_get_text (paused->host),
               cpd_describe_scope (paused->layer), paused->pause->reason);
}

/* The report exists only because the pin only reports: by its mode, or for a while. */
void
cpd_audit_report_only (CpdAudit *audit, CpdCaller *caller, const CpdVerdict *verdict)
{
  g_autofree char *who = NULL;
  Entry entry;

  if (!may_write (audit, caller->uid, "reported", cpd_host_get_text (verdict->target)))
    return;
  who = cpd_caller_describe (caller);
  begin (&entry, G_LOG_LEVEL_WARNING, CERTPIN_MESSAGE_REPORT_ONLY, "reported");
  add_caller (&entry, caller);
  add_verdict (&entry, verdict);
  write_entry (&entry, "sent a request of %s, because the pin is %s: %s", who,
               verdict->pin->mode == CPD_MODE_REPORT ? "report-only" : "paused", verdict->message);
}

void
cpd_audit_denied (CpdAudit *audit, CpdCaller *caller, const char *action)
{
  g_autofree char *who = NULL;
  Entry entry;

  if (!may_write (audit, caller->uid, "denied", action))
    return;
  who = cpd_caller_describe (caller);
  begin (&entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_DENIED, "denied");
  add_caller (&entry, caller);
  add (&entry, "CERTPIN_ACTION", action);
  write_entry (&entry, "%s is not authorized for ‘%s’", who, action);
}

/* What a change replaces, and by what. `old`, `pin`: (nullable), but not both */
static void
add_change (Entry *entry, const CpdCaller *caller, const CpdPin *old, const CpdPin *pin)
{
  add_pin (entry, pin != NULL ? pin : old);
  add_caller (entry, caller);
  add_keys_of (entry, "CERTPIN_OLD_KEYS", old);
  add_keys_of (entry, "CERTPIN_NEW_KEYS", pin);
}

/* A pause ends with its pin. `old`, `pin`: (nullable): before a change, and after it */
static void
tell_end_of_pause (CpdAudit *audit, const CpdCaller *caller, const CpdPin *old, const CpdPin *pin)
{
  if (old != NULL && old->pause != NULL && (pin == NULL || pin->pause == NULL))
    cpd_audit_pin_resumed (audit, caller, old);
}

/* A pin was set, or its keys were changed, or its host was blocked. `old`: (nullable) */
void
cpd_audit_pin_changed (CpdAudit *audit, const CpdCaller *caller, const CpdPin *old,
                       const CpdPin *pin)
{
  g_autofree char *who = cpd_caller_describe (caller);
  gboolean blocked = pin->state == CPD_STATE_BLOCKED;
  const char *event = blocked ? "blocked" : "pinned";
  Entry entry;

  tell_end_of_pause (audit, caller, old, pin);
  if (!may_write_of_pin (audit, caller->uid, event, pin))
    return;
  begin (&entry, G_LOG_LEVEL_MESSAGE,
         blocked ? CERTPIN_MESSAGE_HOST_BLOCKED : CERTPIN_MESSAGE_PIN_CHANGED, event);
  add_change (&entry, caller, old, pin);
  write_entry (&entry, "%s %s %s in the %s scope", who, event, cpd_host_get_text (pin->host),
               cpd_describe_scope (pin->layer));
}

/* `old`: the pin or block that was there */
void
cpd_audit_pin_removed (CpdAudit *audit, const CpdCaller *caller, const CpdPin *old)
{
  g_autofree char *who = cpd_caller_describe (caller);
  Entry entry;

  tell_end_of_pause (audit, caller, old, /* pin= */ NULL);
  if (!may_write_of_pin (audit, caller->uid, "unpinned", old))
    return;
  begin (&entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_PIN_REMOVED, "unpinned");
  add_change (&entry, caller, old, /* pin= */ NULL);
  write_entry (&entry, "%s unpinned %s in the %s scope", who, cpd_host_get_text (old->host),
               cpd_describe_scope (old->layer));
}

/* `caller`: (nullable): who called Reload; NULL: the files changed, or SIGHUP came */
void
cpd_audit_reloaded (const CpdCaller *caller)
{
  g_autofree char *who = caller != NULL ? cpd_caller_describe (caller) : NULL;
  Entry entry;

  begin (&entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_RELOADED, "reloaded");
  if (caller != NULL)
    add_caller (&entry, caller);
  write_entry (&entry, "reloaded the pin files and the trust anchors%s%s",
               who != NULL ? " for " : "", who != NULL ? who : "");
}

/* Returns: (transfer full): whose pin: “the system”, “uid 1000”, “flatpak:org.example.App of uid
 * 1000” */
static char *
describe_owner (CpdAudit *audit, CpdOwner owner)
{
  const char *app = cpd_apps_get_name (audit->apps, owner);

  if (owner == CPD_ALL_UIDS)
    return g_strdup ("the system");
  return g_strdup_printf ("%s%suid %u", app != NULL ? app : "", app != NULL ? " of " : "",
                          cpd_owner_get_uid (owner));
}

/* A key of a pin, for the first time. A key is public: it is named so that people can tell which
 * one a server has begun to use. */
void
cpd_audit_key_seen (CpdAudit *audit, CpdOwner owner, const CpdPin *pin, const char *key,
                    unsigned int position)
{
  char *whose;
  Entry entry;

  if (!may_write_of_pin (audit, cpd_owner_get_uid (owner), "key-seen", pin))
    return;
  whose = describe_owner (audit, owner);
  begin (&entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_KEY_SEEN, "key-seen");
  add_pin (&entry, pin);
  add_own (&entry, "CERTPIN_OWNER", whose);
  add (&entry, "CERTPIN_NEW_KEYS", key);
  write_entry (&entry,
               "a server of %s was seen with key %u of %u of the pin of %s for the first time",
               cpd_host_get_text (pin->host), position + 1, pin->keys->len, whose);
}

/* At most once a day for each pin. */
void
cpd_audit_pin_warned (CpdAudit *audit, CpdOwner owner, const CpdPin *pin, GStrv warnings)
{
  g_autofree char *all = g_strjoinv ("; ", warnings);
  char *whose;
  Entry entry;

  if (!may_write_of_pin (audit, cpd_owner_get_uid (owner), "warned", pin))
    return;
  whose = describe_owner (audit, owner);
  begin (&entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_PIN_WARNED, "warned");
  add_pin (&entry, pin);
  add_own (&entry, "CERTPIN_OWNER", whose);
  write_entry (&entry, "the pin of %s for %s: %s", whose, cpd_host_get_text (pin->host), all);
}

/* It was not read or written when keys were seen: that refuses nothing. */
void
cpd_audit_sightings_failed (const char *problem)
{
  Entry entry;

  begin (&entry, G_LOG_LEVEL_WARNING, CERTPIN_MESSAGE_SIGHTINGS, "sightings-failed");
  write_entry (&entry, "%s; no request depends on this", problem);
}

void
cpd_audit_sightings_recovered (void)
{
  Entry entry;

  begin (&entry, G_LOG_LEVEL_MESSAGE, CERTPIN_MESSAGE_SIGHTINGS, "sightings-written");
  write_entry (&entry, "when keys were last seen at servers is written to disk again");
}

/* `effect`: what the problem leads to, if it does not say that itself. `caller`: (nullable): who
 * called Reload */
static void
tell_problem (const CpdFault *problem, const char *event, const char *effect,
              const CpdCaller *caller)
{
  g_autofree char *text = cpd_fault_to_text (problem);
  Entry entry;

  begin (&entry, G_LOG_LEVEL_WARNING, CERTPIN_MESSAGE_STORE_BROKEN, event);
  add (&entry, "CERTPIN_FILE", problem->file);
  if (problem->line != 0)
    add_own (&entry, "CERTPIN_LINE", g_strdup_printf ("%u", problem->line));
  add (&entry, "CERTPIN_KEY", problem->key);
  if (caller != NULL)
    add_caller (&entry, caller);
  if (problem->says_all)
    write_entry (&entry, "%s", text);
  else
    write_entry (&entry, "%s; %s", text, effect);
}

/* At the start. `problems`: of CpdFault: each gets an entry */
void
cpd_audit_store_broken (GPtrArray *problems)
{
  for (unsigned int i = 0; i < problems->len; i++)
    tell_problem (problems->pdata[i], "broken",
                  "requests that depend on this are refused; fix the cause and restart certpind",
                  /* caller= */ NULL);
}

/* `caller`: as in cpd_audit_reloaded (). `problems`: likewise */
void
cpd_audit_reload_failed (const CpdCaller *caller, GPtrArray *problems)
{
  for (unsigned int i = 0; i < problems->len; i++)
    tell_problem (problems->pdata[i], "reload-failed",
                  "nothing was reloaded, so the old pins and trust anchors stay in force", caller);
}
