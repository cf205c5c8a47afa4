/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-address-rules.h"
#include "daemon/core/base/cpd-proxies.h"

G_BEGIN_DECLS

/* certpind.conf, read once. docs/man/certpind.conf.5 describes each value. */
typedef struct
{
  guint64 pins_per_uid;
  guint64 pin_bytes_per_uid;
  guint64 url_bytes;
  guint64 headers;
  guint64 header_bytes;
  guint64 inline_body_bytes;
  guint64 body_bytes_per_uid;
  guint64 running_per_uid;
  guint64 waiting_per_uid;
  guint64 running;
  guint64 streams_per_uid;
  guint64 streams;
  guint64 stream_idle_s;
  guint64 tunnels_per_uid;
  guint64 tunnels;
  guint64 connections_per_channel;
  guint64 channel_idle_s;
  char *trust_file;       /* a PEM bundle, or a PKCS#11 URL */
  GStrv local_trust_dirs; /* of authorities that the administrator added */
  CpdAddressRules *address_rules;
  CpdProxies *proxies;
} CpdConfig;

CpdConfig *cpd_config_new (void);
CpdConfig *cpd_config_load (const char *path, GPtrArray *warnings, GPtrArray *problems);
void cpd_config_free (CpdConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdConfig, cpd_config_free)

G_END_DECLS
