// SPDX-License-Identifier: LGPL-2.1-or-later
//! request-rust FILE URL: pins the URL's host to the key of the certificate in FILE, and gets the URL, over D-Bus.

use dbus::arg::{PropMap, Variant};
use dbus::blocking::{Connection, Proxy};
use std::time::Duration;

/// (status, headers, body, info)
type Response = (u32, Vec<(String, String)>, Vec<u8>, PropMap);

const NAME: &str = "org.certpin.Certpin1";
const PATH: &str = "/org/certpin/Certpin1";
const PINS: &str = "org.certpin.Certpin1.Pins";
const REQUESTS: &str = "org.certpin.Certpin1.Requests";
const PIN_MISMATCH: &str = "org.certpin.Certpin1.Error.PinMismatch";

fn host_of(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    rest.split(|letter| "/:?#".contains(letter)).next().unwrap_or(rest)
}

fn pin(service: &Proxy<&Connection>, host: &str, certificate: Vec<u8>) -> Result<(), dbus::Error> {
    let (_pin,): (PropMap,) =
        service.method_call(PINS, "PinCertificate", (host, certificate, PropMap::new()))?;
    Ok(())
}

fn get(service: &Proxy<&Connection>, url: &str) -> Result<Response, dbus::Error> {
    let headers = vec![("Accept", "text/plain")];
    let body: Vec<u8> = Vec::new();
    let mut options = PropMap::new();
    options.insert("timeout-ms".to_string(), Variant(Box::new(20000u32)));
    service.method_call(REQUESTS, "SecureRequest", ("GET", url, headers, body, options))
}

fn ask(path: &str, url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let certificate = std::fs::read(path)?;
    let bus = Connection::new_system()?;
    let service = bus.with_proxy(NAME, PATH, Duration::from_secs(60));
    pin(&service, host_of(url), certificate)?;
    let (status, _headers, body, _info) = get(&service, url)?;
    println!("{} {}", status, String::from_utf8_lossy(&body));
    Ok(())
}

/// The name of an error is for the program, its message for people.
fn tell(error: &(dyn std::error::Error + 'static)) {
    match error.downcast_ref::<dbus::Error>() {
        Some(error) => {
            if error.name() == Some(PIN_MISMATCH) {
                eprintln!("another key: nothing was sent");
            }
            eprintln!("{}", error.message().unwrap_or("the call failed"));
        }
        None => eprintln!("{}", error),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() != 3 {
        std::process::exit(2);
    }
    if let Err(error) = ask(&arguments[1], &arguments[2]) {
        tell(error.as_ref());
        std::process::exit(1);
    }
}
