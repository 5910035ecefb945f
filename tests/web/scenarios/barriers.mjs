// SPDX-License-Identifier: Apache-2.0
// Every page in light and dark, and at the width of a phone: axe-core finds nothing serious, nothing is
// wider than the window; the pages are walked through by the keyboard alone.
import assert from "node:assert/strict";

async function pages_of(me) {
	return me.page.$$eval("nav a", (links) => links.map((link) => [link.getAttribute("href").slice(1), link.textContent]));
}

async function walk(me, look) {
	await me.login();
	for (const [path] of await pages_of(me)) {
		await me.page.evaluate((to) => { location.hash = to; }, path);
		await me.settled();
		await look(path);
	}
}

export default async function ({ visit }) {
	const found = [];
	for (const theme of ["light", "dark"]) {
		const me = await visit({ theme });
		await me.open("/");
		await me.page.getByLabel("Password", { exact: true }).waitFor();
		found.push(...(await me.barriers()).map((one) => `${theme} login: ${one}`));
		await walk(me, async (path) => found.push(...(await me.barriers()).map((one) => `${theme} ${path}: ${one}`)));
		for (const view of ["advanced", "history", "evidence"]) {
			await me.go(`/security/tls?view=${view}`, "TLS Options");
			await me.settled();
			found.push(...(await me.barriers()).map((one) => `${theme} ${view}: ${one}`));
		}
	}
	const phone = await visit({ width: 390, height: 800 });
	await walk(phone, async (path) => {
		const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		if (wide > 0) found.push(`${path} is ${wide} px wider than a phone`);
	});
	assert.deepEqual(found, []);

	await phone.page.getByRole("button", { name: "Open the navigation" }).focus();
	await phone.page.keyboard.press("Enter");
	await phone.page.getByRole("link", { name: "TLS Options" }).focus();
	await phone.page.keyboard.press("Escape");
	assert.equal(await phone.page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Open the navigation", "the focus is back at the menu");
	await phone.page.locator("td .button.cell").first().focus();
	const name = await phone.page.evaluate(() => document.activeElement?.textContent);
	await phone.page.keyboard.press("Enter");
	await phone.page.getByRole("dialog").waitFor();
	await phone.page.keyboard.press("Escape");
	await phone.page.getByRole("dialog").waitFor({ state: "detached" });
	assert.equal(await phone.page.evaluate(() => document.activeElement?.textContent), name, "the focus is back");
}
