/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What logind says when the machine wakes up. Where nothing has logind's name, nothing is said, and
 * nothing is started for it. */

#include "config.h"

#include "daemon/cpd-sleep.h"

static void
on_prepare_for_sleep (GDBusConnection *connection, const char *sender, const char *path,
                      const char *interface, const char *signal, GVariant *parameters,
                      gpointer user_data)
{
  gboolean goes_to_sleep;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(b)")))
    return;
  g_variant_get (parameters, "(b)", &goes_to_sleep);
  if (!goes_to_sleep)
    cpd_channel_fetcher_leave_networks (CPD_CHANNEL_FETCHER (user_data));
}

/* For as long as the connection exists. */
void
cpd_sleep_watch (GDBusConnection *connection, CpdChannelFetcher *fetcher)
{
  g_dbus_connection_signal_subscribe (
      connection, "org.freedesktop.login1", "org.freedesktop.login1.Manager", "PrepareForSleep",
      "/org/freedesktop/login1", /* arg0= */ NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_prepare_for_sleep,
      g_object_ref (fetcher), g_object_unref);
}
