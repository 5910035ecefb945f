// SPDX-License-Identifier: Apache-2.0
// Makes the pictures of the manual, under build/web-pictures.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const pictures = [
	["dashboard", "/", "Dashboard"],
	["tls-options", "/security/tls", "TLS Options"],
	["tls-advanced", "/security/tls?view=advanced", "TLS Options"],
	["certificates", "/security/certificates", "Certificates"],
	["account", "/account", "Your account"],
];

export default async function ({ facts, visit }) {
	mkdirSync(facts.pictures, { recursive: true });
	const me = await visit({ width: 960, height: 640 });
	const picture = (name) => me.page.screenshot({ path: join(facts.pictures, `${name}.png`) });
	await me.login();
	for (const [name, path, title] of pictures) {
		await me.go(path, title);
		await me.settled();
		await picture(name);
	}
	await me.go("/security/tls", "TLS Options");
	await me.choose("Minimum for all services, inbound and outbound", "TLSv1.3");
	await me.press("Save…");
	await me.sees("What is written to mailserver.cfg");
	await picture("tls-review");
}
