// SPDX-License-Identifier: Apache-2.0
// Every page in light and dark, and at the width of a phone: axe-core finds nothing serious, nothing is
// wider than the window; the pages are walked through by the keyboard alone.
import assert from "node:assert/strict";

async function pages_of(me) {
	return me.page.$$eval(".side a", (links) => links.map((link) => [link.getAttribute("href").slice(1), link.textContent]));
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
	const looked = async (me, theme) => {
		const note = async (what) => found.push(...(await me.barriers()).map((one) => `${theme} ${what}: ${one}`));
		await me.open("/");
		await me.page.getByLabel("Password", { exact: true }).waitFor();
		await note("login");
		await walk(me, note);
		for (const view of ["advanced", "history", "evidence"]) {
			await me.go(`/security/tls?view=${view}`, "TLS Options");
			await me.settled();
			await note(view);
		}
	};
	await Promise.all(["light", "dark"].map(async (theme) => looked(await visit({ theme }), theme)));
	const phone = await visit({ width: 390, height: 800 });
	await walk(phone, async (path) => {
		const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		if (wide > 0) found.push(`${path} is ${wide} px wider than a phone`);
	});
	assert.deepEqual(found, []);

	await phone.page.getByRole("button", { name: "Open the navigation" }).focus();
	await phone.page.keyboard.press("Enter");
	await phone.page.getByRole("link", { name: "Users" }).focus();
	await phone.page.keyboard.press("Enter");
	await phone.page.getByRole("heading", { level: 1, name: "Users" }).waitFor();
	// The title of a new page has the focus.
	await phone.page.waitForFunction(() => document.activeElement?.tagName === "H1");
	await phone.page.getByRole("button", { name: "Add user" }).focus();
	await phone.page.keyboard.press("Enter");
	await phone.page.getByRole("dialog").waitFor();
	await phone.page.keyboard.press("Escape");
	await phone.page.getByRole("dialog").waitFor({ state: "detached" });
	assert.equal(await phone.page.evaluate(() => document.activeElement?.textContent), "Add user", "the focus is back");
}
