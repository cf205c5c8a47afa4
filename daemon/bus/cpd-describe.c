/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Core's values in the types of the interface: a pin, a refusal with its evidence, a match. */

#include "config.h"

#include "daemon/bus/cpd-describe.h"

#include "daemon/core/pins/cpd-pin-advice.h"

/* Returns: (transfer none) */
const char *
cpd_describe_scope (CpdLayer layer)
{
  static const char *const scopes[CPD_N_LAYERS]
      = { "system", "system", "app", "user", "transient", "request" };

  return scopes[layer];
}

/* `keys`: (nullable): of CertpinKey. Returns: (floating): as */
GVariant *
cpd_describe_keys (GPtrArray *keys)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (unsigned int i = 0; keys != NULL && i < keys->len; i++)
    g_variant_builder_add_value (&builder,
                                 g_variant_new_take_string (certpin_key_to_text (keys->pdata[i])));
  return g_variant_builder_end (&builder);
}

/* `pin`: (nullable). Returns: (floating): as */
static GVariant *
describe_keys_of (const CpdPin *pin)
{
  g_autoptr (GPtrArray) keys = pin != NULL ? cpd_pin_keys_list (pin->keys) : NULL;

  return cpd_describe_keys (keys);
}

static const char *
describe_state (const CpdPin *pin, gint64 now)
{
  if (pin->state == CPD_STATE_ACTIVE && cpd_pin_is_expired (pin, now))
    return "expired";
  if (pin->state == CPD_STATE_ACTIVE && cpd_pin_is_paused (pin, now))
    return "paused";
  return cpd_state_words[pin->state];
}

/* An empty text is none, as a file may have one. */
static void
insert_text (GVariantDict *dict, const char *name, const char *text)
{
  if (text != NULL && *text != '\0')
    g_variant_dict_insert (dict, name, "s", text);
}

static void
insert_served (GVariantDict *dict, const CpdSighting *sighting)
{
  g_auto (GVariantDict) served = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&served, "subject", "s", sighting->subject);
  g_variant_dict_insert (&served, "issuer", "s", sighting->issuer);
  g_variant_dict_insert (&served, "not-after", "x", sighting->not_after);
  g_variant_dict_insert (&served, "time", "x", sighting->seen);
  g_variant_dict_insert_value (dict, "served", g_variant_dict_end (&served));
}

/* What was seen at servers. */
static void
insert_sighting (GVariantDict *dict, const CpdSighting *sighting)
{
  GVariantBuilder seen;
  gint64 last = 0;

  insert_served (dict, sighting);
  if (sighting->keys->len == 0)
    return;
  g_variant_builder_init (&seen, G_VARIANT_TYPE ("a{s(xx)}"));
  for (unsigned int i = 0; i < sighting->keys->len; i++)
    {
      const CpdSightingKey *key = &g_array_index (sighting->keys, CpdSightingKey, i);
      g_autofree char *text = certpin_key_to_text (key->key);

      g_variant_builder_add (&seen, "{s(xx)}", text, key->first, key->last);
      last = MAX (last, key->last);
    }
  g_variant_dict_insert_value (dict, "seen", g_variant_builder_end (&seen));
  g_variant_dict_insert (dict, "last-seen", "x", last);
}

static void
insert_warnings (GVariantDict *dict, const CpdPin *pin, const CpdSighting *sighting, gint64 now)
{
  g_auto (GStrv) warnings = cpd_pin_advice (pin, sighting, now);

  if (warnings != NULL)
    g_variant_dict_insert (dict, "warnings", "^as", warnings);
}

static void
insert_pause (GVariantDict *dict, const CpdPause *pause)
{
  g_variant_dict_insert (dict, "paused-until", "x", pause->until);
  insert_text (dict, "pause-reason", pause->reason);
  insert_text (dict, "paused-by", pause->by);
}

/* `sighting`: (nullable): what was seen of its servers. Returns: (floating): a{sv} */
GVariant *
cpd_describe_pin (const CpdPin *pin, const CpdSighting *sighting, gint64 now)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *source = pin->source != NULL ? cpd_pin_source_build_path (pin->source) : NULL;

  g_variant_dict_insert (&dict, "host", "s", cpd_host_get_text (pin->host));
  g_variant_dict_insert (&dict, "scope", "s", cpd_describe_scope (pin->layer));
  g_variant_dict_insert_value (&dict, "keys", describe_keys_of (pin));
  g_variant_dict_insert (&dict, "match", "s", cpd_match_words[pin->match]);
  g_variant_dict_insert (&dict, "mode", "s", cpd_mode_words[pin->mode]);
  g_variant_dict_insert (&dict, "expires", "x", pin->expires);
  g_variant_dict_insert (&dict, "state", "s", describe_state (pin, now));
  g_variant_dict_insert (&dict, "generation", "t", pin->generation);
  g_variant_dict_insert (&dict, "created", "x", pin->created);
  g_variant_dict_insert (&dict, "stored", "b", !pin->unstored);
  insert_text (&dict, "reason", pin->reason);
  insert_text (&dict, "subject", pin->subject);
  insert_text (&dict, "issuer", pin->issuer);
  insert_text (&dict, "note", pin->note);
  insert_text (&dict, "created-by", pin->created_by);
  insert_text (&dict, "source", source);
  if (pin->not_after != 0)
    g_variant_dict_insert (&dict, "not-after", "x", pin->not_after);
  if (sighting != NULL)
    insert_sighting (&dict, sighting);
  insert_warnings (&dict, pin, sighting, now);
  if (pin->anchors != NULL)
    g_variant_dict_insert (&dict, "trust-anchors", "u", cpd_anchors_get_count (pin->anchors));
  if (cpd_pin_is_paused (pin, now))
    insert_pause (&dict, pin->pause);
  return g_variant_dict_end (&dict);
}

/* `owner`: for whom it applies.
 * Returns: (floating): a{sv}: a pin that is in force, with what was seen of its servers */
GVariant *
cpd_describe_stored_pin (CpdStore *store, CpdOwner owner, const CpdPin *pin, gint64 now)
{
  const CpdSighting *sighting = cpd_logbook_lookup (cpd_store_get_logbook (store), owner, pin);
  g_autoptr (GVariant) plain = NULL;
  g_auto (GVariantDict) dict = { 0 };

  if (pin->layer != CPD_LAYER_APP)
    return cpd_describe_pin (pin, sighting, now);
  plain = g_variant_ref_sink (cpd_describe_pin (pin, sighting, now));
  g_variant_dict_init (&dict, plain);
  insert_text (&dict, "app", cpd_apps_get_name (cpd_store_get_apps (store), owner));
  return g_variant_dict_end (&dict);
}

static void
insert_chain (GVariantDict *dict, CpdPeer *peer)
{
  GPtrArray *chain = cpd_peer_get_chain (peer);
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  g_autofree char *subject = NULL, *issuer = NULL;

  for (unsigned int i = 0; i < chain->len; i++)
    g_ptr_array_add (keys, cpd_certificate_get_key (chain->pdata[i]));
  g_variant_dict_insert_value (dict, "offered-keys", cpd_describe_keys (keys));
  if (chain->len == 0)
    return;
  subject = cpd_certificate_dup_subject (chain->pdata[0]);
  issuer = cpd_certificate_dup_issuer (chain->pdata[0]);
  insert_text (dict, "subject", subject);
  insert_text (dict, "issuer", issuer);
}

/* `verdict`: a refusal, or a report. `now`: Unix seconds. Returns: (floating): a{sv} */
GVariant *
cpd_describe_failure (const CpdVerdict *verdict, gint64 now)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "host", "s", cpd_host_get_text (verdict->target));
  g_variant_dict_insert (&dict, "error", "s", certpin_error_get_name (verdict->error));
  g_variant_dict_insert (&dict, "reason", "s", verdict->reason);
  g_variant_dict_insert (&dict, "message", "s", verdict->message);
  g_variant_dict_insert (&dict, "scope", "s", cpd_describe_scope (verdict->layer));
  g_variant_dict_insert_value (&dict, "pinned-keys", describe_keys_of (verdict->pin));
  if (verdict->peer != NULL)
    insert_chain (&dict, verdict->peer);
  insert_text (&dict, "ocsp", verdict->ocsp);
  insert_text (&dict, "likely-cause", verdict->likely_cause);
  insert_text (&dict, "advice", verdict->advice);
  g_variant_dict_insert (&dict, "mode", "s",
                         cpd_mode_words[verdict->reported ? CPD_MODE_REPORT : CPD_MODE_ENFORCE]);
  g_variant_dict_insert (&dict, "time", "x", now);
  return g_variant_dict_end (&dict);
}

/* Writes an a(ss). */
void
cpd_describe_headers (GStrv headers, CpdMarshal *to)
{
  CpdMarshalArray array = cpd_marshal_begin_array (to, 8);

  for (gsize i = 0; headers[i] != NULL; i += 2)
    {
      cpd_marshal_align (to, 8);
      cpd_marshal_text (to, headers[i]);
      cpd_marshal_text (to, headers[i + 1]);
    }
  cpd_marshal_end_array (to, array);
}

static void
add_text (CpdMarshal *info, const char *name, const char *text)
{
  cpd_marshal_name (info, name, "s");
  cpd_marshal_text (info, text);
}

static void
add_timings (CpdMarshal *info, const CpdTimings *timings)
{
  const struct
  {
    const char *name;
    guint64 us;
  } all[] = {
    { "queue", timings->queue },           { "resolve", timings->resolve },
    { "connect", timings->connect },       { "tls", timings->tls },
    { "first-byte", timings->first_byte }, { "total", timings->total },
  };
  CpdMarshalArray array;

  cpd_marshal_name (info, "timings", "a{st}");
  array = cpd_marshal_begin_array (info, 8);
  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    {
      cpd_marshal_align (info, 8);
      cpd_marshal_text (info, all[i].name);
      cpd_marshal_long (info, all[i].us);
    }
  cpd_marshal_end_array (info, array);
}

/* Adds to the entries of a reply's `info`, an a{sv}. */
void
cpd_describe_connection (const CpdResponse *response, CpdMarshal *info)
{
  add_text (info, "url", response->url);
  add_text (info, "http-version", "1.1");
  add_text (info, "tls-version", response->tls_version);
  add_text (info, "tls-cipher", response->tls_cipher != NULL ? response->tls_cipher : "");
  if (response->proxy != NULL)
    add_text (info, "proxy", response->proxy);
  cpd_marshal_name (info, "connection-reused", "b");
  cpd_marshal_number (info, response->reused);
  cpd_marshal_name (info, "redirects", "u");
  cpd_marshal_number (info, response->redirects);
  if (!response->streams)
    {
      cpd_marshal_name (info, "body-bytes", "t");
      cpd_marshal_long (info, g_bytes_get_size (response->body));
    }
  add_timings (info, &response->timings);
}

static void
add_keys (CpdMarshal *info, const char *name, GPtrArray *keys)
{
  CpdMarshalArray array;

  cpd_marshal_name (info, name, "as");
  array = cpd_marshal_begin_array (info, 4);
  for (unsigned int i = 0; keys != NULL && i < keys->len; i++)
    {
      g_autofree char *text = certpin_key_to_text (keys->pdata[i]);

      cpd_marshal_text (info, text);
    }
  cpd_marshal_end_array (info, array);
}

static void
add_warnings (CpdMarshal *info, GStrv warnings)
{
  CpdMarshalArray array;

  if (warnings == NULL)
    return;
  cpd_marshal_name (info, "warnings", "as");
  array = cpd_marshal_begin_array (info, 4);
  for (size_t i = 0; warnings[i] != NULL; i++)
    cpd_marshal_text (info, warnings[i]);
  cpd_marshal_end_array (info, array);
}

/* `verdict`: one that passed. Adds what it proves to the entries of a reply's `info`. */
void
cpd_describe_evidence (const CpdVerdict *verdict, CpdMarshal *info)
{
  if (verdict->matched_key != NULL)
    {
      g_autofree char *key = certpin_key_to_text (verdict->matched_key);

      add_text (info, "matched-key", key);
      cpd_marshal_name (info, "matched-position", "u");
      cpd_marshal_number (info, verdict->matched_position);
    }
  add_keys (info, "path-keys", verdict->path_keys);
  if (verdict->ocsp != NULL)
    add_text (info, "ocsp", verdict->ocsp);
  cpd_marshal_name (info, "generation", "t");
  cpd_marshal_long (info, verdict->policy->generation);
  add_warnings (info, verdict->warnings);
  if (verdict->paused_until == 0)
    return;
  cpd_marshal_name (info, "paused-until", "x");
  cpd_marshal_long (info, (guint64)verdict->paused_until);
}

/* Adds the refusal that there would be in another mode. `report`: (nullable) */
void
cpd_describe_report (const CpdVerdict *report, gint64 now, CpdMarshal *info)
{
  g_autoptr (GVariant) failure = NULL;

  if (report == NULL)
    return;
  failure = g_variant_ref_sink (cpd_describe_failure (report, now));
  cpd_marshal_name (info, "report", g_variant_get_type_string (failure));
  cpd_marshal_value (info, failure);
}
