// SPDX-License-Identifier: Apache-2.0
// The first login: a wrong password is refused in words, the right one opens the page; a new session at
// each login; logging out ends it.
import assert from "node:assert/strict";

export default async function ({ facts, visit }) {
	const me = await visit();
	me.allow(/status of 401/);
	await me.open("/security/tls");
	await me.fill("Account", facts.admin);
	await me.fill("Password", "wrong");
	await me.press("Log in");
	await me.page.getByRole("alert").or(me.page.locator(".wrong")).first().waitFor();
	assert.equal((await me.context.cookies()).length, 0, "no cookie before the login");

	await me.fill("Password", facts.secrets[facts.admin]);
	await me.page.keyboard.press("Enter");
	await me.page.getByRole("heading", { level: 1, name: "TLS Options" }).waitFor();
	const [cookie] = await me.context.cookies();
	assert.equal(cookie.name, "__Host-postern");
	assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === "Strict");

	await me.press("Log out");
	await me.page.getByLabel("Password", { exact: true }).waitFor();
	await me.context.addCookies([cookie]);
	await me.page.reload();
	await me.page.getByLabel("Password", { exact: true }).waitFor();
	await me.fill("Account", facts.admin);
	await me.fill("Password", facts.secrets[facts.admin]);
	await me.press("Log in");
	await me.page.getByRole("heading", { level: 1, name: "TLS Options" }).waitFor();
	const again = (await me.context.cookies()).find((each) => each.name === cookie.name);
	assert.notEqual(again.value, cookie.value, "a new login is a new session");
	assert.equal(await me.page.evaluate(() => document.cookie), "", "scripts do not see the cookie");
}
