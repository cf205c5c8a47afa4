/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* thread URL: makes a request in a thread that has a main context of its own. */

#include <certpin.h>
#include <locale.h>

typedef struct
{
  CertpinClient *client;
  CertpinRequest *request;
  GMainLoop *loop;
  CertpinResponse *response;
  GError *error;
} Job;

/* Called in the thread that made the call, since its context was the thread-default one. */
static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Job *job = user_data;

  job->response = certpin_client_secure_request_finish (job->client, result, &job->error);
  g_main_loop_quit (job->loop);
}

static gpointer
run (gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Job *job = user_data;

  g_main_context_push_thread_default (context);
  job->loop = g_main_loop_new (context, FALSE);
  certpin_client_secure_request_async (job->client, job->request, NULL, NULL, on_response, job);
  g_main_loop_run (job->loop);
  g_main_loop_unref (job->loop);
  g_main_context_pop_thread_default (context);
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  Job job = { .client = client };

  setlocale (LC_ALL, "");
  if (argc != 2)
    return 2;
  request = certpin_request_new ("GET", argv[1], NULL, NULL, &error);
  if (request != NULL)
    {
      job.request = request;
      g_thread_join (g_thread_new ("request", run, &job));
      response = job.response;
      error = job.error;
    }
  if (response == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_print ("%u\n", certpin_response_get_status (response));
  return 0;
}
