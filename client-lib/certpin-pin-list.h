/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-client.h>
#include <certpin-pin.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_PIN_LIST (certpin_pin_list_get_type ())

/**
 * CertpinPinList:
 *
 * A #GListModel of all pins that the user may see, as #CertpinPin, in the order of
 * certpin_client_list_pins(). It fills itself and follows changes: of the user's programs, of the
 * administrator, of files, and across restarts of the service and of the bus.
 *
 * A pin that changes is replaced by another #CertpinPin; one that does not keeps its object. So
 * #GListModel::items-changed names no more than what changed. Only where a file pins a host that is
 * also pinned at run time for the whole system, one of these two can take the place of the other in
 * the signal. A service that restarts counts its
 * changes anew; that alone is no change, so that #CertpinPin:generation of a pin in a list may be
 * of an earlier run of the service.
 *
 * The list calls the service in the background, one call at a time, and emits its signals in the
 * main context that was the thread-default one when it was made; use it only there. While the
 * service cannot be reached, the list keeps what it knows, #CertpinPinList:error says why, and it
 * loads again as soon as the service is back.
 *
 * That time has passed, so that a pin has expired, is no change: who shows that compares
 * #CertpinPin:expires with the clock.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinPinList, certpin_pin_list, CERTPIN, PIN_LIST, GObject)

CERTPIN_API CertpinPinList *certpin_pin_list_new (CertpinClient *client);

CERTPIN_API gboolean certpin_pin_list_get_loading (CertpinPinList *list);
CERTPIN_API const GError *certpin_pin_list_get_error (CertpinPinList *list);
CERTPIN_API void certpin_pin_list_reload (CertpinPinList *list);

G_END_DECLS
