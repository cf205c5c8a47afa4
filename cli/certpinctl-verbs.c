/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of verbs. It refers to every verb, and no verb refers to it. */

#include "config.h"

#include "certpinctl-verbs.h"

#include "certpinctl-compare.h"
#include "certpinctl-connect.h"
#include "certpinctl-export.h"
#include "certpinctl-forget.h"
#include "certpinctl-import.h"
#include "certpinctl-judge.h"
#include "certpinctl-key.h"
#include "certpinctl-list.h"
#include "certpinctl-log.h"
#include "certpinctl-monitor.h"
#include "certpinctl-pause.h"
#include "certpinctl-pin.h"
#include "certpinctl-request.h"
#include "certpinctl-rotate.h"
#include "certpinctl-show.h"
#include "certpinctl-status.h"
#include "certpinctl-unpin.h"

#include "cli/doctor/doctor.h"

#include <glib/gi18n.h>

const CtlVerb ctl_verbs[] = {
  { "pin", N_ ("HOST [FILE]"), N_ ("Pin a host to a certificate's key, or to a key"),
    N_ ("FILE holds one certificate: DER, PEM, PKCS#7, or PKCS#12 without a password;\n"
        "- is standard input. If it cannot be pinned, nothing is changed. HOST is\n"
        "h.example, *.h.example (exactly one more label) or **.h.example (h.example and\n"
        "all names below it), each with an optional :port."),
    "certpinctl pin h.example server.pem", 1, 2, 1, ctl_pin },
  { "unpin", N_ ("HOST…"), N_ ("Remove the pins or the blocks of hosts"), NULL,
    "certpinctl unpin h.example", 1, G_MAXINT, G_MAXINT, ctl_unpin },
  { "block", N_ ("HOST REASON"), N_ ("Refuse all requests to a host"), NULL,
    "certpinctl block h.example 'its key was stolen'", 2, 2, 2, ctl_block },
  { "pause", N_ ("HOST"), N_ ("Let a pin only report for a while"),
    N_ ("A request that fails only because of this pin's keys is sent, and the mismatch\n"
        "is reported. Everything else is refused as ever. The pause ends by itself, at\n"
        "the latest 24 hours after its beginning."),
    "certpinctl pause --for=1h --reason='new key, called the operator' h.example", 1, 1, 1,
    ctl_pause, .needs = N_ ("--for=TIME --reason=TEXT") },
  { "resume", N_ ("HOST"), N_ ("End the pause of a pin"), NULL, "certpinctl resume h.example", 1, 1,
    1, ctl_resume },
  { "rotate", N_ ("HOST [NEW]"), N_ ("Change the key of a pinned host step by step"),
    N_ ("NEW holds the certificate of the next key, in any form that ‘pin’ reads, or is\n"
        "that key. It is added as a backup. When the server uses it, --finish removes the\n"
        "keys that were not seen for 30 days. Without NEW, nothing is changed."),
    "certpinctl rotate h.example next.pem", 1, 2, 1, ctl_rotate },
  { "list", "", N_ ("List the system's pins and your own"),
    N_ ("With --app, it lists those of your sandboxed apps, which are Flatpaks and snaps."),
    "certpinctl list --ending=30d", 0, 0, 0, ctl_list },
  { "forget", "", N_ ("Remove all pins of a sandboxed app"),
    N_ ("What an app has pinned stays when it is uninstalled. Your own pins stay."),
    "certpinctl forget --app=flatpak:org.example.Weather", 0, 1, 1, ctl_forget,
    .needs = N_ ("--app=APP") },
  { "show", N_ ("HOST…"), N_ ("Show a host's pins, and its last refused request"), NULL,
    "certpinctl show h.example", 1, G_MAXINT, G_MAXINT, ctl_show },
  { "explain", N_ ("HOST…"), N_ ("Show which pins apply to a host, and why"),
    N_ ("In each scope the most specific pin applies. A server must pass every pin that\n"
        "applies."),
    "certpinctl explain www.h.example", 1, G_MAXINT, G_MAXINT, ctl_explain },
  { "export", N_ ("[HOST…]"), N_ ("Write pins as pin files"),
    N_ ("Without --output, all pins come as one pin file on standard output. HOST is one\n"
        "that ‘certpinctl list’ shows; without any, all pins are exported."),
    "certpinctl export > my.pin", 0, 1000, 1000, ctl_export },
  { "import", N_ ("FILE…"), N_ ("Set the pins of pin files"),
    N_ ("FILE is a pin file, as export writes it and certpin.pin(5) describes it; - is\n"
        "standard input. If anything is wrong with any of them, nothing is changed. With\n"
        "--system, it asks if that would shut out servers that work now."),
    "certpinctl import --dry-run my.pin", 1, 1000, 0, ctl_import },
  { "key", N_ ("FILE|HOST…"), N_ ("Print the keys of certificates"),
    N_ ("HOST is a server, which is asked for its certificate now. Nobody has checked\n"
        "that: compare its key with what the operator of the server says."),
    "certpinctl key server.pem", 1, 64, 0, ctl_key },
  { "compare", N_ ("OLD NEW"), N_ ("Say whether a renewed certificate keeps the key"),
    N_ ("OLD and NEW are files, or hosts whose servers are asked for their certificates\n"
        "now. The exit status is 0 if the keys are the same, and 1 if they differ."),
    "certpinctl compare h.example new.pem", 2, 2, 0, ctl_compare },
  { "verify", N_ ("FILE…"), N_ ("Check a chain as if a server had sent it"),
    N_ ("Each FILE holds one certificate in DER form, or any number in PEM or PKCS#7.\n"
        "The server's certificate comes first. Nothing is sent. The exit status is 0 if\n"
        "the chain passes, and 3 if it does not."),
    "certpinctl verify --host=h.example chain.pem", 1, 64, 0, ctl_verify },
  { "get", N_ ("URL…"), N_ ("Get URLs, and write the response bodies"), NULL,
    "certpinctl get https://h.example/ > page.html\n"
    "certpinctl get -fsSL -H 'Accept: application/json' https://h.example/status\n"
    "certpinctl get -O https://h.example/one https://h.example/two\n"
    "certpinctl get -C - -O https://h.example/image.iso",
    1, G_MAXINT, G_MAXINT, ctl_get, N_ ("get, head, delete URL…") },
  { "head", N_ ("URL…"), N_ ("Get only the status and the response headers"), NULL,
    "certpinctl head https://h.example/", 1, G_MAXINT, G_MAXINT, ctl_head, "" },
  { "delete", N_ ("URL…"), N_ ("Send DELETE requests"), NULL,
    "certpinctl delete -f https://h.example/items/1", 1, G_MAXINT, G_MAXINT, ctl_delete, "" },
  { "post", N_ ("URL…"), N_ ("Send a body with POST or PUT"), NULL,
    "certpinctl post -d 'name=value' https://h.example/form\n"
    "certpinctl post --json-body '{\"a\": 1}' https://h.example/items",
    1, G_MAXINT, G_MAXINT, ctl_post, N_ ("post, put URL…") },
  { "put", N_ ("URL…"), N_ ("Send a body with PUT"), NULL,
    "certpinctl put -T item.json https://h.example/items/1", 1, G_MAXINT, G_MAXINT, ctl_put, "" },
  { "request", N_ ("METHOD URL…"), N_ ("Send any HTTP request to a pinned host"), NULL,
    "certpinctl request PATCH --json-body @item.json https://h.example/items/1\n"
    "certpinctl request -X OPTIONS https://h.example/",
    0, G_MAXINT, G_MAXINT, ctl_request },
  { "connect", N_ ("HOST:PORT"), N_ ("Open a pinned connection for any protocol"),
    N_ ("It is joined to standard input and output, and cut if a pin changes so that the\n"
        "server no longer passes. With --listen-unix or --listen-loopback, programs that\n"
        "know nothing of certpin can use it: they connect there, without TLS. Programs of\n"
        "other users are refused."),
    "certpinctl connect --listen-loopback=5433 --starttls=postgres h.example:5432", 1, 1, 1,
    ctl_connect },
  { "status", "", N_ ("Say whether all is well with the service"),
    N_ ("The exit status is 0 only if no file is broken, no host is blocked and there is\n"
        "no warning, and otherwise 3."),
    "certpinctl status || echo 'see to it'", 0, 0, 0, ctl_status },
  { "monitor", "", N_ ("Print what happens to pins, as it happens"),
    N_ ("Each change, each refused request and each key that is seen for the first time\n"
        "is a line. An interrupt ends it; a restart of the service does not."),
    "certpinctl monitor --json | jq -r .host", 0, 0, 0, ctl_monitor },
  { "log", N_ ("[HOST]"), N_ ("Show what the service has written to the journal"),
    N_ ("Each change of a pin and each refusal is a line, with who caused it, and the\n"
        "keys below. HOST without a port stands for all of its ports. TIME is a date,\n"
        "a time that has passed, such as 2h, or what else journalctl takes."),
    "certpinctl log --since=yesterday h.example", 0, 1, 1, ctl_log },
  { "reload", "", N_ ("Read the pin files and the trust file again"),
    N_ ("If there is an error in one of them, nothing is changed."), "certpinctl reload", 0, 0, 0,
    ctl_reload },
  { "doctor", N_ ("[HOST…]"), N_ ("Check all that must work, and say what helps"),
    N_ ("It goes from the bus to the servers of the pinned hosts, or only of each HOST,\n"
        "which get a handshake and nothing else. Nothing is changed. The exit status is 0\n"
        "only if all is well."),
    "certpinctl doctor h.example", 0, G_MAXINT, G_MAXINT, ctl_doctor },
  { NULL },
};
