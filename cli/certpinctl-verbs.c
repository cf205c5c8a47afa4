/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of verbs. It refers to every verb, and no verb refers to it. */

#include "config.h"

#include "certpinctl-verbs.h"

#include "certpinctl-connect.h"
#include "certpinctl-judge.h"
#include "certpinctl-list.h"
#include "certpinctl-pin.h"
#include "certpinctl-request.h"
#include "certpinctl-show.h"

const CtlVerb ctl_verbs[] = {
  { "pin", "HOST [FILE]", "Pin a host to the key of a certificate, or to given keys",
    "FILE holds one certificate in DER form; - is standard input. If it cannot be read, or holds\n"
    "anything else, the host is blocked: requests to it are refused until you pin or unpin it.\n"
    "HOST is h.example, *.h.example (exactly one more label) or **.h.example (h.example and all\n"
    "names below it), each with an optional :port.",
    "certpinctl pin h.example server.der\n"
    "certpinctl pin --system --match=path '**.h.example' ca.der\n"
    "certpinctl pin h.example --key sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyFv88RDBvdQJA=",
    1, 2, 1, ctl_pin },
  { "unpin", "HOST", "Remove the pin or the block of a host", NULL,
    "certpinctl unpin h.example\ncertpinctl unpin --system '*.h.example:8443'", 1, 1, 1,
    ctl_unpin },
  { "block", "HOST REASON", "Refuse all requests to a host", NULL,
    "certpinctl block h.example 'its key was stolen'", 2, 2, 2, ctl_block },
  { "list", "", "List the system's pins and your own", NULL,
    "certpinctl list\ncertpinctl list --user --json | jq -r '.pins[].host'", 0, 0, 0, ctl_list },
  { "show", "HOST", "Show a host's pins, and why the last request to it was refused", NULL,
    "certpinctl show h.example", 1, 1, 1, ctl_show },
  { "explain", "HOST", "Show which pins apply to a host, and why",
    "In each scope the most specific pin applies. A server must pass every pin that applies.",
    "certpinctl explain www.h.example\ncertpinctl explain --port=8443 h.example", 1, 1, 1,
    ctl_explain },
  { "verify", "FILE…", "Check a certificate chain as if a server had sent it",
    "Each FILE holds one certificate in DER form, or any number in PEM. The server's certificate\n"
    "comes first. Nothing is sent. The exit status is 0 if the chain passes, and 3 if it does not.",
    "certpinctl verify --host=h.example chain.pem\n"
    "certpinctl verify --trust-anchor=ca.pem server.der intermediate.der",
    1, 64, 0, ctl_verify },
  { "get", "URL", "Get a URL, and write the response body to standard output", NULL,
    "certpinctl get https://h.example/ > page.html\n"
    "certpinctl get -H 'Accept: application/json' --fail https://h.example/status\n"
    "certpinctl get -C - -O https://h.example/image.iso",
    1, 1, 1, ctl_get },
  { "request", "METHOD URL", "Send any HTTP request to a pinned host", NULL,
    "certpinctl request POST -H 'Content-Type: application/json' -d '{}' https://h.example/items\n"
    "certpinctl request PUT --data-file - https://h.example/items/1 < item.json",
    2, 2, 2, ctl_request },
  { "connect", "HOST:PORT", "Join a pinned connection to standard input and output",
    "For any protocol over TLS. The connection is cut if a pin changes so that the server no "
    "longer\n"
    "passes. With --listen-unix or --listen-loopback, programs that know nothing of certpin can "
    "use\n"
    "it: they connect there, without TLS. Programs of other users are refused.",
    "certpinctl connect h.example:6380\n"
    "certpinctl connect --starttls=smtp h.example:25\n"
    "certpinctl connect --listen-unix=$XDG_RUNTIME_DIR/mail h.example:993\n"
    "certpinctl connect --listen-loopback=5433 --starttls=postgres h.example:5432",
    1, 1, 1, ctl_connect },
  { NULL },
};
