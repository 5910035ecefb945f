// SPDX-License-Identifier: Apache-2.0
// The first steps: host name, domain and user are set on one page, which shows the DNS records to publish.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { talk } from "../outside.mjs";

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	await me.go("/setup", "First steps");
	const step = (title) => me.page.getByRole("region", { name: title });
	const open = async (title) => {
		const closed = step(title).locator("details:not([open]) > summary");
		if (await closed.count()) await closed.click();
		return step(title);
	};
	await step("1. Host name").waitFor();

	const host = await open("1. Host name");
	await host.getByLabel("Host name", { exact: true }).fill("mail.example.org");
	await host.getByRole("button", { name: "Save" }).click();
	await me.sees("Saved, and in force.");
	assert.match(readFileSync(join(facts.home, "mailserver.cfg"), "utf8"), /name="Hostname">mail\.example\.org</);

	const domain = await open("2. First domain");
	await domain.getByLabel("Domain", { exact: true }).fill("first.example");
	await domain.getByRole("button", { name: "Add domain" }).click();
	await me.sees("first.example was added.");

	const user = await open("3. First user");
	await user.getByLabel("Address", { exact: true }).fill("first@example.org");
	await user.getByLabel("Password", { exact: true }).fill("first-secret");
	await user.getByRole("button", { name: "Add user" }).click();
	await me.sees("first@example.org was added.");
	const said = await talk(facts.ports.IMAPS, [[/^\* OK/m, "a LOGIN first@example.org first-secret"], [/^a /m, "b LOGOUT"], [/^b OK/m, null]]);
	assert.match(said, /^a OK/m);

	const records = step("6. DNS records to publish");
	await records.getByText("10 mail.example.org.", { exact: true }).waitFor();
	await records.getByText("v=spf1 mx -all").waitFor();
}
