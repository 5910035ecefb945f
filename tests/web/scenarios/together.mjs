// SPDX-License-Identifier: Apache-2.0
// Two administrators at once: on every page that changes the configuration the second is told what the
// first changed, and overwrites nothing; a hand edit of the file is shown as one, before it is in force and after.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../outside.mjs";

const told = "The configuration was changed meanwhile";
const minimum = "Minimum for all services, inbound and outbound";

async function command(facts, ...words) {
	const { code, text } = await run(facts.postern, [...words, "--home", facts.home]);
	assert.equal(code, 0, text);
	return text;
}

const json = async (facts, ...words) => JSON.parse(await command(facts, ...words, "--json"));
const setting = async (facts, table, name) => (await json(facts, "settings", "show", table)).settings.find((each) => each.name === name).value;
const service = async (facts, name) => (await json(facts, "service", "list")).services.find((each) => each.name === name);

/** The note that says who was quicker, and with what. */
async function is_told(me, who, ...what) {
	const note = me.page.locator(".note").filter({ hasText: told });
	await note.first().waitFor();
	assert.equal(await note.count(), 1, "said once");
	for (const text of [who, ...what]) await note.getByText(text).first().waitFor();
	return note;
}

/** The first raises the minimum while the second, who hears nothing of it, reviews a change of his own. */
async function policy(facts, first, second) {
	const review = async (me) => {
		await me.press("Save…");
		await me.sees("What is written to mailserver.cfg");
		await me.choose("Undo by itself, unless confirmed", "");
	};
	await first.go("/security/tls", "TLS Options");
	await first.choose(minimum, "TLSv1.3");
	await review(first);
	await second.go("/security/tls?view=advanced", "TLS Options");
	await second.choose("EphemeralDHKeySize", "4096");
	const hear = await second.deafen();
	await review(second);
	await first.press("Apply");
	await first.sees("The change is in force.");
	await second.press("Apply");
	await is_told(second, facts.admin, "Security/ServerTlsProtocols");
	assert.ok(await second.page.getByRole("button", { name: "Apply", exact: true }).isDisabled());
	await second.press("Cancel");
	await hear();
	await second.returns();
	await is_told(second, facts.admin, "Security/ServerTlsProtocols");
	await second.press("Load what is in force");
	await second.sees("set on this page by");
	assert.ok(!(await second.page.getByLabel("TLSv1.2", { exact: true }).first().isChecked()));
	assert.equal(await second.page.getByLabel("EphemeralDHKeySize", { exact: true }).inputValue(), "0", "nothing was overwritten");
}

async function settings(facts, first, second) {
	await second.go("/settings", "Settings");
	await second.page.getByLabel("IdleSeconds", { exact: true }).fill("1877");
	await first.go("/settings", "Settings");
	await first.page.getByLabel("ConnectionsPerAddress", { exact: true }).fill("66");
	await first.press("Save");
	await first.sees("Saved, and in force.");
	await second.returns();
	await is_told(second, facts.admin, "Limits/ConnectionsPerAddress");
	assert.ok(await second.page.getByRole("button", { name: "Save", exact: true }).isDisabled());
	await second.press("Load what is in force");
	await second.page.locator(".pending").waitFor({ state: "detached" });
	await second.page.waitForFunction(() => document.getElementById("setting-Limits-ConnectionsPerAddress").value === "66");
	assert.equal(await setting(facts, "Limits", "IdleSeconds"), null);
}

/** The first stops what the second has open in a form. */
async function services(facts, first, second) {
	await second.go("/services", "Services");
	await second.press("POP3");
	await second.fill("Most sessions at a time", "55");
	const hear = await second.deafen();
	await first.go("/services", "Services");
	await first.press("Stop POP3");
	await first.sees("POP3 no longer listens");
	await second.press("Save");
	await is_told(second, facts.admin, "Service:POP3/Enabled");
	await hear();
	await second.press("Load what is in force");
	await second.page.getByRole("dialog").waitFor({ state: "detached" });
	await second.press("Start POP3");
	await second.sees("POP3 runs.");
	assert.notEqual((await service(facts, "POP3")).max_connections, 55);
}

/** The first removes the row that the second has open: the next one has its number then. */
async function rows(facts, first, second) {
	for (const host of ["one.example", "two.example"]) await command(facts, "relay", "add", `Host=${host}`);
	await second.go("/relay", "Relay rules");
	await second.press("one.example");
	await second.fill("Port", "2600");
	await first.go("/relay", "Relay rules");
	await first.press("one.example");
	await first.press("Remove");
	await first.page.getByRole("dialog", { name: "Remove this row?" }).getByRole("button", { name: "Remove" }).click();
	await first.sees("The row was removed.");
	await second.returns();
	await is_told(second, facts.admin, "one.example");
	assert.ok(await second.page.getByRole("button", { name: "Save", exact: true }).isDisabled());
	await second.press("Load what is in force");
	await second.page.getByRole("button", { name: "one.example" }).waitFor({ state: "detached" });
	const left = (await json(facts, "relay", "list")).rows.map((row) => row.values);
	assert.deepEqual(left.map((values) => [values.Host, values.Port]), [["two.example", undefined]]);
}

/** What was edited by hand is shown on each page while it waits, and by whom it is when it is in force. */
async function hand_edit(facts, first, second) {
	const file = join(facts.home, "mailserver.cfg");
	writeFileSync(file, readFileSync(file, "utf8").replace("<table name=\"Server\">", "<table name=\"Server\">\n    <variable name=\"Fronts\">1</variable>"));
	for (const [path, title] of [["/relay", "Relay rules"], ["/services", "Services"], ["/settings", "Settings"], ["/security/tls", "TLS Options"]]) {
		await second.go(path, title);
		await second.returns();
		await second.sees("mailserver.cfg was edited by hand");
		await second.sees("Server/Fronts");
	}
	await second.go("/settings", "Settings");
	await second.page.getByLabel("IdleSeconds", { exact: true }).fill("1888");
	await first.go("/services", "Services");
	await first.press("Put them in force");
	await first.sees("What was edited in the file is in force.");
	await second.returns();
	await is_told(second, "Edited in the file", "Server/Fronts");
	await second.press("Load what is in force");
	await second.page.waitForFunction(() => document.getElementById("setting-Server-Fronts").value === "1");
	await second.sees_no("mailserver.cfg was edited by hand");
}

export default async function ({ facts, visit }) {
	const first = await visit();
	const second = await visit();
	second.allow(/status of 409/);
	await Promise.all([first.login(), second.login()]);
	await policy(facts, first, second);
	await settings(facts, first, second);
	await services(facts, first, second);
	await rows(facts, first, second);
	await hand_edit(facts, first, second);
}
