// SPDX-License-Identifier: Apache-2.0
// The page asks a CA for a certificate; it is served at once, by the same process, to who asks for its name.
import assert from "node:assert/strict";
import { run } from "../outside.mjs";

const issuer = async (port, name) => (await run("openssl", ["s_client", "-connect", `localhost:${port}`, "-servername", name], "Q\n")).text;
const pid = async (facts) => JSON.parse((await run(facts.postern, ["status", "--json", "--home", facts.home])).text).pid;

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	await me.go("/security/certificates", "Certificates");
	assert.doesNotMatch(await issuer(facts.ports.IMAPS, facts.name), /issuer=.*Pebble/i);
	const before = await pid(facts);
	await me.press("Ask a CA…");
	const dialog = me.page.getByRole("dialog");
	await dialog.getByLabel("Name", { exact: true }).fill("mail");
	await dialog.getByLabel("Host names", { exact: true }).fill(facts.name);
	await dialog.getByRole("button", { name: "Ask for it" }).click();
	await dialog.waitFor({ state: "detached", timeout: 60000 });
	await me.page.getByRole("button", { name: "mail", exact: true }).waitFor();
	assert.match(await issuer(facts.ports.IMAPS, facts.name), /issuer=.*Pebble/i);
	assert.equal(await pid(facts), before, "the server was not restarted");
}
