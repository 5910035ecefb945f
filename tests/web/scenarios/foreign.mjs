// SPDX-License-Identifier: Apache-2.0
// What strangers say is shown as text: host names, subjects, logins, log lines, queue reasons, names of
// certificates. Nothing of it becomes an element or runs.
import assert from "node:assert/strict";
import { submit, talk } from "../outside.mjs";

const attack = `<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>`;
const address_attack = `"<svg/onload=attacked=1>"@elsewhere.example`;

export default async function ({ facts, visit }) {
	const me = await visit();
	await talk(facts.ports.IMAPS, [[/^\* OK/m, `a LOGIN "<img/src=x/onerror=attacked=1>@example.org" wrong`], [/^a NO/m, "b LOGOUT"], [/^b OK/m, null]]);
	await submit(facts.ports.SMTPS, facts.user, facts.secrets[facts.user], facts.user, attack, "[127.0.0.1]");
	await submit(facts.ports.SMTPS, facts.user, facts.secrets[facts.user], address_attack, attack);
	await me.login();

	await me.go("/logs?name=mail", "Logs");
	await me.sees("onerror=");
	await me.fill("Show only lines with", "<img");
	await me.page.locator(".log mark").first().waitFor();
	await me.fill("Show only lines with", "");
	await me.go("/logs?name=security", "Logs");
	await me.sees("onerror=attacked");
	await me.go("/queue", "Message queue");
	await me.sees("svg/onload");
	await me.page.locator("td .button.cell").first().click();
	await me.page.getByRole("dialog").getByText("svg/onload").first().waitFor();
	await me.press("Close");
	await me.go("/security/certificates", "Certificates");
	await me.sees("onerror=");
	for (const path of ["/", "/connections", "/users", "/setup", "/security/tls?view=evidence"]) {
		await me.page.evaluate((to) => { location.hash = to; }, path);
		await me.settled();
	}
	assert.equal(await me.page.evaluate(() => globalThis.attacked), undefined);
	assert.equal(await me.page.locator("img, #app script, svg[onload]").count(), 0);
}
