/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A polkit that does as a test says, and remembers what it was asked. */

#include "config.h"

#include "fake-polkit.h"

#define OBJECT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE   FAKE_POLKIT_NAME ".Authority"

static const char interface_xml[]
    = "<node><interface name='" INTERFACE "'>"
      "<method name='CheckAuthorization'>"
      "<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/>"
      "<arg type='a{ss}' direction='in'/><arg type='u' direction='in'/>"
      "<arg type='s' direction='in'/><arg type='(bba{ss})' direction='out'/></method>"
      "<method name='CancelCheckAuthorization'><arg type='s' direction='in'/></method>"
      "</interface></node>";

static void
question_free (gpointer data)
{
  FakeQuestion *question = data;

  if (question->invocation != NULL)
    fake_question_cancel (question);
  g_free (question->sender);
  g_free (question->id);
  g_free (question);
}

void
fake_question_answer (FakeQuestion *question, gboolean authorized, gboolean challenge)
{
  g_dbus_method_invocation_return_value (
      g_steal_pointer (&question->invocation),
      g_variant_new ("((bb@a{ss}))", authorized, challenge, g_variant_new ("a{ss}", NULL)));
}

/* As the real one answers what was cancelled. */
void
fake_question_cancel (FakeQuestion *question)
{
  g_dbus_method_invocation_return_dbus_error (g_steal_pointer (&question->invocation),
                                              "org.freedesktop.PolicyKit1.Error.Cancelled",
                                              "the question was cancelled");
}

static void
on_check (FakePolkit *polkit, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  FakeQuestion *question = g_new0 (FakeQuestion, 1);
  g_autoptr (GVariant) subject = NULL;
  const char *kind;
  guint32 flags;

  g_variant_get (parameters, "((&s@a{sv})&s@a{ss}us)", &kind, &subject, NULL, NULL, &flags,
                 &question->id);
  g_assert_cmpstr (kind, ==, "system-bus-name");
  g_assert_true (g_variant_lookup (subject, "name", "s", &question->sender));
  question->interactive = flags == 1;
  question->invocation = invocation;
  g_ptr_array_add (polkit->questions, question);
  if (polkit->answers && !question->interactive)
    {
      gboolean allowed = g_hash_table_contains (polkit->allowed, question->sender);

      fake_question_answer (question, allowed, !allowed);
    }
}

static void
on_cancel (FakePolkit *polkit, const char *id)
{
  for (unsigned int i = 0; i < polkit->questions->len; i++)
    {
      FakeQuestion *question = polkit->questions->pdata[i];

      if (!g_str_equal (question->id, id))
        continue;
      question->cancelled = TRUE;
      if (!polkit->is_hanging && question->invocation != NULL)
        fake_question_cancel (question);
    }
}

static void
on_call (GDBusConnection *connection, const char *sender, const char *path, const char *iface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  const char *id;

  if (g_str_equal (method, "CheckAuthorization"))
    {
      on_check (user_data, parameters, invocation);
      return;
    }
  g_variant_get (parameters, "(&s)", &id);
  on_cancel (user_data, id);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
take_name (GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", FAKE_POLKIT_NAME, G_BUS_NAME_OWNER_FLAGS_NONE), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  g_assert_no_error (error);
}

/* `connection`: (transfer full): closed with it */
FakePolkit *
fake_polkit_new (GDBusConnection *connection)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  g_autoptr (GError) error = NULL;
  FakePolkit *polkit = g_new0 (FakePolkit, 1);

  polkit->connection = connection;
  polkit->questions = g_ptr_array_new_with_free_func (question_free);
  polkit->answers = TRUE;
  polkit->allowed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  polkit->info = g_dbus_node_info_new_for_xml (interface_xml, &error);
  g_assert_no_error (error);
  g_dbus_connection_register_object (connection, OBJECT_PATH, polkit->info->interfaces[0], &vtable,
                                     polkit, NULL, &error);
  g_assert_no_error (error);
  take_name (connection);
  return polkit;
}

/* It leaves the bus like one that crashed: what is not answered stays so. */
void
fake_polkit_free (FakePolkit *polkit)
{
  g_dbus_connection_close_sync (polkit->connection, NULL, NULL);
  g_ptr_array_unref (polkit->questions);
  g_hash_table_unref (polkit->allowed);
  g_dbus_node_info_unref (polkit->info);
  g_object_unref (polkit->connection);
  g_free (polkit);
}

void
fake_polkit_allow (FakePolkit *polkit, const char *sender)
{
  g_hash_table_add (polkit->allowed, g_strdup (sender));
}

void
fake_polkit_emit_changed (FakePolkit *polkit)
{
  g_dbus_connection_emit_signal (polkit->connection, NULL, OBJECT_PATH, INTERFACE, "Changed", NULL,
                                 NULL);
}

/* How many questions wait for an answer. */
unsigned int
fake_polkit_count_open (const FakePolkit *polkit, gboolean interactive)
{
  unsigned int count = 0;

  for (unsigned int i = 0; i < polkit->questions->len; i++)
    {
      const FakeQuestion *question = polkit->questions->pdata[i];

      count += question->invocation != NULL && question->interactive == interactive;
    }
  return count;
}

/* Returns: (nullable): the first of that program that waits for an answer */
FakeQuestion *
fake_polkit_find_open (const FakePolkit *polkit, const char *sender)
{
  for (unsigned int i = 0; i < polkit->questions->len; i++)
    {
      FakeQuestion *question = polkit->questions->pdata[i];

      if (question->invocation != NULL && g_str_equal (question->sender, sender))
        return question;
    }
  return NULL;
}
