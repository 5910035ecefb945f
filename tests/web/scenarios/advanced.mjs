// SPDX-License-Identifier: Apache-2.0
// A variable and the order of suites are changed under Advanced; a wrong value is told beside its field;
// a service gets its own value; a former version is put in force again.
import assert from "node:assert/strict";
import { run } from "../outside.mjs";

const variables = async (facts) => JSON.parse((await run(facts.postern, ["tls", "variables", "--json", "--home", facts.home])).text);
const value_of = (document, kind, place, name) => document[kind].find((each) => each.name === place).settings.find((each) => each.name === name);

async function apply(me) {
	await me.press("Save…");
	await me.sees("What is written to mailserver.cfg");
	await me.choose("Undo by itself, unless confirmed", "");
	const hear = await me.deafen();
	const answered = me.page.waitForResponse((response) => response.url().endsWith("/tls/set"));
	await me.press("Apply");
	await answered;
	// The next change must be one of the configuration with this one in it: the page waits until it has that.
	assert.equal(await me.page.getByRole("dialog").count(), 1);
	await hear();
	await me.page.getByRole("dialog").waitFor({ state: "detached" });
	await me.page.locator(".pending").waitFor({ state: "detached" });
}

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	// What is changed next is a change of what was saved just before, however late the page hears of that.
	await me.far_away(400);
	await me.go("/security/tls?view=advanced", "TLS Options");
	await me.page.getByLabel("EphemeralDHKeySize", { exact: true }).selectOption("4096");
	await me.sees("One variable changed, not saved yet");

	await me.page.getByRole("button", { name: "Arrange suites…: ServerTlsCiphers" }).click();
	const first = me.page.locator(".order li").first();
	const name = await first.locator("input").getAttribute("aria-label");
	await first.locator("input").focus();
	await me.page.keyboard.press("Alt+ArrowDown");
	await me.sees(`${name} is now number 2`);
	await me.page.locator(".order li").nth(2).locator("input").uncheck();
	await me.press("Use this order");
	await apply(me);

	const table = "Security";
	let now = await variables(facts);
	assert.equal(value_of(now, "tables", table, "EphemeralDHKeySize").effective, "4096");
	const suites = value_of(now, "tables", table, "ServerTlsCiphers").effective.split(":");
	assert.equal(suites[1], name);
	assert.equal(value_of(now, "tables", table, "EphemeralDHKeySize").set.who, facts.admin);

	await me.page.getByLabel("Variables of").selectOption("Service:POP3S");
	await me.page.getByLabel("TLSv1.2", { exact: true }).first().uncheck();
	await apply(me);
	now = await variables(facts);
	assert.equal(value_of(now, "services", "POP3S", "ServerTlsProtocols").effective, "TLSv1.3");

	me.allow(/status of 400/);
	await me.page.getByLabel("Variables of").selectOption("Security");
	await me.page.getByLabel("ServerTlsCiphers", { exact: true }).fill("HIGH:!RC5TYPO");
	await me.choose("Variables of", "Service:POP3S");
	await me.press("Save…");
	// The variable is shown where it stands, with what is wrong with it beside it.
	const wrong = me.page.locator("[aria-invalid=true]");
	await wrong.waitFor();
	assert.equal(await wrong.inputValue(), "HIGH:!RC5TYPO");
	assert.equal(await me.page.getByLabel("Variables of").inputValue(), "Security");
	assert.match(await me.page.locator(`[id="${await wrong.getAttribute("aria-describedby")}"]`).textContent(), /RC5TYPO/);
	assert.ok(await wrong.evaluate((field) => field === document.activeElement), "the wrong field has the focus");
	await me.press("Discard");

	await me.page.getByRole("tab", { name: "History" }).click();
	await me.page.getByRole("button", { name: /Go back to version/ }).first().click();
	await me.choose("Undo by itself, unless confirmed", "");
	await me.page.getByRole("dialog").getByRole("button", { name: "Revert" }).click();
	await me.sees(/is in force again/);
	now = await variables(facts);
	assert.equal(value_of(now, "services", "POP3S", "ServerTlsProtocols").effective, "TLSv1.2, TLSv1.3");
}
