// SPDX-License-Identifier: Apache-2.0
// A domain, a user and an alias are made on the page; the user reads mail by IMAP; errors stand beside their fields.
import assert from "node:assert/strict";
import { talk } from "../outside.mjs";

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	await me.go("/domains", "Domains");
	await me.press("Add domain");
	await me.fill("Domain", "sub.example.org");
	await me.page.getByRole("dialog").getByRole("button", { name: "Add domain" }).click();
	await me.page.getByRole("cell", { name: "sub.example.org", exact: true }).waitFor();

	await me.go("/users", "Users");
	await me.press("Add user");
	const dialog = me.page.getByRole("dialog");
	me.allow(/status of 4\d\d/);
	await me.fill("Address", "no address");
	await me.fill("Password", "new-secret");
	await dialog.getByRole("button", { name: "Add user" }).click();
	const field = dialog.locator("[data-field=address]");
	await field.locator(".wrong").waitFor();
	assert.equal(await field.locator("input").getAttribute("aria-invalid"), "true");
	assert.ok(await field.locator("input").evaluate((input) => input === document.activeElement), "the wrong field has the focus");
	await me.fill("Address", "carla@sub.example.org");
	await me.fill("Quota", "2 GiB");
	await dialog.getByRole("button", { name: "Add user" }).click();
	await dialog.waitFor({ state: "detached" });
	await me.page.getByRole("button", { name: "carla@sub.example.org" }).waitFor();
	await me.sees("2.0 GiB");
	const said = await talk(facts.ports.IMAPS, [[/^\* OK/m, "a LOGIN carla@sub.example.org new-secret"], [/^a OK/m, "b SELECT INBOX"], [/^b OK/m, "c LOGOUT"], [/^c OK/m, null]]);
	assert.match(said, /b OK/);

	await me.go("/aliases", "Aliases");
	await me.press("Add alias");
	await me.fill("Address", "info@sub.example.org");
	await me.fill("Goes to", "carla@sub.example.org");
	await me.page.getByRole("dialog").getByRole("button", { name: "Add alias" }).click();
	await me.page.getByRole("cell", { name: "info@sub.example.org", exact: true }).waitFor();

	await me.go("/users", "Users");
	await me.page.getByLabel("Search addresses").fill("carl");
	await me.page.getByRole("button", { name: facts.admin }).waitFor({ state: "detached" });
	await me.press("carla@sub.example.org");
	await me.fill("New password", "newer-secret");
	await me.press("Save");
	await dialog.waitFor({ state: "detached" });
	const again = await talk(facts.ports.IMAPS, [[/^\* OK/m, "a LOGIN carla@sub.example.org newer-secret"], [/^a OK/m, "c LOGOUT"], [/^c OK/m, null]]);
	assert.match(again, /a OK/);

	await me.go("/aliases", "Aliases");
	await me.press("Remove info@sub.example.org");
	await me.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
	await me.sees("No aliases yet");
}
