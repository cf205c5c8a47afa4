/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All of certpin's names on the bus and in the journal, and those of the bus itself: no other C file
 * spells them. */

#pragma once

#define CERTPIN_BUS_NAME       "org.certpin.Certpin1"
#define CERTPIN_OBJECT_PATH    "/org/certpin/Certpin1"
#define CERTPIN_PINS_IFACE     "org.certpin.Certpin1.Pins"
#define CERTPIN_REQUESTS_IFACE "org.certpin.Certpin1.Requests"
#define CERTPIN_REQUEST_IFACE  "org.certpin.Certpin1.Request"
#define CERTPIN_PIN_IFACE      "org.certpin.Certpin1.Pin"
#define CERTPIN_CHANNEL_IFACE  "org.certpin.Certpin1.Channel"
#define CERTPIN_REQUEST_PATH   "/org/certpin/Certpin1/request"
#define CERTPIN_PIN_PATH       "/org/certpin/Certpin1/pin"
#define CERTPIN_CHANNEL_PATH   "/org/certpin/Certpin1/channel"
#define CERTPIN_ERROR_PREFIX   "org.certpin.Certpin1.Error."

/* The bus itself, whose interface has the same name (D-Bus Specification, “Message Bus Messages”),
 * and the prefix of the errors that every service may use. */
#define DBUS_NAME         "org.freedesktop.DBus"
#define DBUS_PATH         "/org/freedesktop/DBus"
#define DBUS_ERROR_PREFIX "org.freedesktop.DBus.Error."

/* polkit actions; policy/org.certpin.Certpin1.policy.in gives their defaults. */
#define CERTPIN_ACTION_OWN_PINS       "org.certpin.manage-own-pins"
#define CERTPIN_ACTION_SECURE_REQUEST "org.certpin.secure-request"
#define CERTPIN_ACTION_APP_PINS       "org.certpin.app-manage-pins"
#define CERTPIN_ACTION_APP_REQUEST    "org.certpin.app-request"
#define CERTPIN_ACTION_SYSTEM_PINS    "org.certpin.manage-system-pins"
#define CERTPIN_ACTION_PAUSE          "org.certpin.pause"
#define CERTPIN_ACTION_INSPECT_ALL    "org.certpin.inspect-all"

/* Journal: one MESSAGE_ID for each kind of security event, so that an administrator can ask for it. */
#define CERTPIN_MESSAGE_PIN_CHANGED  "dd3181eed1e837bac16a6666d1aa5ddc"
#define CERTPIN_MESSAGE_PIN_REMOVED  "fea1b2dc31df477582e4f03c2b22090a"
#define CERTPIN_MESSAGE_HOST_BLOCKED "ec9d9fc626014bcfaa0a508b25823340"
#define CERTPIN_MESSAGE_RELOADED     "0b623095d5ce4317a09731a31b64ce3f"
#define CERTPIN_MESSAGE_LEFT_OUT     "a158ccd1403c4699b77e572759193fec"
#define CERTPIN_MESSAGE_PIN_KEPT     "5d665fe7505146188c7ace592bfa7b9e"
#define CERTPIN_MESSAGE_PIN_PAUSED   "f0ebbc16efdb4d128116262628e54005"
#define CERTPIN_MESSAGE_PIN_RESUMED  "3273a2d98c82434db8d9932b7e1f8aa0"
#define CERTPIN_MESSAGE_PIN_FAILED   "a115798a6d2974a15de327c80fc37430"
#define CERTPIN_MESSAGE_DENIED       "6effc4461bda523c1f275a03034c8945"
#define CERTPIN_MESSAGE_STORE_BROKEN "d9da9fe1d36c43af92f1fd5cae609cd0"
#define CERTPIN_MESSAGE_REPORT_ONLY  "481234eeb167a9eafec01796f963edf5"
#define CERTPIN_MESSAGE_KEY_SEEN     "8bacd5fed074fa88d05b3cba73893984"
#define CERTPIN_MESSAGE_PIN_WARNED   "6e9bd361dab54e443fd50274e40483ed"
#define CERTPIN_MESSAGE_SIGHTINGS    "c101801fbd0beac0009ba245f0be35fb"
