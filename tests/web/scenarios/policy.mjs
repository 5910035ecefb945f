// SPDX-License-Identifier: Apache-2.0
// The minimum is raised on the page: what will change is told in words, openssl is really refused, the
// change undoes itself; kept, it stays; resetting and going back wait for a confirmation as well.
import assert from "node:assert/strict";
import { handshakes, until } from "../outside.mjs";

const minimum = "Minimum for all services, inbound and outbound";
const orders = /\/api\/v1\/tls\/(set|reset|revert)$/;

/** Shortens the countdown, so that a test need not wait a minute; the page asks for its own. */
async function countdown(me, within) {
	await me.page.unroute(orders);
	await me.page.route(orders, async (route) => {
		const body = { ...route.request().postDataJSON(), confirm_within: within };
		await route.continue({ postData: JSON.stringify(body) });
	});
}

async function raise(me) {
	await me.choose(minimum, "TLSv1.3");
	await me.sees(/IMAPS.* will no longer accept TLSv1\.2/);
	await me.sees(/Mail is no longer sent with TLSv1\.2/);
	await me.press("Save…");
	await me.sees("SmtpSecurity/ClientTlsProtocols");
	await me.press("Apply");
	await me.sees("Keep these settings?");
}

export default async function ({ facts, visit }) {
	const me = await visit();
	const imaps = facts.ports.IMAPS;
	await me.login();
	await me.go("/security/tls", "TLS Options");
	assert.ok(await handshakes(imaps, "tls1_2"));

	await countdown(me, "10s");
	await raise(me);
	assert.ok(!(await handshakes(imaps, "tls1_2")), "TLS 1.2 is refused");
	assert.ok(!(await handshakes(facts.ports.SMTPS, "tls1_2")), "for SMTP as well");
	assert.ok(await handshakes(imaps, "tls1_3"));
	await until(() => handshakes(imaps, "tls1_2"), "the change undid itself");
	await me.sees("The change was not confirmed in time");
	await me.page.locator(".keep").waitFor({ state: "detached" });
	await until(async () => (await me.page.getByLabel(minimum, { exact: true }).inputValue()) === "TLSv1.2", "the page shows what is in force again");

	await countdown(me, "60s");
	await raise(me);
	await me.press("Keep the settings");
	await me.sees("The settings are kept.");
	await me.page.locator(".keep").waitFor({ state: "detached" });
	assert.ok(!(await handshakes(imaps, "tls1_2")));

	await me.page.getByRole("tab", { name: "History" }).click();
	await me.sees("SmtpSecurity/ServerTlsProtocols");
	await me.page.getByRole("tab", { name: "Evidence" }).click();
	await me.sees("The record is whole");
	await me.sees(facts.admin);

	await me.page.getByRole("tab", { name: "Advanced" }).click();
	await me.press("Reset to defaults…");
	await me.sees(/will also accept .*TLSv1/);
	const reset = me.page.getByRole("button", { name: "Reset", exact: true });
	assert.ok(await reset.isDisabled(), "older versions take a second click");
	await me.page.getByLabel("I know that older versions are admitted again").check();
	await countdown(me, "10s");
	await reset.click();
	await me.sees("Keep these settings?");
	assert.ok(await handshakes(imaps, "tls1_2"));
	await until(async () => !(await handshakes(imaps, "tls1_2")), "the reset undid itself");
	await me.sees("The change was not confirmed in time");

	await me.page.getByRole("tab", { name: "History" }).click();
	await me.page.getByRole("button", { name: /^Go back to version/ }).last().click();
	await me.sees("Undo by itself, unless confirmed");
	await countdown(me, "60s");
	await me.page.getByRole("dialog").getByRole("button", { name: "Revert" }).click();
	await me.sees("Keep these settings?");
	await me.press("Keep the settings");
	await me.sees("The settings are kept.");
	assert.ok(await handshakes(imaps, "tls1_2"));
}
