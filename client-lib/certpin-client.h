/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-chain.h>
#include <certpin-connection-end.h>
#include <certpin-evidence.h>
#include <certpin-explanation.h>
#include <certpin-failure.h>
#include <certpin-imported-pin.h>
#include <certpin-pin-change.h>
#include <certpin-pin-file.h>
#include <certpin-pin.h>
#include <certpin-request.h>
#include <certpin-response.h>
#include <certpin-service-status.h>
#include <certpin-sighting.h>
#include <certpin-version.h>
#include <gio/gio.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_CLIENT (certpin_client_get_type ())

/**
 * CertpinClient:
 *
 * A client of the certpin service. All clients of a program share one connection to the bus, so it
 * makes no difference whether a program has one client or many. Every function may be called from
 * any thread and in any callback, even while other calls are in progress. Calls are sent in order;
 * at most 64 are in progress at a time, and the others wait in the library.
 *
 * The options of a call are a dictionary of type `a{sv}`, or %NULL for none. They are documented
 * with the D-Bus method that the function names.
 *
 * The service has one minute to answer a call, or five if it may ask for a password
 * (#CertpinClient:interactive). A request has a timeout of its own, the option `timeout-ms`.
 *
 * If the service ends during a call that changes nothing, as in an upgrade, the library makes the
 * call once more, which starts the service again. So it does with requests whose method is `GET`,
 * `HEAD` or `OPTIONS`, unless their body comes from a file or stream, or has more than 1 MiB. No
 * other request is ever made twice, and no call of a connection that has had transient pins
 * (%CERTPIN_SCOPE_TRANSIENT), since these end with the service.
 *
 * Each call can fail with the errors that its function lists, and with these:
 *
 * - `CERTPIN_ERROR_SERVICE_UNAVAILABLE`: the bus or the service cannot be reached, the service
 *   ended during the call (see above), or this process was forked from one that uses certpin
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: this program may not call the service
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the call is larger than 25 MiB, or this program has reached a
 *   limit of the bus or of the service
 * - `CERTPIN_ERROR_TIMED_OUT`: the service did not answer in time
 * - `G_IO_ERROR_CANCELLED`: the #GCancellable of the call was cancelled
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: the options are not an `a{sv}`, or cannot be sent over D-Bus
 * - `CERTPIN_ERROR_FAILED`: the service failed, or its reply is not valid
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinClient, certpin_client, CERTPIN, CLIENT, GObject)

CERTPIN_API CertpinClient *certpin_client_new (void);
CERTPIN_API CertpinClient *certpin_client_new_for_connection (GDBusConnection *connection);

CERTPIN_API void certpin_client_set_interactive (CertpinClient *client, gboolean interactive);
CERTPIN_API gboolean certpin_client_get_interactive (CertpinClient *client);

CERTPIN_API void certpin_client_set_watching (CertpinClient *client, gboolean watching);
CERTPIN_API gboolean certpin_client_get_watching (CertpinClient *client);

CERTPIN_API gboolean certpin_client_get_connected (CertpinClient *client);

CERTPIN_API void
certpin_client_pin_certificate_from_file_async (CertpinClient *client, const char *host,
                                                GFile *file, GVariant *options,
                                                GCancellable *cancellable,
                                                GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_pin_certificate_from_file_finish (CertpinClient *client, GAsyncResult *result,
                                                 GError **error);
CERTPIN_API CertpinPin *
certpin_client_pin_certificate_from_file (CertpinClient *client, const char *host, GFile *file,
                                          GVariant *options, GCancellable *cancellable,
                                          GError **error);

CERTPIN_API void
certpin_client_secure_request_async (CertpinClient *client, CertpinRequest *request,
                                     GVariant *options, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinResponse *
certpin_client_secure_request_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinResponse *
certpin_client_secure_request (CertpinClient *client, CertpinRequest *request, GVariant *options,
                               GCancellable *cancellable, GError **error);

CERTPIN_API void certpin_client_send_async (CertpinClient *client, CertpinRequest *request,
                                            GVariant *options, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinResponse *
certpin_client_send_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinResponse *
certpin_client_send (CertpinClient *client, CertpinRequest *request, GVariant *options,
                     GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_download_async (CertpinClient *client, CertpinRequest *request, GFile *file,
                               GVariant *options, GCancellable *cancellable,
                               GFileProgressCallback progress, gpointer progress_data,
                               GDestroyNotify progress_destroy, GAsyncReadyCallback callback,
                               gpointer user_data);
CERTPIN_API CertpinResponse *
certpin_client_download_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinResponse *
certpin_client_download_get_failed_response (CertpinClient *client, GAsyncResult *result);
CERTPIN_API CertpinResponse *
certpin_client_download (CertpinClient *client, CertpinRequest *request, GFile *file,
                         GVariant *options, GCancellable *cancellable,
                         GFileProgressCallback progress, gpointer progress_data, GError **error);

CERTPIN_API void
certpin_client_upload_async (CertpinClient *client, CertpinRequest *request, GInputStream *body,
                             gint64 length, GVariant *options, GCancellable *cancellable,
                             GFileProgressCallback progress, gpointer progress_data,
                             GDestroyNotify progress_destroy, GAsyncReadyCallback callback,
                             gpointer user_data);
CERTPIN_API CertpinResponse *
certpin_client_upload_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinResponse *
certpin_client_upload (CertpinClient *client, CertpinRequest *request, GInputStream *body,
                       gint64 length, GVariant *options, GCancellable *cancellable,
                       GFileProgressCallback progress, gpointer progress_data, GError **error);

CERTPIN_API void
certpin_client_open_connection_async (CertpinClient *client, const char *host, guint16 port,
                                      GSocketConnection *starttls, GVariant *options,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
CERTPIN_API GSocketConnection *
certpin_client_open_connection_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API GSocketConnection *
certpin_client_open_connection (CertpinClient *client, const char *host, guint16 port,
                                GSocketConnection *starttls, GVariant *options,
                                GCancellable *cancellable, GError **error);
CERTPIN_API CertpinEvidence *
certpin_client_get_connection_evidence (CertpinClient *client, GSocketConnection *connection);
CERTPIN_API void
certpin_client_get_connection_end_async (CertpinClient *client, GSocketConnection *connection,
                                         GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data);
CERTPIN_API CertpinConnectionEnd *
certpin_client_get_connection_end_finish (CertpinClient *client, GAsyncResult *result,
                                          GError **error);
CERTPIN_API CertpinConnectionEnd *
certpin_client_get_connection_end (CertpinClient *client, GSocketConnection *connection,
                                   GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_fetch_chain_async (CertpinClient *client, const char *host, GVariant *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
CERTPIN_API CertpinChain *
certpin_client_fetch_chain_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinChain *
certpin_client_fetch_chain (CertpinClient *client, const char *host, GVariant *options,
                            GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_pin_certificate_async (CertpinClient *client, const char *host, GBytes *certificate,
                                      GVariant *options, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_pin_certificate_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinPin *
certpin_client_pin_certificate (CertpinClient *client, const char *host, GBytes *certificate,
                                GVariant *options, GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_pin_keys_async (CertpinClient *client, const char *host, const char *const *keys,
                               GVariant *options, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_pin_keys_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinPin *
certpin_client_pin_keys (CertpinClient *client, const char *host, const char *const *keys,
                         GVariant *options, GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_add_keys_async (CertpinClient *client, const char *host, const char *const *keys,
                               GVariant *options, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_add_keys_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinPin *
certpin_client_add_keys (CertpinClient *client, const char *host, const char *const *keys,
                         GVariant *options, GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_remove_keys_async (CertpinClient *client, const char *host, const char *const *keys,
                                  GVariant *options, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_remove_keys_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinPin *
certpin_client_remove_keys (CertpinClient *client, const char *host, const char *const *keys,
                            GVariant *options, GCancellable *cancellable, GError **error);

CERTPIN_API void certpin_client_pause_pin_async (CertpinClient *client, const char *host,
                                                 GVariant *options, GCancellable *cancellable,
                                                 GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_pause_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinPin *
certpin_client_pause_pin (CertpinClient *client, const char *host, GVariant *options,
                          GCancellable *cancellable, GError **error);

CERTPIN_API void certpin_client_resume_pin_async (CertpinClient *client, const char *host,
                                                  GVariant *options, GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_resume_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinPin *
certpin_client_resume_pin (CertpinClient *client, const char *host, GVariant *options,
                           GCancellable *cancellable, GError **error);

CERTPIN_API void certpin_client_unpin_async (CertpinClient *client, const char *host,
                                             GVariant *options, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API gboolean certpin_client_unpin_finish (CertpinClient *client, GAsyncResult *result,
                                                  GError **error);
CERTPIN_API gboolean certpin_client_unpin (CertpinClient *client, const char *host,
                                           GVariant *options, GCancellable *cancellable,
                                           GError **error);

CERTPIN_API void
certpin_client_block_host_async (CertpinClient *client, const char *host, const char *reason,
                                 GVariant *options, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API gboolean certpin_client_block_host_finish (CertpinClient *client, GAsyncResult *result,
                                                       GError **error);
CERTPIN_API gboolean certpin_client_block_host (CertpinClient *client, const char *host,
                                                const char *reason, GVariant *options,
                                                GCancellable *cancellable, GError **error);

CERTPIN_API void certpin_client_get_pin_async (CertpinClient *client, const char *host,
                                               GVariant *options, GCancellable *cancellable,
                                               GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinPin *
certpin_client_get_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinPin *
certpin_client_get_pin (CertpinClient *client, const char *host, GVariant *options,
                        GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_list_pins_async (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API GPtrArray *
certpin_client_list_pins_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API GPtrArray *certpin_client_list_pins (CertpinClient *client, GVariant *options,
                                                 GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_export_pins_async (CertpinClient *client, GVariant *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
CERTPIN_API GPtrArray *
certpin_client_export_pins_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API GPtrArray *certpin_client_export_pins (CertpinClient *client, GVariant *options,
                                                   GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_import_pins_async (CertpinClient *client, const char *text, GVariant *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
CERTPIN_API GPtrArray *
certpin_client_import_pins_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API GPtrArray *
certpin_client_import_pins (CertpinClient *client, const char *text, GVariant *options,
                            GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_last_failure_async (CertpinClient *client, const char *host,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
CERTPIN_API CertpinFailure *
certpin_client_last_failure_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinFailure *certpin_client_last_failure (CertpinClient *client, const char *host,
                                                         GCancellable *cancellable, GError **error);

CERTPIN_API void certpin_client_get_status_async (CertpinClient *client, GVariant *options,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinServiceStatus *
certpin_client_get_status_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinServiceStatus *
certpin_client_get_status (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                           GError **error);

CERTPIN_API void certpin_client_list_users_async (CertpinClient *client, GVariant *options,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API GArray *
certpin_client_list_users_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API GArray *certpin_client_list_users (CertpinClient *client, GVariant *options,
                                               GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_list_apps_async (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API char **
certpin_client_list_apps_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API char **certpin_client_list_apps (CertpinClient *client, GVariant *options,
                                             GCancellable *cancellable, GError **error);

CERTPIN_API void certpin_client_reload_async (CertpinClient *client, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API gboolean certpin_client_reload_finish (CertpinClient *client, GAsyncResult *result,
                                                   GError **error);
CERTPIN_API gboolean certpin_client_reload (CertpinClient *client, GCancellable *cancellable,
                                            GError **error);

CERTPIN_API void
certpin_client_explain_host_async (CertpinClient *client, const char *host, GVariant *options,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
CERTPIN_API CertpinExplanation *
certpin_client_explain_host_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinExplanation *
certpin_client_explain_host (CertpinClient *client, const char *host, GVariant *options,
                             GCancellable *cancellable, GError **error);

CERTPIN_API void
certpin_client_verify_chain_async (CertpinClient *client, const char *host, GPtrArray *chain,
                                   GVariant *options, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
CERTPIN_API CertpinChain *
certpin_client_verify_chain_finish (CertpinClient *client, GAsyncResult *result, GError **error);
CERTPIN_API CertpinChain *
certpin_client_verify_chain (CertpinClient *client, const char *host, GPtrArray *chain,
                             GVariant *options, GCancellable *cancellable, GError **error);

G_END_DECLS
