// SPDX-License-Identifier: Apache-2.0
// What strangers say is shown as text: host names, subjects, logins, log lines, user agents, names asked for by SNI,
// what hostile servers answer, names of aliases, selectors, rows and certificates. Nothing of it becomes an element or runs.
import assert from "node:assert/strict";
import { hostile, run, submit, talk, until } from "../outside.mjs";

const image = `<img/src=x/onerror=attacked=1>`;
const attack = `<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>`;
const address_attack = `"<svg/onload=attacked=1>"@elsewhere.example`;

/** As if nothing of it had run, and nothing had become an element. */
async function is_text(me, where) {
	assert.equal(await me.page.evaluate(() => globalThis.attacked), undefined, where);
	assert.equal(await me.page.locator("img:not([alt]), #app script, svg[onload], [onerror]").count(), 0, where);
}

/** Servers that answer with markup, and rows that lead to them. */
async function snares(facts) {
	const command = async (...words) => {
		const { code, text } = await run(facts.postern, [...words, "--home", facts.home], "secret\n");
		assert.equal(code, 0, text);
		return text;
	};
	const smtp = await hostile((line) => (line === "" ? `220 ${image} ESMTP` : /^(EHLO|HELO)/.test(line) ? `250 ${image}` : `451 4.7.0 ${image} not now`));
	const pop3 = await hostile((line) => (line === "" ? `+OK ${image}` : `-ERR ${image}`));
	await command("relay", "add", "Recipient=hostile.example", "Host=[127.0.0.1]", `Port=${smtp}`, "Level=none", `Comment=${image}`);
	await command("remote-password", "set", image, "--password-stdin");
	await command("pop3-account", "add", "Name=snare", "Host=[127.0.0.1]", `Port=${pop3}`, "Tls=none", "User=someone", `Password=${image}`, `DeliverTo=${facts.user}`);
	await command("partner", "add", "Peer=192.0.2.0/24", "Direction=in", "Level=encrypt", `Reason=${image}`);
	return { command, smtp };
}

/** Mail, logins and handshakes of strangers. */
async function visitors(facts) {
	const { ports, user, secrets } = facts;
	await talk(ports.IMAPS, [[/^\* OK/m, `a LOGIN "${image}@example.org" wrong`], [/^a NO/m, "b LOGOUT"], [/^b OK/m, null]]);
	await talk(ports.SMTPS, [[/^220 /m, `EHLO ${image}`], [/^[25]\d\d /m, "QUIT"], [/^221 /m, null]]);
	await run("openssl", ["s_client", "-connect", `localhost:${ports.IMAPS}`, "-servername", image], "Q\n");
	await submit(ports.SMTPS, user, secrets[user], user, attack, "[127.0.0.1]");
	await submit(ports.SMTPS, user, secrets[user], address_attack, attack);
	await submit(ports.SMTPS, user, secrets[user], `"${image}"@hostile.example`, attack);
}

async function logs(me) {
	await me.go("/logs?name=mail", "Logs");
	await me.sees("onerror=");
	await me.fill("Show only lines with", "<img");
	await me.page.locator(".log mark").first().waitFor();
	await me.fill("Show only lines with", "");
	await me.go("/logs?name=security", "Logs");
	await me.sees("onerror=attacked");
	await is_text(me, "logs");
}

/** What the servers to which mail is sent, and from which it is fetched, have said. */
async function others(me, facts, smtp) {
	const waits = async () => JSON.parse((await run(facts.postern, ["queue", "list", "--json", "--home", facts.home])).text).queue;
	await until(async () => (await waits()).some((entry) => entry.recipients.some((recipient) => recipient.status?.includes("<img"))), "the hostile server was asked");
	await me.go("/queue", "Message queue");
	const row = me.page.getByRole("row").filter({ hasText: "hostile.example" });
	await row.getByText(/4\.7\.0 <img/).waitFor();
	await row.locator(".button.cell").click();
	const dialog = me.page.getByRole("dialog");
	await dialog.getByText(/4\.7\.0 <img/).waitFor();
	await me.press("Close");
	await me.page.getByRole("row").filter({ hasText: "svg/onload" }).first().waitFor();
	await is_text(me, "queue");

	await me.go("/pop3", "POP3 accounts");
	await me.press(`Fetch now snare`);
	await me.sees("snare could not be fetched.");
	await me.page.getByRole("row").filter({ hasText: "failed" }).getByText(image).first().waitFor();
	await is_text(me, "POP3 accounts");

	await me.go("/security/partners", "Partners");
	await me.fill("Domain or host", `127.0.0.1:${smtp}`);
	await me.press("Probe");
	await me.page.getByRole("definition").getByText(image).first().waitFor();
	await me.page.getByRole("cell").getByText(image).waitFor();
	await is_text(me, "partners");
	await me.go("/relay", "Relay rules");
	await me.page.getByRole("cell").getByText(image).first().waitFor();
	await is_text(me, "relay rules");
}

/** Names that are refused are told as they were written; what is kept is shown so. */
async function names(me, facts) {
	const dialog = me.page.getByRole("dialog");
	me.allow(/status of 4\d\d/);
	for (const [path, title, opener, label, value, verb] of [
		["/domains", "Domains", "Add domain", "Domain", image, "Add domain"],
		["/security/dkim", "DKIM", "Make keys", "Selector", image, "Make them"],
	]) {
		await me.go(path, title);
		await me.press(opener);
		if (label === "Selector") await dialog.getByLabel("Domain", { exact: true }).fill("example.org");
		await dialog.getByLabel(label, { exact: true }).fill(value);
		await dialog.getByRole("button", { name: verb, exact: true }).click();
		await dialog.locator(".wrong").filter({ hasText: "<img" }).waitFor();
		await is_text(me, title);
		await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
	}
	await me.go("/aliases", "Aliases");
	await me.press("Add alias");
	await dialog.getByLabel("Address", { exact: true }).fill(`"${image}"@example.org`);
	await dialog.getByLabel("Goes to", { exact: true }).fill(facts.user);
	await dialog.getByRole("button", { name: "Add alias", exact: true }).click();
	await dialog.waitFor({ state: "detached" });
	await me.page.getByRole("cell").getByText(image).first().waitFor();
	await me.press(`Remove "${image}"@example.org`);
	await me.page.getByRole("dialog", { name: /<img/ }).waitFor();
	await is_text(me, "alias");
	await me.press("Cancel");
}

export default async function ({ facts, visit }) {
	const me = await visit({ agent: image });
	const { smtp } = await snares(facts);
	await visitors(facts);
	await me.login();
	await logs(me);
	await others(me, facts, smtp);
	await names(me, facts);
	for (const [view, title] of [["history", "Former versions"], ["evidence", "Record of changes"]]) {
		await me.go(`/security/tls?view=${view}`, "TLS Options");
		await me.page.getByRole("region", { name: title, exact: true }).first().getByText(image).first().waitFor();
	}
	await me.go("/security/certificates", "Certificates");
	await me.sees("onerror=");
	for (const path of await me.page.$$eval("nav a", (links) => links.map((link) => link.getAttribute("href").slice(1)))) {
		await me.page.evaluate((to) => { location.hash = to; }, path);
		await me.settled();
		await is_text(me, path);
	}
}
