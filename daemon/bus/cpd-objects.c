/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The objects, their interfaces, and their introspection data, from the XML in dbus/. */

#include "config.h"

#include "daemon/bus/cpd-objects.h"

#include "certpin-dbus.h"
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
      "</interface>"
      "</node>";

static const CpdInterface pins = { (GDBusInterfaceInfo *)&certpin_dbus_pins_interface, TRUE };
static const CpdInterface requests
    = { (GDBusInterfaceInfo *)&certpin_dbus_requests_interface, TRUE };
static const CpdInterface request = { (GDBusInterfaceInfo *)&certpin_dbus_request_interface, TRUE };

/* The kinds of object. */
typedef enum
{
  SERVICE,
  REQUEST,
  FOLDER, /* a parent of one of these, with children and nothing else */
  N_KINDS
} Kind;

/* Standard interfaces, and those of the three kinds; filled in once. */
typedef struct
{
  GDBusNodeInfo *standard; /* kept for ever */
  CpdInterface introspectable, peer, properties;
  const CpdInterface *lists[N_KINDS][6];
} Objects;

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
      g_once_init_leave (&ready, 1);
    }
  return &objects;
}

/* Whether `path` leads to the service's object. */
static gboolean
is_folder (const char *path)
{
  size_t length = strlen (path);

  return g_str_equal (path, "/")
         || (g_str_has_prefix (CERTPIN_OBJECT_PATH, path) && CERTPIN_OBJECT_PATH[length] == '/');
}

static gboolean
find_kind (const char *path, Kind *kind)
{
  if (g_str_equal (path, CERTPIN_OBJECT_PATH))
    *kind = SERVICE;
  else if (g_str_has_prefix (path, CERTPIN_REQUEST_PATH "/"))
    *kind = REQUEST;
  else if (is_folder (path))
    *kind = FOLDER;
  else
    return FALSE;
  return TRUE;
}

/* Returns: (transfer none) (nullable): the interfaces of an object, up to a NULL; NULL: there is no
 * such object */
const CpdInterface *const *
cpd_objects_find (const char *path)
{
  Kind kind;

  return find_kind (path, &kind) ? get_objects ()->lists[kind] : NULL;
}

/* The next step from a folder to the service's object. */
static void
append_child (GString *xml, const char *folder)
{
  const char *rest = CERTPIN_OBJECT_PATH + strlen (folder);

  rest += *rest == '/';
  g_string_append_printf (xml, "  <node name=\"%.*s\"/>\n", (int)strcspn (rest, "/"), rest);
}

/* `path`: of an existing object. Returns: (transfer full): its description in XML */
char *
cpd_objects_introspect (const char *path)
{
  const CpdInterface *const *interfaces = cpd_objects_find (path);
  GString *xml = g_string_new ("<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object "
                               "Introspection 1.0//EN\"\n\"http://www.freedesktop.org/standards/"
                               "dbus/1.0/introspect.dtd\">\n<node>\n");

  for (size_t i = 0; interfaces[i] != NULL; i++)
    g_dbus_interface_info_generate_xml (interfaces[i]->info, 2, xml);
  if (is_folder (path))
    append_child (xml, path);
  g_string_append (xml, "</node>\n");
  return g_string_free (xml, FALSE);
}
