/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin.h"
#include "tests/lib/test-pki.h"

G_BEGIN_DECLS

CpdHost *test_host (const char *text);
CertpinKey *test_key (guint8 fill);
CpdCertificate *test_certificate (TestIdentity *identity);

GPtrArray *test_ders (TestIdentity *first, ...) G_GNUC_NULL_TERMINATED;
GPtrArray *test_chain (TestIdentity *first, ...) G_GNUC_NULL_TERMINATED;
CpdAnchors *test_anchors (TestIdentity *first, ...) G_GNUC_NULL_TERMINATED;

CpdPin *test_pin (const char *host, CpdLayer layer, guint8 fill);

char *test_folder_new (void);
void test_folder_remove (char *path);
char *test_folder_write (const char *folder, const char *name, const char *contents);

/* A temporary folder that goes with everything in it. */
typedef char TestFolder;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestFolder, test_folder_remove)

G_END_DECLS
