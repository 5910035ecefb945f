// SPDX-License-Identifier: Apache-2.0
// Two administrators at once: the second is told what the first changed, and overwrites nothing; a hand
// edit of the file is shown as one.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

async function raise(me) {
	await me.go("/security/tls", "TLS Options");
	await me.choose("Minimum for all services, inbound and outbound", "TLSv1.3");
}

async function enlarge(me) {
	await me.go("/security/tls?view=advanced", "TLS Options");
	await me.page.getByLabel("EphemeralDHKeySize", { exact: true }).selectOption("4096");
}

/** Up to the last click. */
async function review(me) {
	await me.press("Save…");
	await me.sees("What is written to mailserver.cfg");
	await me.choose("Undo by itself, unless confirmed", "");
}

export default async function ({ facts, visit }) {
	const first = await visit();
	const second = await visit();
	await first.login();
	await second.login();
	await raise(first);
	await review(first);
	await enlarge(second);
	await review(second);
	await first.press("Apply");
	await first.sees("The change is in force.");
	second.allow(/status of 409/);
	// The page has heard of it meanwhile, and has left the change that was begun alone.
	await second.sees("What you see is from before that");
	await second.press("Apply");
	await second.sees("The policy was changed meanwhile");
	await second.sees(new RegExp(`Security/ServerTlsProtocols.*${facts.admin}|${facts.admin}.*Security/ServerTlsProtocols`, "s"));
	await second.page.getByRole("dialog").getByRole("button", { name: "Load what is in force" }).click();
	await second.sees("set on this page by");
	assert.ok(!(await second.page.getByLabel("TLSv1.2", { exact: true }).first().isChecked()));
	assert.equal(await second.page.getByLabel("EphemeralDHKeySize", { exact: true }).inputValue(), "0", "nothing was overwritten");

	const file = join(facts.home, "mailserver.cfg");
	writeFileSync(file, readFileSync(file, "utf8").replace("<table name=\"Server\">", "<table name=\"Server\">\n    <variable name=\"Fronts\">1</variable>"));
	await second.page.reload();
	await second.sees("mailserver.cfg was edited by hand");
	await second.sees("Server/Fronts");
	assert.match(readFileSync(file, "utf8"), /name="Fronts"/);
}
