// SPDX-License-Identifier: Apache-2.0
// A domain, a user, an alias and keys of DKIM are made on the page; the user reads mail by IMAP; errors stand beside their fields.
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

	await me.go("/security/dkim", "DKIM");
	await me.press("Make keys");
	await me.fill("Domain", "elsewhere.example");
	await me.press("Make them");
	await me.page.locator("[data-field=domain] .wrong").waitFor();
	await me.fill("Domain", "sub.example.org");
	await me.fill("Selector", "k1");
	await me.press("Make them");
	const records = me.page.getByRole("dialog", { name: "Publish for sub.example.org" });
	await records.getByText("k1-rsa._domainkey.sub.example.org").waitFor();
	await records.getByText(/^v=DKIM1; k=ed25519; p=/).waitFor();
	await records.getByRole("button", { name: "Close" }).click();
	const key = () => me.page.getByRole("row").filter({ hasText: "k1-ed25519" });
	await key().getByRole("button").click();
	await me.press("Sign now");
	await key().getByText("signing").waitFor();
	await key().getByRole("button").click();
	await me.press("Remove");
	await me.page.getByRole("dialog", { name: "Remove the key k1-ed25519?" }).getByRole("button", { name: "Remove" }).click();
	await key().waitFor({ state: "detached" });

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
