/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-link.h"

G_BEGIN_DECLS

/* The command line. NULL: not given. */
typedef struct
{
  char *bus;
  char *authority;
  char *config_file;
  char *state_dir;
  GStrv pins_dirs;
  char *trust_file;
  gboolean replace, check, verbose, version;
} CpdArguments;

gboolean cpd_arguments_parse (CpdArguments *arguments, int argc, char **argv, GError **error);
void cpd_arguments_clear (CpdArguments *arguments);

gboolean cpd_arguments_want_polkit (const CpdArguments *arguments);
CpdLink *
cpd_arguments_connect (const CpdArguments *arguments, GDBusConnection **quiet, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CpdArguments, cpd_arguments_clear)

G_END_DECLS
