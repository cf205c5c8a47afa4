/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves who is taken for a sandboxed app: the texts of real processes, as the service reads them
 * on Debian 12 and 13, and texts that somebody might forge. */

#include "config.h"

#include "daemon/bus/cpd-confinement.h"

#include <string.h>

#define STATUS(state, pids, flag)                                                                  \
  "Name:\tgdbus\nUmask:\t0022\nState:\t" state "\nTgid:\t644\nNgid:\t0\nPid:\t644\nPPid:\t643\n"   \
  "TracerPid:\t0\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nFDSize:\t64\n"       \
  "Groups:\t1000 \nNStgid:\t" pids "\nNSpid:\t" pids "\nNSpgid:\t34\nNSsid:\t34\nThreads:\t3\n"    \
  "CapEff:\t0000000000000000\nNoNewPrivs:\t" flag "\nSeccomp:\t2\nSeccomp_filters:\t5\n"
#define SLEEPING "S (sleeping)"
#define PLAIN    STATUS (SLEEPING, "644", "0")
#define FLAGGED  STATUS (SLEEPING, "644", "1") /* no_new_privs */
#define NESTED   STATUS (SLEEPING, "744\t2", "1")

/* The service has a user namespace of its own, in which most users are 4294967295. */
#define SYSTEM_USERS "         0          0 4294967295\n"
#define BWRAP_USERS  "      1000 4294967295          1\n"

#define SESSION          "0::/user.slice/user-1000.slice/session-4.scope\n"
#define SERVICE          "0::/system.slice/run-u34.service\n"
#define USER_GROUP(name) "0::/user.slice/user-1000.slice/user@1000.service/app.slice/" name "\n"
#define FLATPAK(id)      USER_GROUP ("app-flatpak-" id "-626.scope")
#define WEATHER          FLATPAK ("org.example.Weather")

#define MOUNT(root, point)                                                                         \
  "481 479 0:42 " root " " point " ro,relatime master:1 - ext4 /dev/sda rw\n"
#define HOST_MOUNTS                                                                                \
  MOUNT ("/", "/") "23 22 0:21 / /proc rw,nosuid,nodev,noexec shared:12 - proc proc rw\n"
#define BWRAP_ROOT                                                                                 \
  "423 367 0:70 /newroot / rw,nosuid,nodev,relatime - tmpfs tmpfs rw,uid=1000,gid=1000\n"
#define PROXY_MOUNTS                                                                               \
  BWRAP_ROOT MOUNT ("/etc", "/etc") MOUNT ("/.dbus-proxy", "/run/user/1000/.dbus-proxy")
#define FILES(id) "/home/alice/.local/share/flatpak/app/" id "/x86_64/stable/c6297f48eeb5/files"
#define APP_MOUNTS(id)                                                                             \
  BWRAP_ROOT MOUNT (FILES (id), "/app") MOUNT ("/bindfileHZCEVv//deleted", "/.flatpak-info")

/* What is not given is as of a program of a user who has logged in; UNREADABLE is NULL. */
#define UNREADABLE "unreadable"

typedef struct
{
  const char *who;
  CpdEvidence evidence;
  const char *text; /* the app's name, or a word of the clause */
} Case;

static const char *
given (const char *text, const char *otherwise)
{
  if (text == NULL)
    return otherwise;
  return g_str_equal (text, UNREADABLE) ? NULL : text;
}

static CpdConfinement
judge (const CpdEvidence *evidence, char **text)
{
  const CpdEvidence whole = { .cgroup = given (evidence->cgroup, SESSION),
                              .status = given (evidence->status, PLAIN),
                              .uid_map = given (evidence->uid_map, SYSTEM_USERS),
                              .mountinfo = given (evidence->mountinfo, HOST_MOUNTS),
                              .label = given (evidence->label, ""),
                              .bus_label = given (evidence->bus_label, ""),
                              .init_status = given (evidence->init_status, PLAIN),
                              .init_uid_map = given (evidence->init_uid_map, SYSTEM_USERS) };

  return cpd_confinement_judge (&whole, text);
}

static const Case own_programs[] = {
  { "in a session", { NULL } },
  { "started by root, in root's group", { .cgroup = "0::/\n" } },
  { "of the user's systemd", { .cgroup = USER_GROUP ("run-u2.service") } },
  { "without a newline at the end",
    { .cgroup = "0::/user.slice/user-1000.slice/session-4.scope" } },
  { "where the kernel has no groups", { .cgroup = "" } },
  { "a system service with hardening",
    { .cgroup = SERVICE, .status = FLAGGED, .uid_map = "0 0 1\n      1000 4294967295 1\n" } },
  { "another", { .cgroup = SERVICE, .status = FLAGGED } },
  { "one of several instances of a service",
    { .cgroup = "0::/system.slice/system-web.slice/web@1.service\n", .status = FLAGGED } },
  { "a system service, of both hierarchies of systemd",
    { .cgroup = "4:pids:/system.slice/a.service\n1:name=systemd:/system.slice/a.service\n"
                "0::/system.slice/a.service\n",
      .status = FLAGGED } },
  { "a system service, of the older one",
    { .cgroup = "1:name=systemd:/system.slice/a.service\n0::/\n", .status = FLAGGED } },
  { "a system service, in a container that sees its host's hierarchies",
    { .cgroup = "1:name=systemd:/\n0::/system.slice/a.service\n", .status = FLAGGED } },
  { "where all have no_new_privs, since PID 1 has", { .status = FLAGGED, .init_status = FLAGGED } },
  { "where all are in a user namespace, as PID 1 is",
    { .uid_map = "0 1000 1\n1 100000 65536", .init_uid_map = " 0  1000 1\n 1 100000 65536\n" } },
  { "with a label", { .label = "unconfined", .bus_label = "unconfined" } },
  { "with a profile", { .label = "/usr/bin/evince (enforce)" } },
  { "of snapd", { .cgroup = "0::/system.slice/snapd.service\n", .label = "snapd (enforce)" } },
  { "of snapper", { .cgroup = USER_GROUP ("app-snapper-1.scope") } },
  { "of Flatpak itself", { .cgroup = "0::/system.slice/flatpak-system-helper.service\n" } },
  { "of Flatpak itself, for a user", { .cgroup = USER_GROUP ("flatpak-session-helper.service") } },
  { "a system service, where something else is named newroot",
    { .cgroup = SERVICE, .status = FLAGGED, .mountinfo = HOST_MOUNTS MOUNT ("/newroot", "/mnt") } },
  { "where the host has an /app", { .mountinfo = HOST_MOUNTS MOUNT ("/", "/app") } },
};

static const Case apps[] = {
  { "through the proxy",
    { .cgroup = WEATHER, .status = FLAGGED, .uid_map = BWRAP_USERS, .mountinfo = PROXY_MOUNTS },
    "flatpak:org.example.Weather" },
  { "through the proxy, with a dash in its name",
    { .cgroup = FLATPAK ("org.example.My\\x2dApp"),
      .status = FLAGGED,
      .uid_map = BWRAP_USERS,
      .mountinfo = PROXY_MOUNTS },
    "flatpak:org.example.My-App" },
  { "through the proxy, on Debian 13",
    { .cgroup = USER_GROUP ("app-flatpak-org.example.Weather-1050338786.scope"),
      .status = FLAGGED,
      .uid_map = BWRAP_USERS,
      .mountinfo = PROXY_MOUNTS },
    "flatpak:org.example.Weather" },
  { "through the proxy, where the host has an /app",
    { .cgroup = WEATHER,
      .status = FLAGGED,
      .uid_map = BWRAP_USERS,
      .mountinfo = PROXY_MOUNTS MOUNT ("/", "/app") },
    "flatpak:org.example.Weather" },
  { "through the proxy, where the /app of the host looks almost like Flatpak's",
    { .cgroup = WEATHER,
      .status = FLAGGED,
      .uid_map = BWRAP_USERS,
      .mountinfo = PROXY_MOUNTS MOUNT ("/srv/app/a.b.C/d/e/f/other", "/app")
          MOUNT ("/srv/apps/a.b.C/d/e/f/files", "/app") MOUNT ("/files", "/app") },
    "flatpak:org.example.Weather" },
  { "by itself",
    { .cgroup = WEATHER,
      .status = NESTED,
      .uid_map = BWRAP_USERS,
      .mountinfo = APP_MOUNTS ("org.example.Weather") },
    "flatpak:org.example.Weather" },
  { "in a scope whose name is not escaped",
    { .cgroup = USER_GROUP ("app-flatpak-org.example.My-App-42.scope") },
    "flatpak:org.example.My-App" },
  { "in a scope as older Flatpaks name it",
    { .cgroup = USER_GROUP ("flatpak-org.example.Weather-42.scope") },
    "flatpak:org.example.Weather" },
  { "in a group of its own, in its scope",
    { .cgroup = USER_GROUP ("app-flatpak-org.example.Weather-42.scope/free") },
    "flatpak:org.example.Weather" },
  { "in the older hierarchy",
    { .cgroup = "12:pids:/user.slice\n1:name=systemd:/app-flatpak-org.example.Weather-1.scope\n"
                "0::/\n" },
    "flatpak:org.example.Weather" },
  { "a plain program in an app's scope",
    { .cgroup = USER_GROUP ("app-flatpak-org.example.Weather-4242.scope") },
    "flatpak:org.example.Weather" },
  { "a snap",
    { .cgroup = USER_GROUP ("snap.demo.app-17.scope"), .label = "snap.demo.app (enforce)" },
    "snap:demo" },
  { "a snap, as the bus says", { .bus_label = "snap.demo.app (enforce)" }, "snap:demo" },
  { "a snap's hook", { .label = "snap.demo.hook.configure (enforce)" }, "snap:demo" },
  { "one of several instances of a snap",
    { .cgroup = "0::/system.slice/snap.demo-2_key.daemon.service\n",
      .label = "snap.demo-2_key.daemon (enforce)",
      .status = FLAGGED },
    "snap:demo-2_key" },
};

static const Case refused[] = {
  /* Without a scope. */
  { "a Flatpak through the proxy",
    { .cgroup = SERVICE,
      .status = FLAGGED,
      .uid_map = "      1002 4294967295          1\n",
      .mountinfo = PROXY_MOUNTS },
    "bubblewrap" },
  { "a Flatpak by itself",
    { .cgroup = SESSION,
      .status = NESTED,
      .uid_map = BWRAP_USERS,
      .mountinfo = APP_MOUNTS ("org.example.Weather") },
    "bubblewrap" },
  { "a Flatpak of root's, through the proxy, in a system service",
    { .cgroup = SERVICE, .status = FLAGGED, .mountinfo = PROXY_MOUNTS },
    "bubblewrap" },
  { "a Flatpak, where no process may gain privileges",
    { .status = FLAGGED, .init_status = FLAGGED, .mountinfo = PROXY_MOUNTS },
    "bubblewrap" },
  { "an app that left its scope",
    { .cgroup = USER_GROUP ("free"),
      .status = NESTED,
      .uid_map = BWRAP_USERS,
      .mountinfo = APP_MOUNTS ("org.example.Weather") },
    "bubblewrap" },
  { "bubblewrap", { .uid_map = BWRAP_USERS, .status = FLAGGED }, "user namespace" },
  { "a container of root's", { .status = STATUS (SLEEPING, "644 2", "0") }, "PID namespace" },
  { "one in two others", { .status = STATUS (SLEEPING, "644\t17\t2", "0") }, "PID namespace" },
  { "a user namespace", { .uid_map = "         0 4294967295          1\n" }, "user namespace" },
  { "a user namespace with other users",
    { .uid_map = "0 1 1000\n1000 0 1\n1001 1001 64536\n" },
    "user namespace" },
  { "a user namespace without users", { .uid_map = "" }, "user namespace" },
  { "a user namespace that has root's uid last",
    { .uid_map = "5 5 1\n0 0 1\n" },
    "user namespace" },
  { "a user namespace with a longer number", { .uid_map = "0 01 1\n" }, "user namespace" },

  /* With no_new_privs. */
  { "a setuid bubblewrap", { .status = FLAGGED }, "no_new_privs" },
  { "a user's service",
    { .cgroup = USER_GROUP ("run-u11.service"), .status = FLAGGED },
    "no_new_" },
  { "what a service started in a group of its own",
    { .cgroup = "0::/system.slice/run-u34.service/free\n", .status = FLAGGED },
    "no_new_privs" },
  { "a group with a service's name, in a service",
    { .cgroup = "0::/system.slice/run-u34.service/free.service\n", .status = FLAGGED },
    "no_new_privs" },
  { "a scope of the system's",
    { .cgroup = "0::/machine.slice/m.scope\n", .status = FLAGGED },
    "no_" },
  { "a service in no slice",
    { .cgroup = "0::/run-u34.service\n", .status = FLAGGED },
    "no_new_privs" },
  { "a service in the users' slice",
    { .cgroup = "0::/user.slice/run-u34.service\n", .status = FLAGGED },
    "no_new_privs" },
  { "a group that looks like a hierarchy",
    { .cgroup = "0::/user.slice/x:name=systemd:/system.slice/run-u34.service\n",
      .status = FLAGGED },
    "no_new_privs" },
  { "a flag of another value", { .status = STATUS (SLEEPING, "644", "2") }, "no_new_privs" },

  /* In a scope whose name says too little, or too much. */
  { "no instance", { .cgroup = USER_GROUP ("app-flatpak-nonsense.scope") }, "cannot be read" },
  { "no name", { .cgroup = USER_GROUP ("app-flatpak-42.scope") }, "cannot be read" },
  { "nothing", { .cgroup = USER_GROUP ("app-flatpak-") }, "cannot be read" },
  { "an empty name", { .cgroup = FLATPAK ("") }, "cannot be read" },
  { "an instance that is no number",
    { .cgroup = USER_GROUP ("app-flatpak-org.example.Weather-4x.scope") },
    "cannot be read" },
  { "an instance without digits",
    { .cgroup = USER_GROUP ("app-flatpak-org.example.Weather-.scope") },
    "cannot be read" },
  { "a scope that is gone",
    { .cgroup = USER_GROUP ("app-flatpak-org.example.Weather-4.scope (deleted)") },
    "cannot be read" },
  { "two elements", { .cgroup = FLATPAK ("org.Weather") }, "cannot be read" },
  { "an empty element", { .cgroup = FLATPAK ("org..Weather") }, "cannot be read" },
  { "an element that begins with a digit",
    { .cgroup = FLATPAK ("org.4.Weather") },
    "cannot be read" },
  { "a dash too early", { .cgroup = FLATPAK ("org.a\\x2db.Weather") }, "cannot be read" },
  { "a space", { .cgroup = FLATPAK ("org.example.Wea\\x20ther") }, "cannot be read" },
  { "another script", { .cgroup = FLATPAK ("org.example.W\xd0\xb5\x61ther") }, "cannot be read" },
  { "an escape within an escape",
    { .cgroup = FLATPAK ("org.example.My\\x5cx2dApp") },
    "cannot be " },
  { "an escape of NUL", { .cgroup = FLATPAK ("org.example.Weather\\x00x") }, "cannot be read" },
  { "an escape that ends early", { .cgroup = FLATPAK ("org.example.My\\x2") }, "cannot be read" },
  { "an escape of another kind",
    { .cgroup = FLATPAK ("org.example.My\\055App") },
    "cannot be read" },
  { "a backslash at the end", { .cgroup = FLATPAK ("org.example.My\\") }, "cannot be read" },
  { "a slice", { .cgroup = USER_GROUP ("app-flatpak-org.example.Weather-4.slice") }, "cannot be " },

  /* Signs that contradict each other. */
  { "two scopes",
    { .cgroup = USER_GROUP ("app-flatpak-org.a.B-1.scope/app-flatpak-org.a.C-1.scope") },
    "contradict" },
  { "a scope in each hierarchy",
    { .cgroup = "1:name=systemd:/app-flatpak-org.a.B-1.scope\n0::/app-flatpak-org.a.C-1.scope\n" },
    "contradict" },
  { "an app that went into another's scope",
    { .cgroup = FLATPAK ("org.example.Other"),
      .status = NESTED,
      .uid_map = BWRAP_USERS,
      .mountinfo = APP_MOUNTS ("org.example.Weather") },
    "contradict" },
  { "the same, with an /app that looks like the other's",
    { .cgroup = FLATPAK ("org.example.Other"),
      .status = NESTED,
      .uid_map = BWRAP_USERS,
      .mountinfo
      = BWRAP_ROOT MOUNT ("/home/alice/app/org.example.Other/x86_64/stable/0/files", "/app")
          MOUNT (FILES ("org.example.Weather"), "/run/parent/app") },
    "contradict" },
  { "a Flatpak's scope, by a snap",
    { .cgroup = WEATHER, .label = "snap.demo.app (enforce)" },
    "contradict" },
  { "another snap's scope, by a snap",
    { .cgroup = USER_GROUP ("snap.other.app-1.scope"), .label = "snap.demo.app (enforce)" },
    "contradict" },
  { "two labels",
    { .label = "snap.demo.app (enforce)", .bus_label = "snap.other.app (enforce)" },
    "contradict" },

  /* Snaps. */
  { "a snap's scope without its label",
    { .cgroup = USER_GROUP ("snap.demo.app-1.scope") },
    "snap" },
  { "a snap's service without its label",
    { .cgroup = "0::/system.slice/snap.demo.daemon.service\n" },
    "a snap that" },
  { "a snap's scope with another label",
    { .cgroup = USER_GROUP ("snap.demo.app-1.scope"), .label = "unconfined" },
    "a snap that" },
  { "a label that only complains", { .label = "snap.demo.app (complain)" }, "a snap that" },
  { "a label without a mode", { .label = "snap.demo.app" }, "a snap that" },
  { "a label without an app", { .label = "snap.demo (enforce)" }, "cannot be read" },
  { "a name in capitals", { .label = "snap.Demo.app (enforce)" }, "cannot be read" },
  { "a name without a letter", { .label = "snap.1-2.app (enforce)" }, "cannot be read" },
  { "a name with a component", { .label = "snap.demo+more.hook.install (enforce)" }, "cannot be " },
  { "an instance with a long key",
    { .label = "snap.demo_12345678901.app (enforce)" },
    "cannot be " },
  { "an instance with an empty key", { .label = "snap.demo_.app (enforce)" }, "cannot be read" },
  { "no name in a label", { .label = "snap..app (enforce)" }, "cannot be read" },
  { "two profiles", { .label = "lxd//&snap.demo.app (enforce)" }, "cannot be read" },
  { "a scope without a name",
    { .cgroup = USER_GROUP ("snap.demo"), .label = "snap.demo.app (enforce)" },
    "cannot be read" },

  /* What cannot be examined. */
  { "no cgroup", { .cgroup = UNREADABLE }, "examine" },
  { "no status", { .status = UNREADABLE }, "examine" },
  { "no uid_map", { .uid_map = UNREADABLE }, "examine" },
  { "no label", { .label = UNREADABLE }, "examine" },
  { "no label of the bus", { .bus_label = UNREADABLE }, "examine" },
  { "no status of PID 1", { .init_status = UNREADABLE }, "examine" },
  { "no uid_map of PID 1", { .init_uid_map = UNREADABLE }, "examine" },
  { "no mounts, with no_new_privs",
    { .cgroup = SERVICE, .status = FLAGGED, .mountinfo = UNREADABLE },
    "examine" },
  { "an empty status", { .status = "" }, "examine" },
  { "a status without NSpid", { .status = "State:\tS\nNoNewPrivs:\t0\n" }, "examine" },
  { "a status with an empty NSpid", { .status = STATUS (SLEEPING, "", "0") }, "examine" },
  { "a status without NoNewPrivs", { .status = "State:\tS\nNSpid:\t1\n" }, "examine" },
  { "a status without State", { .status = "NSpid:\t1\nNoNewPrivs:\t0\n" }, "examine" },
  { "a status with two NSpid", { .status = "NSpid:\t1\n" NESTED }, "examine" },
  { "a status with two NoNewPrivs", { .status = FLAGGED "NoNewPrivs:\t0\n" }, "examine" },
  { "a status of PID 1 without NoNewPrivs",
    { .init_status = "State:\tS\nNSpid:\t1\n" },
    "examine" },
  { "a process that has ended", { .status = STATUS ("Z (zombie)", "644", "0") }, "examine" },
  { "a process that is gone", { .status = STATUS ("X (dead)", "644", "0") }, "examine" },
};

static void
check (const Case *c, CpdConfinement expected)
{
  g_autofree char *text = NULL;
  CpdConfinement confinement = judge (&c->evidence, &text);

  g_test_message ("%s: %s", c->who, text);
  g_assert_cmpint (confinement, ==, expected);
  if (expected == CPD_CONFINEMENT_REFUSED)
    g_assert_nonnull (strstr (text, c->text));
  else
    g_assert_cmpstr (text, ==, c->text);
}

static void
test_own_programs (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (own_programs); i++)
    check (&own_programs[i], CPD_CONFINEMENT_NONE);
}

static void
test_apps (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (apps); i++)
    check (&apps[i], CPD_CONFINEMENT_APP);
}

static void
test_refused (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (refused); i++)
    check (&refused[i], CPD_CONFINEMENT_REFUSED);
}

/* As long as Flatpak allows, and longer. */
static void
test_long_name (void)
{
  for (int length = 254; length <= 257; length++)
    {
      g_autofree char *last = g_strnfill ((size_t)length - strlen ("org.example."), 'a');
      g_autofree char *group = g_strdup_printf ("0::/app-flatpak-org.example.%s-1.scope\n", last);
      g_autofree char *name = g_strconcat ("flatpak:org.example.", last, NULL);
      const Case fits = { "a long name", { .cgroup = group }, name };
      const Case exceeds = { "a longer name", { .cgroup = group }, "cannot be read" };

      if (length <= 255)
        check (&fits, CPD_CONFINEMENT_APP);
      else
        check (&exceeds, CPD_CONFINEMENT_REFUSED);
    }
}

/* A control group is what a program can choose by itself: wherever it goes, it stays in its
 * sandbox. */
static void
check_moves (const Case *c)
{
  static const char *const groups[] = { SESSION,
                                        "0::/\n",
                                        "",
                                        USER_GROUP ("free"),
                                        USER_GROUP ("free.service"),
                                        FLATPAK ("org.example.Other"),
                                        USER_GROUP ("snap.demo.app-1.scope") };
  const CpdEvidence *original = &c->evidence;

  if (original->status == NULL && original->uid_map == NULL && original->bus_label == NULL
      && (original->label == NULL || g_str_equal (original->label, "unconfined")))
    return; /* nothing but its group puts it in a sandbox */
  for (size_t i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      CpdEvidence moved = *original;
      g_autofree char *text = NULL;

      moved.cgroup = groups[i];
      g_test_message ("%s, in %s", c->who, groups[i]);
      g_assert_cmpint (judge (&moved, &text), !=, CPD_CONFINEMENT_NONE);
    }
}

static void
test_moves (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (apps); i++)
    check_moves (&apps[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (refused); i++)
    check_moves (&refused[i]);
}

/* Reading them takes time that a hostile caller could choose. */
static void
test_mounts (void)
{
  CpdEvidence evidence = { .status = PLAIN, .uid_map = SYSTEM_USERS, .init_uid_map = SYSTEM_USERS };

  g_assert_cmpuint (cpd_confinement_mounts_max_bytes (&evidence), ==, 0);
  evidence.status = FLAGGED;
  g_assert_cmpuint (cpd_confinement_mounts_max_bytes (&evidence), ==, 16 * 1024 * 1024);
  evidence.uid_map = BWRAP_USERS;
  g_assert_cmpuint (cpd_confinement_mounts_max_bytes (&evidence), ==, 256 * 1024);
  evidence.uid_map = NULL;
  g_assert_cmpuint (cpd_confinement_mounts_max_bytes (&evidence), ==, 0);
  evidence.uid_map = SYSTEM_USERS;
  evidence.init_uid_map = NULL;
  g_assert_cmpuint (cpd_confinement_mounts_max_bytes (&evidence), ==, 0);
  evidence.init_uid_map = SYSTEM_USERS;
  evidence.status = NULL;
  g_assert_cmpuint (cpd_confinement_mounts_max_bytes (&evidence), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/confinement/own-programs", test_own_programs);
  g_test_add_func ("/bus/confinement/apps", test_apps);
  g_test_add_func ("/bus/confinement/refused", test_refused);
  g_test_add_func ("/bus/confinement/long-name", test_long_name);
  g_test_add_func ("/bus/confinement/another-group", test_moves);
  g_test_add_func ("/bus/confinement/mounts", test_mounts);
  return g_test_run ();
}
