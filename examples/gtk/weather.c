/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An app that trusts one server: its own. At its first start, it pins the certificate that came
 * with it; from then on, it asks the server for readings, and if another one answers, it tells
 * people what that means. It works outside a sandbox, and is made for inside one: see README.md. */

#include <certpin.h>
#include <gtk/gtk.h>

#define APP_ID      "org.example.Weather"
#define DEFAULT_URL "https://weather.example/readings"

/* What people are told of an error. NULL: nothing is to be said. */
typedef struct
{
  const char *icon, *title, *happened, *meaning, *remedy;
} Trouble;

static const Trouble another_server = {
  "dialog-warning-symbolic",
  "This may not be our server",
  "Somebody answers in place of our weather server, or it has a new key.",
  "There is no weather for now. Nothing was sent to the server that answered.",
  "Try another network, such as that of your phone. If that does not help, update the app.",
};
static const Trouble refused = {
  "dialog-warning-symbolic",
  "The weather server cannot be trusted now",
  "The server did not pass a check that protects you.",
  "There is no weather for now. The app does not go on without that check.",
  "Try again later. If that does not help, update the app.",
};
static const Trouble no_network = {
  "network-offline-symbolic",
  "The weather server does not answer",
  "This computer may be offline, or the server may have a break.",
  NULL,
  "See whether you are online, and try again.",
};
static const Trouble broken = {
  "dialog-error-symbolic",
  "The app does not work now",
  "A part of it is missing, is not allowed, or has too much to do.",
  NULL,
  "Try again later. If that does not help, tell us, with the details below.",
};

typedef struct
{
  char *host, *url, *certificate;
  CertpinClient *client;
  GCancellable *cancellable; /* of all calls: they end with the window */
  GSimpleAction *action;     /* of both buttons, and of a key */
  GtkWidget *spinner, *list, *checked;
  GtkWidget *waiting, *readings, *trouble; /* one of these is visible */
  GtkWidget *icon, *title, *advice, *details;
} Weather;

static const Trouble *
trouble_of (const GError *error)
{
  if (error->domain != CERTPIN_ERROR)
    return &broken;
  switch ((CertpinError)error->code)
    {
    case CERTPIN_ERROR_PIN_MISMATCH:
      return &another_server;
    case CERTPIN_ERROR_NOT_PINNED:
    case CERTPIN_ERROR_BLOCKED:
    case CERTPIN_ERROR_PIN_EXPIRED:
    case CERTPIN_ERROR_PIN_CHANGED:
    case CERTPIN_ERROR_UNTRUSTED:
    case CERTPIN_ERROR_TLS_FAILED:
    case CERTPIN_ERROR_ADDRESS_DENIED:
      return &refused;
    case CERTPIN_ERROR_UNREACHABLE:
    case CERTPIN_ERROR_OFFLINE:
    case CERTPIN_ERROR_TIMED_OUT:
    case CERTPIN_ERROR_TRUNCATED:
    case CERTPIN_ERROR_PROTOCOL_ERROR:
    case CERTPIN_ERROR_PROXY_FAILED:
    case CERTPIN_ERROR_PROXY_AUTH_REQUIRED:
      return &no_network;
    default:
      return &broken;
    }
}

static void
set_busy (Weather *weather, gboolean busy)
{
  g_simple_action_set_enabled (weather->action, !busy);
  gtk_spinner_set_spinning (GTK_SPINNER (weather->spinner), busy);
}

/* Not with a GtkStack: screen readers would read its hidden pages as well. */
static void
show_page (Weather *weather, GtkWidget *page)
{
  gtk_widget_set_visible (weather->waiting, page == weather->waiting);
  gtk_widget_set_visible (weather->readings, page == weather->readings);
  gtk_widget_set_visible (weather->trouble, page == weather->trouble);
}

static void
add_advice (GString *markup, const char *heading, const char *text)
{
  if (text != NULL)
    g_string_append_printf (markup, "%s<b>%s</b>\n%s", markup->len > 0 ? "\n\n" : "", heading,
                            text);
}

/* First what it means for people; what it is, for those who open the details. */
static void
show_trouble (Weather *weather, const GError *error)
{
  const Trouble *trouble = trouble_of (error);
  g_autoptr (GString) advice = g_string_new (NULL);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* the window is gone */
  add_advice (advice, "What happened", trouble->happened);
  add_advice (advice, "What it means", trouble->meaning);
  add_advice (advice, "What to do", trouble->remedy);
  gtk_image_set_from_icon_name (GTK_IMAGE (weather->icon), trouble->icon);
  gtk_label_set_label (GTK_LABEL (weather->title), trouble->title);
  gtk_label_set_markup (GTK_LABEL (weather->advice), advice->str);
  gtk_label_set_label (GTK_LABEL (weather->details), error->message);
  set_busy (weather, FALSE);
  show_page (weather, weather->trouble);
}

static GtkWidget *
new_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, style);
  return label;
}

/* `fields`: the place, the temperature in degrees Celsius, and the sky */
static GtkWidget *
new_reading (char **fields)
{
  g_autofree char *degrees = g_strdup_printf ("%s°", fields[1]);
  g_autofree char *spoken = g_strdup_printf ("%s: %s degrees, %s", fields[0], fields[1], fields[2]);
  GtkWidget *reading = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2), *row = gtk_list_box_row_new ();

  gtk_box_append (GTK_BOX (texts), new_label (fields[0], "heading"));
  gtk_box_append (GTK_BOX (texts), new_label (fields[2], "dim-label"));
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (reading), texts);
  gtk_box_append (GTK_BOX (reading), new_label (degrees, "degrees"));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), reading);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  return row;
}

/* `body`: a line for each reading, its fields with tabs between them */
static gboolean
show_readings (Weather *weather, GBytes *body)
{
  g_autofree char *text
      = g_utf8_make_valid (g_bytes_get_data (body, NULL), (gssize)g_bytes_get_size (body));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GtkWidget *old;
  gboolean any = FALSE;

  while ((old = gtk_widget_get_first_child (weather->list)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (weather->list), old);
  for (unsigned int i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], "\t", -1);

      if (g_strv_length (fields) != 3)
        continue;
      gtk_list_box_append (GTK_LIST_BOX (weather->list), new_reading (fields));
      any = TRUE;
    }
  return any;
}

static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Weather *weather = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_secure_request_finish (CERTPIN_CLIENT (source), result, &error);
  unsigned int status = response != NULL ? certpin_response_get_status (response) : 0;

  if (response != NULL
      && (status != 200 || !show_readings (weather, certpin_response_get_body (response))))
    g_set_error (&error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR,
                 "‘%s’ answered with status %u and no readings", weather->host, status);
  if (error != NULL)
    {
      show_trouble (weather, error);
      return;
    }
  set_busy (weather, FALSE);
  show_page (weather, weather->readings);
}

static void
ask (Weather *weather)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", weather->url, NULL, NULL, &error);

  if (request != NULL)
    certpin_client_secure_request_async (weather->client, request, NULL, weather->cancellable,
                                         on_response, weather);
  else
    show_trouble (weather, error);
}

static void
on_pinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) pin
      = certpin_client_pin_certificate_from_file_finish (CERTPIN_CLIENT (source), result, &error);

  if (pin != NULL)
    ask (user_data);
  else
    show_trouble (user_data, error);
}

/* A pin that is there stays: it may be newer than this app. */
static void
on_pin (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Weather *weather = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (weather->certificate);
  g_autoptr (CertpinPin) pin
      = certpin_client_get_pin_finish (CERTPIN_CLIENT (source), result, &error);

  if (pin != NULL)
    ask (weather);
  else if (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    certpin_client_pin_certificate_from_file_async (weather->client, weather->host, file, NULL,
                                                    weather->cancellable, on_pinned, weather);
  else
    show_trouble (weather, error);
}

static void
refresh (Weather *weather)
{
  set_busy (weather, TRUE);
  if (gtk_widget_get_first_child (weather->list) == NULL)
    show_page (weather, weather->waiting);
  certpin_client_get_pin_async (weather->client, weather->host, NULL, weather->cancellable, on_pin,
                                weather);
}

/* The window: weather.ui describes it. */
static void
on_activate (GtkApplication *app, gpointer user_data)
{
  Weather *weather = user_data;
  GtkWindow *window = gtk_application_get_active_window (app);
  g_autoptr (GtkBuilder) builder = NULL;
  g_autoptr (GtkCssProvider) style = NULL;

  if (window != NULL)
    {
      gtk_window_present (window);
      return;
    }
  builder = gtk_builder_new_from_resource ("/org/example/Weather/weather.ui");
  style = gtk_css_provider_new ();
  gtk_css_provider_load_from_resource (style, "/org/example/Weather/weather.css");
  window = GTK_WINDOW (gtk_builder_get_object (builder, "window"));
  gtk_style_context_add_provider_for_display (gtk_widget_get_display (GTK_WIDGET (window)),
                                              GTK_STYLE_PROVIDER (style),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
#define CHILD(name) weather->name = GTK_WIDGET (gtk_builder_get_object (builder, #name))
  CHILD (spinner), CHILD (list), CHILD (checked);
  CHILD (waiting), CHILD (readings), CHILD (trouble);
  CHILD (icon), CHILD (title), CHILD (advice), CHILD (details);
#undef CHILD
  gtk_label_set_label (GTK_LABEL (weather->checked), weather->host);
  g_signal_connect_swapped (window, "destroy", G_CALLBACK (g_cancellable_cancel),
                            weather->cancellable);
  gtk_window_set_application (window, app);
  gtk_window_present (window);
  refresh (weather);
}

static void
on_refresh (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  refresh (user_data);
}

static int
run (Weather *weather)
{
  g_autoptr (GtkApplication) app = gtk_application_new (APP_ID, G_APPLICATION_NON_UNIQUE);
  g_autoptr (GSimpleAction) action = g_simple_action_new ("refresh", NULL);

  weather->action = action;
  g_signal_connect (action, "activate", G_CALLBACK (on_refresh), weather);
  g_action_map_add_action (G_ACTION_MAP (app), G_ACTION (action));
  gtk_application_set_accels_for_action (app, "app.refresh",
                                         (const char *[]){ "F5", "<Control>r", NULL });
  gtk_application_set_accels_for_action (app, "window.close",
                                         (const char *[]){ "<Control>q", NULL });
  g_signal_connect (app, "activate", G_CALLBACK (on_activate), weather);
  return g_application_run (G_APPLICATION (app), 0, NULL);
}

/* `argv`: [URL [CERTIFICATE]] */
int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const char *url = argc > 1 ? argv[1] : DEFAULT_URL;
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  g_autofree char *host = uri != NULL ? g_strdup (g_uri_get_host (uri)) : NULL;
  Weather weather = { .client = client, .cancellable = cancellable, .host = host };

  if (argc > 3 || host == NULL)
    {
      g_printerr ("Usage: certpin-weather [URL [CERTIFICATE]]\n");
      return 2;
    }
  g_set_prgname (APP_ID); /* by which desktops find its icon */
  g_set_application_name ("Weather");
  weather.url = (char *)url;
  weather.certificate = argc > 2 ? argv[2] : (char *)WEATHER_CERTIFICATE;
  return run (&weather);
}
