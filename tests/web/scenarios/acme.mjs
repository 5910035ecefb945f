// SPDX-License-Identifier: Apache-2.0
// The CA's terms are agreed to, a row is added, and its certificate is served by the same process; it is asked
// for anew, changed and removed.
import assert from "node:assert/strict";
import { run, served, until } from "../outside.mjs";

const pid = async (facts) => JSON.parse((await run(facts.postern, ["status", "--json", "--home", facts.home])).text).pid;

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	await me.go("/security/acme", "Certificates by ACME");
	const before = await pid(facts);
	await me.sees("No certificates are asked for");
	await me.choose("AgreeTerms", "1");
	// The list is asked for anew: what is changed next is a change of the configuration that this makes.
	const listed = me.page.waitForResponse((response) => response.url().endsWith("/lists/AcmeCertificate"));
	await me.press("Save");
	await listed;

	// What the server refuses stands beside its field.
	me.allow(/status of 400/);
	await me.press("Add certificate");
	const dialog = me.page.getByRole("dialog");
	await dialog.getByLabel("Name", { exact: true }).fill("mail");
	await dialog.getByLabel("Domains", { exact: true }).fill("*.example.org");
	await dialog.getByRole("button", { name: "Save" }).click();
	await dialog.locator(".wrong").getByText("is a wildcard").waitFor();
	await dialog.getByLabel("Domains", { exact: true }).fill(facts.name);
	await dialog.getByRole("button", { name: "Save" }).click();
	await dialog.waitFor({ state: "detached" });

	const first = await until(async () => {
		const found = await served(facts.ports.IMAPS, facts.name);
		return /Pebble/i.test(found.issuer) && found;
	}, "the CA's certificate is served", 60000);
	await me.sees("as it should be");
	await me.press("Request now mail", false);
	await until(async () => (await served(facts.ports.IMAPS, facts.name)).serial !== first.serial, "another one is served", 60000);
	assert.equal(await pid(facts), before, "the server was not restarted");

	await me.press("mail");
	await dialog.getByLabel("Comment", { exact: true }).fill("ours <b>alone</b>");
	await dialog.getByRole("button", { name: "Save" }).click();
	await dialog.waitFor({ state: "detached" });
	await me.press("mail");
	assert.equal(await dialog.getByLabel("Comment", { exact: true }).inputValue(), "ours <b>alone</b>");
	await dialog.getByRole("button", { name: "Remove" }).click();
	await me.page.getByRole("dialog", { name: "Remove this row?" }).getByRole("button", { name: "Remove" }).click();
	await me.sees("No certificates are asked for");
}
