// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m errors.js URL: gets the URL, and tells a person what went wrong.

import Certpin from 'gi://Certpin?version=1';
import System from 'system';

import {titleOf} from './advice.js';

const [url] = ARGV;
try {
    const request = Certpin.Request.new('GET', url, null, null);
    print(Certpin.Client.new().secure_request(request, null, null).get_status());
} catch (error) {
    printerr(`${titleOf(error)}: ${error.message}.`);
    System.exit(1);
}
