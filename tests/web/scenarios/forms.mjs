// SPDX-License-Identifier: Apache-2.0
// Each form is given a value that the server refuses: what is wrong stands beside the field, is tied to it for
// screen readers, and the field has the focus.
import assert from "node:assert/strict";

/** Sends a form with one bad value, and looks at the field. */
async function refused(me, place, label, value, verb) {
	const field = place.getByLabel(label, { exact: true });
	await field.fill(value);
	await place.getByRole("button", { name: verb, exact: true }).click();
	const wrong = place.locator("[aria-invalid=true]");
	await wrong.first().waitFor();
	await me.page.waitForFunction(() => document.activeElement?.getAttribute("aria-invalid") === "true");
	const told = await wrong.evaluateAll((fields) => fields.map((each) => ({
		value: each.value,
		has_focus: each === document.activeElement,
		text: (each.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)).filter((note) => note?.classList.contains("wrong")).map((note) => note.textContent).join(""),
	})));
	assert.deepEqual(told.map((each) => [each.value, each.has_focus]), [[value, true]], `${label}: the field that is wrong`);
	assert.ok(told[0].text.length > 10, `${label}: what is wrong is said beside it`);
	assert.equal(await place.getByRole("alert").count(), 0, `${label}: and nowhere else`);
}

export default async function ({ facts, visit }) {
	const me = await visit();
	me.allow(/status of 4\d\d/);
	await me.login();
	const dialog = me.page.getByRole("dialog");
	const fill = (label, value) => dialog.getByLabel(label, { exact: true }).fill(value);
	/** Opens a dialog, lets a form in it fail, and closes it. */
	const in_dialog = async (path, title, opener, tries) => {
		await me.go(path, title);
		await me.press(opener);
		await dialog.waitFor();
		await tries();
		await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
		await dialog.waitFor({ state: "detached" });
	};

	await in_dialog("/domains", "Domains", "Add domain", () => refused(me, dialog, "Domain", "no domain", "Add domain"));
	await in_dialog("/users", "Users", "Add user", async () => {
		await fill("Password", "new-secret");
		await refused(me, dialog, "Address", "no address", "Add user");
		await fill("Address", "new@example.org");
		await refused(me, dialog, "Quota", "plenty", "Add user");
		await fill("Quota", "");
		await refused(me, dialog, "Password", "", "Add user");
	});
	await in_dialog("/users", "Users", facts.user, () => refused(me, dialog, "Quota", "plenty", "Save"));
	await in_dialog("/aliases", "Aliases", "Add alias", async () => {
		await fill("Goes to", facts.user);
		await refused(me, dialog, "Address", "no address", "Add alias");
		await fill("Address", "alias@example.org");
		await refused(me, dialog, "Goes to", "nobody@example.org", "Add alias");
	});
	await in_dialog("/security/dkim", "DKIM", "Make keys", async () => {
		await refused(me, dialog, "Domain", "elsewhere.example", "Make them");
		await fill("Domain", "example.org");
		await refused(me, dialog, "Selector", "no selector", "Make them");
	});
	await in_dialog("/security/partners", "Partners", "Add partner", async () => {
		await dialog.getByLabel("Direction", { exact: true }).selectOption("out");
		await refused(me, dialog, "Peer", "no peer", "Save");
	});
	await in_dialog("/relay", "Relay rules", "Add rule", async () => {
		await fill("Host", "relay.example");
		await refused(me, dialog, "Port", "99999", "Save");
	});
	await in_dialog("/relay", "Relay rules", "Set password…", async () => {
		await fill("Password", "secret");
		await refused(me, dialog, "Name", "", "Save");
	});
	await in_dialog("/pop3", "POP3 accounts", "Add account", async () => {
		await fill("Host", "pop.example");
		await fill("User", "someone");
		await fill("Password", "kept");
		await fill("Name", "account");
		await refused(me, dialog, "DeliverTo", "no address", "Save");
	});
	await in_dialog("/services", "Services", "IMAP", async () => {
		await refused(me, dialog, "Port", "99999", "Save");
		await fill("Port", "2143");
		await refused(me, dialog, "Addresses", "no address", "Save");
	});

	const page = me.page.getByRole("main");
	await me.go("/settings", "Settings");
	await refused(me, page, "IdleSeconds", "soon", "Save");
	await me.press("Discard");

	await me.go("/setup", "First steps");
	const step = async (title) => {
		const found = page.getByRole("region", { name: title });
		const closed = found.locator("details:not([open]) > summary");
		await found.waitFor();
		if (await closed.count()) await closed.click();
		return found;
	};
	await refused(me, await step("1. Host name"), "Host name", "no host", "Save");
	await refused(me, await step("2. First domain"), "Domain", "no domain", "Add domain");
	const user = await step("3. First user");
	await user.getByLabel("Password", { exact: true }).fill("new-secret");
	await refused(me, user, "Address", "no address", "Add user");
}
