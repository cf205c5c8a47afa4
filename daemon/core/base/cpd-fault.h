/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-owner.h"

G_BEGIN_DECLS

/* Of all files together, no more than that are listed. */
#define CPD_FAULTS_MAX 1000

/* What is wrong with a file, or with something else that is read. A reference-counted value. */
typedef struct
{
  char *file;        /* its path; NULL: the sentence says what it is about */
  unsigned int line; /* from 1; 0: it is not about one line */
  char *key;         /* in that line; NULL: it is not about one key */
  char *sentence;    /* without a period */
  CpdOwner owner;    /* whom alone it concerns, beside root; CPD_ALL_UIDS: everybody */
  gboolean says_all; /* the sentence also says what follows, and what to do */
  unsigned int more; /* stands for so many that are not listed; 0: for itself */
} CpdFault;

CpdFault *
cpd_fault_new (const char *file, unsigned int line, const char *key, const char *sentence);
CpdFault *cpd_fault_ref (CpdFault *fault);
void cpd_fault_unref (CpdFault *fault);
char *cpd_fault_to_text (const CpdFault *fault);

GPtrArray *cpd_faults_new (void);
void cpd_faults_take (GPtrArray *faults, unsigned int most, CpdFault *fault);
void cpd_faults_tell (GPtrArray *faults, const char *sentence);
void cpd_faults_tell_all (GPtrArray *faults, CpdOwner owner, const char *file, char *sentence);
void cpd_faults_add_all (GPtrArray *faults, GPtrArray *others);
void cpd_faults_add_all_of (GPtrArray *faults, GPtrArray *others, CpdOwner owner);
void cpd_faults_sort (GPtrArray *faults);
unsigned int cpd_faults_count (GPtrArray *faults);
char *cpd_faults_summarise (GPtrArray *faults, gsize most_bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdFault, cpd_fault_unref)

G_END_DECLS
