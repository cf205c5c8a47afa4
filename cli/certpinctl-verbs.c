/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of verbs: what each is called, takes and does. It refers to every verb, and no verb to
 * it. */

#include "config.h"

#include "certpinctl-verbs.h"

#include "certpinctl-judge.h"
#include "certpinctl-list.h"
#include "certpinctl-pin.h"
#include "certpinctl-request.h"
#include "certpinctl-show.h"

const CtlVerb ctl_verbs[] = {
  { "pin", "HOST [FILE]", "Pin a host to a certificate's key, or to keys",
    "FILE holds one certificate in DER form; - is the standard input. Where it cannot be read, or\n"
    "holds something else, the host is blocked until it is pinned or unpinned. HOST may be\n"
    "h.example, *.h.example (one more label) or **.h.example (every depth), each with an optional\n"
    ":port.",
    "certpinctl pin h.example server.der\n"
    "certpinctl pin --system --match=path '**.h.example' ca.der\n"
    "certpinctl pin h.example --key sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyFv88RDBvdQJA=",
    1, 2, 1, ctl_pin },
  { "unpin", "HOST", "Remove the pin or the block of a host", NULL,
    "certpinctl unpin h.example\ncertpinctl unpin --system '*.h.example:8443'", 1, 1, 1,
    ctl_unpin },
  { "block", "HOST REASON", "Refuse all requests to a host", NULL,
    "certpinctl block h.example 'its key was stolen'", 2, 2, 2, ctl_block },
  { "list", "", "List the pins: the system's and your own", NULL,
    "certpinctl list\ncertpinctl list --user --json | jq -r '.pins[].host'", 0, 0, 0, ctl_list },
  { "show", "HOST", "Show what holds for a host, and why its last request was refused", NULL,
    "certpinctl show h.example", 1, 1, 1, ctl_show },
  { "explain", "HOST", "Say which pins apply to a host, and why",
    "Of each scope the most specific pin applies; all that apply must pass.",
    "certpinctl explain www.h.example\ncertpinctl explain --port=8443 h.example", 1, 1, 1,
    ctl_explain },
  { "verify", "FILE…", "Judge a chain of certificates as a connection's would be",
    "The files hold certificates in DER, or in PEM as many as there are, the server's own first.\n"
    "Nothing is sent. The exit status is 0 where the chain passes, and 3 where it does not.",
    "certpinctl verify --host=h.example chain.pem\n"
    "certpinctl verify --trust-anchor=ca.pem server.der intermediate.der",
    1, 64, 0, ctl_verify },
  { "get", "URL", "Write what is at a URL to the standard output", NULL,
    "certpinctl get https://h.example/ > page.html\n"
    "certpinctl get -H 'Accept: application/json' --fail https://h.example/status",
    1, 1, 1, ctl_get },
  { "request", "METHOD URL", "Make any request of a pinned host", NULL,
    "certpinctl request POST -H 'Content-Type: application/json' -d '{}' https://h.example/items\n"
    "certpinctl request PUT --data-file - https://h.example/items/1 < item.json",
    2, 2, 2, ctl_request },
  { NULL },
};
