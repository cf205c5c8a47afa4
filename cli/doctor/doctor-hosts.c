/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tries hosts: which pins apply, and whether the server passes in a handshake of now. Not a byte of
 * data is sent. A few are tried at a time. */

#include "config.h"

#include "cli/doctor/doctor-hosts.h"

#include "cli/certpinctl-progress.h"
#include "cli/certpinctl-reply.h"
#include "cli/certpinctl-wait.h"
#include "cli/doctor/doctor-diagnosis.h"

#include <glib/gi18n.h>

/* The service sets up four connections of a user at a time: one is left for other programs. */
#define AT_A_TIME 3
#define TICK_MS   200

typedef struct _Trials Trials;

/* Of one host. */
typedef struct
{
  Trials *trials; /* that it belongs to */
  CtlExam facts;
  gboolean ended;
} Trial;

struct _Trials
{
  Ctl *ctl;
  GVariant *options; /* of FetchChain */
  Trial *all;
  unsigned int count;
  unsigned int begun;
  unsigned int ended;
  unsigned int told; /* the first so many */
  CtlProgress progress;
};

static void begin_more (Trials *trials);

static void
trial_end (Trial *trial)
{
  trial->ended = TRUE;
  trial->trials->ended++;
  begin_more (trial->trials);
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Trial *trial = user_data;
  CtlExam *facts = &trial->facts;

  facts->info = ctl_reply_take_record (
      certpin_client_fetch_chain_finish (CERTPIN_CLIENT (source), result, &facts->error),
      CTL_REPLY_CHAIN, &facts->error);
  trial_end (trial);
}

/* A host whose pins refuse every server is not connected to. */
static void
on_explained (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Trial *trial = user_data;
  CtlExam *facts = &trial->facts;

  facts->explanation = ctl_reply_take_record (
      certpin_client_explain_host_finish (CERTPIN_CLIENT (source), result, &facts->error),
      CTL_REPLY_EXPLANATION, &facts->error);
  if (facts->explanation == NULL || ctl_diagnosis_of_pins (facts->explanation) != NULL)
    trial_end (trial);
  else
    certpin_client_fetch_chain_async (CERTPIN_CLIENT (source), facts->host, trial->trials->options,
                                      trial->trials->ctl->cancellable, on_fetched, trial);
}

static void
begin_more (Trials *trials)
{
  while (trials->begun < trials->count && trials->begun - trials->ended < AT_A_TIME)
    {
      Trial *trial = &trials->all[trials->begun++];

      certpin_client_explain_host_async (trials->ctl->client, trial->facts.host,
                                         /* options= */ NULL, trials->ctl->cancellable,
                                         on_explained, trial);
    }
}

/* Whether the next one to tell of has ended. */
static gboolean
has_news (gpointer data)
{
  Trials *trials = data;

  return trials->all[trials->told].ended;
}

static gboolean
on_tick (gpointer data)
{
  Trials *trials = data;
  g_autofree char *text
      = g_strdup_printf (_ ("tried %u of %u hosts"), trials->ended, trials->count);

  ctl_progress_say (&trials->progress, text);
  return G_SOURCE_CONTINUE;
}

static gboolean
all_ended (gpointer data)
{
  Trials *trials = data;

  return trials->ended == trials->begun;
}

/* No call may be under way when they go away. */
static void
trials_clear (Trials *trials)
{
  trials->count = trials->begun;
  ctl_wait_until (trials->ctl, all_ended, trials);
  for (unsigned int i = 0; i < trials->begun; i++)
    ctl_exam_clear (&trials->all[i].facts);
  g_free (trials->all);
}

/* Returns: FALSE if it was interrupted */
gboolean
ctl_hosts_try (Ctl *ctl, const CtlHostsTask *task, CtlOnFinding on_finding, gpointer user_data)
{
  Trials trials
      = { .ctl = ctl, .options = task->options, .count = g_strv_length ((char **)task->hosts) };
  unsigned int tick = g_timeout_add (TICK_MS, on_tick, &trials);

  ctl_progress_init (&trials.progress, ctl->json ? NULL : &ctl->err);
  trials.all = g_new0 (Trial, trials.count);
  for (unsigned int i = 0; i < trials.count; i++)
    trials.all[i] = (Trial){ .trials = &trials, .facts.host = task->hosts[i] };
  begin_more (&trials);
  for (; trials.told < trials.count && !g_cancellable_is_cancelled (ctl->cancellable);
       trials.told++)
    {
      const CtlExam *exam = &trials.all[trials.told].facts;

      ctl_wait_until (ctl, has_news, &trials);
      ctl_progress_end (&trials.progress);
      ctl_survey_note (task->survey, exam);
      if (!g_cancellable_is_cancelled (ctl->cancellable))
        on_finding (ctl_diagnosis_new (ctl, exam), user_data);
    }
  g_source_remove (tick);
  ctl_progress_end (&trials.progress);
  trials_clear (&trials);
  return !g_cancellable_is_cancelled (ctl->cancellable);
}
