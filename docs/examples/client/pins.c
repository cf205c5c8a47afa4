/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pins HOST KEY...: pins a host to the keys that this program comes with, unless that was done
 * before, and goes on to tell of what happens to pins, until it is interrupted. */

#include <certpin.h>
#include <glib-unix.h>
#include <locale.h>

static void
on_key_seen (CertpinClient *client, const char *host, CertpinSighting *sighting, gpointer user_data)
{
  if (certpin_sighting_get_position (sighting) > 0)
    g_print ("%s has begun to use the next key: ship an update that has one more\n", host);
}

static void
on_pin_changed (CertpinClient *client, const char *host, CertpinPinChange *change,
                gpointer user_data)
{
  const char *by = certpin_pin_change_get_created_by (change);

  switch (certpin_pin_change_get_change (change))
    {
    case CERTPIN_CHANGE_MISSED:
    case CERTPIN_CHANGE_RELOADED:
      g_print ("any pin may have changed\n");
      break;
    case CERTPIN_CHANGE_REMOVED:
      g_print ("%s: unpinned\n", host);
      break;
    case CERTPIN_CHANGE_PINNED:
      g_print ("%s: pinned by %s\n", host, by != NULL ? by : "somebody");
      break;
    default:
      g_print ("%s: changed\n", host);
    }
}

/* Pins are for all programs of the user: one that is there may be newer than this program. So the
 * host is pinned only if it is certain that there is none. */
static gboolean
ensure_pin (CertpinClient *client, const char *host, const char *const *keys, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (CertpinPin) pin = certpin_client_get_pin (client, host, NULL, NULL, &reason);
  g_autoptr (CertpinPinBuilder) builder = NULL;
  g_autoptr (GVariant) options = NULL;

  if (pin != NULL)
    return TRUE;
  if (!g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  builder = certpin_pin_builder_new ();
  certpin_pin_builder_set_note (builder, "keys that came with the shop's app");
  options = certpin_pin_builder_build (builder);
  pin = certpin_client_pin_keys (client, host, keys, options, NULL, error);
  return pin != NULL;
}

static gboolean
on_interrupt (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (argc < 3)
    return 2;
  g_signal_connect (client, "key-seen", G_CALLBACK (on_key_seen), NULL);
  g_signal_connect (client, "pin-changed", G_CALLBACK (on_pin_changed), NULL);
  certpin_client_set_watching (client, TRUE);
  if (!ensure_pin (client, argv[1], (const char *const *)argv + 2, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_unix_signal_add (SIGINT, on_interrupt, loop);
  g_main_loop_run (loop);
  return 0;
}
