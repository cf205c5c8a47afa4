/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-anchors.h"
#include "daemon/core/trust/cpd-ocsp.h"

G_BEGIN_DECLS

/* Longer chains are refused. */
#define CPD_TRUST_PRESENTED_MAX 64

/* Why a chain is not trusted. Of several reasons, the most useful one is given: the problem of the
 * path that came furthest. */
typedef enum
{
  CPD_PROBLEM_NONE,
  CPD_PROBLEM_MALFORMED,      /* no chain, or the server's own certificate cannot be read */
  CPD_PROBLEM_UNKNOWN_ISSUER, /* no path to an anchor */
  CPD_PROBLEM_SELF_SIGNED,    /* the server's certificate is its own issuer, and no anchor */
  CPD_PROBLEM_NAME,           /* the certificate is for other hosts */
  CPD_PROBLEM_EXPIRED,
  CPD_PROBLEM_NOT_YET_VALID,
  CPD_PROBLEM_CLOCK,       /* this machine's clock is before this build's date */
  CPD_PROBLEM_PURPOSE,     /* not for servers */
  CPD_PROBLEM_WEAK,        /* a key or signature too weak, or too large to be reasonable */
  CPD_PROBLEM_CONSTRAINTS, /* basic or name constraints, versions */
  CPD_PROBLEM_LENGTH,      /* more certificates on the path than are followed */
  CPD_PROBLEM_REVOKED,     /* as the stapled OCSP response says */
  CPD_PROBLEM_OCSP,        /* the certificate demands a good OCSP response, and has none */
} CpdProblem;

typedef enum
{
  CPD_PURPOSE_SERVER,
  CPD_PURPOSE_ANY,
} CpdPurpose;

/* A validated path: each certificate is signed by the next, and the last one is an anchor. Only
 * cpd-trust makes them. */
typedef struct
{
  GPtrArray *certificates; /* of CpdCertificate, leaf first, anchor last */
  gint64 valid_from;  /* Unix seconds: all of them are valid, with the OCSP response that the … */
  gint64 valid_until; /* … server's demands, from and until then, both included */
} CpdPath;

/* The result of validating a chain with one set of anchors. An immutable, reference-counted
 * value. */
typedef struct
{
  CpdAnchors *anchors;
  GPtrArray *paths; /* of CpdPath: all valid paths; none if `problem` is set */
  CpdProblem problem;
  char *detail; /* a sentence about the problem; NULL if there is none */
  CpdOcsp ocsp; /* of the server's certificate */
  gint64 now;   /* Unix seconds: the time of the validation */
} CpdValidation;

/* What is to be proved of a chain. */
typedef struct
{
  const char *name; /* canonical host name or address; NULL: none is checked */
  CpdPurpose purpose;
  gint64 now;          /* Unix seconds */
  gint64 earliest;     /* a clock before this moment is wrong; 0: any will do */
  gboolean handshaken; /* the chain is from a handshake, in which a response could be stapled */
  GBytes *stapled;     /* the OCSP response of the server's certificate; NULL: none */
} CpdTrustQuestion;

CpdValidation *
cpd_trust_validate (CpdAnchors *anchors, GPtrArray *chain, const CpdTrustQuestion *question);
CpdValidation *cpd_validation_ref (CpdValidation *validation);
void cpd_validation_unref (CpdValidation *validation);

const char *cpd_problem_get_name (CpdProblem problem);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdValidation, cpd_validation_unref)

G_END_DECLS
