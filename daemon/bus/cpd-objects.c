/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The objects, their interfaces, and their introspection data, from the XML in dbus/. Which objects
 * there are depends on who asks: of pins and channels, everybody has a tree of his own. */

#include "config.h"

#include "daemon/bus/cpd-objects.h"

#include "certpin-dbus.h"
#include "daemon/bus/cpd-channel-objects.h"
#include "daemon/bus/cpd-pin-objects.h"
#include "dbus/certpin-names.h"

#include <string.h>

/* The interfaces that every object on a bus has (D-Bus specification, “Standard interfaces”). */
static const char standard_xml[]
    = "<node>"
      "<interface name='org.freedesktop.DBus.Introspectable'>"
      "<method name='Introspect'><arg name='xml' type='s' direction='out'/></method>"
      "</interface>"
      "<interface name='org.freedesktop.DBus.Peer'>"
      "<method name='Ping'/>"
      "<method name='GetMachineId'><arg name='id' type='s' direction='out'/></method>"
      "</interface>"
      "<interface name='org.freedesktop.DBus.Properties'>"
      "<method name='Get'><arg name='interface' type='s' direction='in'/>"
      "<arg name='name' type='s' direction='in'/><arg name='value' type='v' direction='out'/>"
      "</method>"
      "<method name='GetAll'><arg name='interface' type='s' direction='in'/>"
      "<arg name='properties' type='a{sv}' direction='out'/></method>"
      "<method name='Set'><arg name='interface' type='s' direction='in'/>"
      "<arg name='name' type='s' direction='in'/><arg name='value' type='v' direction='in'/>"
      "</method>"
      "<signal name='PropertiesChanged'><arg name='interface' type='s'/>"
      "<arg name='changed' type='a{sv}'/><arg name='invalidated' type='as'/></signal>"
      "</interface>"
      "</node>";

static const CpdInterface pins = { (GDBusInterfaceInfo *)&certpin_dbus_pins_interface, TRUE };
static const CpdInterface requests
    = { (GDBusInterfaceInfo *)&certpin_dbus_requests_interface, TRUE };
static const CpdInterface request = { (GDBusInterfaceInfo *)&certpin_dbus_request_interface, TRUE };
static const CpdInterface pin = { (GDBusInterfaceInfo *)&certpin_dbus_pin_interface, TRUE };
static const CpdInterface channel = { (GDBusInterfaceInfo *)&certpin_dbus_channel_interface, TRUE };

/* The kinds of object. */
typedef enum
{
  SERVICE,
  REQUEST,
  PIN,
  CHANNEL,
  FOLDER, /* a parent of one of these, with children and nothing else */
  N_KINDS
} Kind;

/* Standard interfaces, and those of each kind; filled in once. */
typedef struct
{
  GDBusNodeInfo *standard; /* kept for ever */
  CpdInterface introspectable, peer, properties;
  const CpdInterface *lists[N_KINDS][6];
  char *xml[N_KINDS]; /* what describes them; kept for ever */
} Objects;

/* Returns: (transfer full) */
static char *
describe_interfaces (const CpdInterface *const *interfaces)
{
  GString *xml = g_string_new (NULL);

  for (size_t i = 0; interfaces[i] != NULL; i++)
    g_dbus_interface_info_generate_xml (interfaces[i]->info, 2, xml);
  return g_string_free (xml, FALSE);
}

static const Objects *
get_objects (void)
{
  static Objects objects;
  static gsize ready;

  if (g_once_init_enter (&ready))
    {
      GDBusNodeInfo *node = g_dbus_node_info_new_for_xml (standard_xml, NULL);
      const CpdInterface *standard[]
          = { &objects.introspectable, &objects.peer, &objects.properties, NULL };

      objects.standard = node;
      objects.introspectable = (CpdInterface){ node->interfaces[0], FALSE };
      objects.peer = (CpdInterface){ node->interfaces[1], FALSE };
      objects.properties = (CpdInterface){ node->interfaces[2], FALSE };
      for (int kind = 0; kind < N_KINDS; kind++)
        memcpy (objects.lists[kind], standard, sizeof standard);
      objects.lists[SERVICE][3] = &pins;
      objects.lists[SERVICE][4] = &requests;
      objects.lists[REQUEST][3] = &request;
      objects.lists[PIN][3] = &pin;
      objects.lists[CHANNEL][3] = &channel;
      for (int kind = 0; kind < N_KINDS; kind++)
        objects.xml[kind] = describe_interfaces (objects.lists[kind]);
      g_once_init_leave (&ready, 1);
    }
  return &objects;
}

/* Whether `path` leads to the service's object. */
static gboolean
leads_to_service (const char *path)
{
  size_t length = strlen (path);

  return g_str_equal (path, "/")
         || (g_str_has_prefix (CERTPIN_OBJECT_PATH, path) && CERTPIN_OBJECT_PATH[length] == '/');
}

static gboolean
is_folder (const char *path)
{
  CpdLayer layer;

  return leads_to_service (path) || g_str_equal (path, CERTPIN_CHANNEL_PATH)
         || g_str_equal (path, CERTPIN_PIN_PATH) || cpd_pin_objects_is_scope (path, &layer);
}

static gboolean
is_pin (const CpdBusParts *parts, const CpdCaller *caller, const char *path)
{
  g_autoptr (CpdPin) found = cpd_pin_objects_find (parts, caller, path);

  return found != NULL;
}

static gboolean
is_channel (const CpdBusParts *parts, const CpdCaller *caller, const char *path)
{
  g_autoptr (CpdChannelStatus) found = cpd_channel_objects_find (parts, caller, path);

  return found != NULL;
}

static gboolean
find_kind (const CpdBusParts *parts, const CpdCaller *caller, const char *path, Kind *kind)
{
  if (g_str_equal (path, CERTPIN_OBJECT_PATH))
    *kind = SERVICE;
  else if (g_str_has_prefix (path, CERTPIN_REQUEST_PATH "/"))
    *kind = REQUEST;
  else if (is_folder (path))
    *kind = FOLDER;
  else if (is_pin (parts, caller, path))
    *kind = PIN;
  else if (is_channel (parts, caller, path))
    *kind = CHANNEL;
  else
    return FALSE;
  return TRUE;
}

/* Returns: (transfer none) (nullable): the interfaces of an object, up to a NULL; NULL: to this
 * caller, there is no such object */
const CpdInterface *const *
cpd_objects_find (const CpdBusParts *parts, const CpdCaller *caller, const char *path)
{
  Kind kind;

  return find_kind (parts, caller, path, &kind) ? get_objects ()->lists[kind] : NULL;
}

static void
append_node (GString *xml, const char *name, size_t length)
{
  g_string_append_printf (xml, "  <node name=\"%.*s\"/>\n", (int)length, name);
}

static void
append_nodes (GString *xml, const char *const *names)
{
  for (; *names != NULL; names++)
    append_node (xml, *names, strlen (*names));
}

/* The next step from a folder to the service's object. */
static void
append_step (GString *xml, const char *folder)
{
  const char *rest = CERTPIN_OBJECT_PATH + strlen (folder);

  rest += *rest == '/';
  append_node (xml, rest, strcspn (rest, "/"));
}

static void
append_children (GString *xml, const CpdBusParts *parts, const CpdCaller *caller, const char *path)
{
  static const char *const of_service[] = { "channel", "pin", NULL };
  CpdLayer layer;

  if (leads_to_service (path))
    append_step (xml, path);
  else if (g_str_equal (path, CERTPIN_OBJECT_PATH))
    append_nodes (xml, of_service);
  else if (g_str_equal (path, CERTPIN_PIN_PATH))
    {
      g_autofree const char **scopes = cpd_pin_objects_list_scopes (caller);

      append_nodes (xml, scopes);
    }
  else if (cpd_pin_objects_is_scope (path, &layer))
    cpd_pin_objects_list (parts, caller, layer, xml);
  else if (g_str_equal (path, CERTPIN_CHANNEL_PATH))
    cpd_channel_objects_list (parts, caller, xml);
}

/* Returns: (transfer full) (nullable): an object's description in XML; NULL: to this caller, there
 * is no such object */
char *
cpd_objects_introspect (const CpdBusParts *parts, const CpdCaller *caller, const char *path)
{
  GString *xml;
  Kind kind;

  if (!find_kind (parts, caller, path, &kind))
    return NULL;
  xml = g_string_new ("<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object "
                      "Introspection 1.0//EN\"\n\"http://www.freedesktop.org/standards/"
                      "dbus/1.0/introspect.dtd\">\n<node>\n");
  g_string_append (xml, get_objects ()->xml[kind]);
  append_children (xml, parts, caller, path);
  g_string_append (xml, "</node>\n");
  return g_string_free (xml, FALSE);
}
