// SPDX-License-Identifier: Apache-2.0
// Old mail is brought into a mailbox on the page, which shows how far it is; IMAP reads it. What is no mail is
// refused beside the field. The dashboard shows disk and queue.
import assert from "node:assert/strict";
import { talk } from "../outside.mjs";

const count = 300;

const mbox = Array.from({ length: count }, (_, number) => `From a@client.example Sat Nov 21 14:03:59 2026\nSubject: number ${number}\nFrom: a@client.example\n\nHello.\n\n`).join("");

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	await me.go("/users", "Users");
	await me.page.getByRole("button", { name: facts.user }).click();
	await me.press("Import mail…");
	const dialog = me.page.getByRole("dialog", { name: `Import mail for ${facts.user}` });
	await dialog.getByText("of at most 1.0 GiB").waitFor();
	const verb = dialog.getByRole("button", { name: "Import", exact: true });
	assert.ok(await verb.isDisabled(), "nothing is chosen yet");
	me.allow(/status of 4\d\d/);
	await dialog.locator("input[type=file]").setInputFiles({ name: "picture.mbox", mimeType: "application/mbox", buffer: Buffer.from("\x89PNG, no mail") });
	await verb.click();
	await dialog.locator("[data-field=mail] .wrong").getByText("is neither an mbox").waitFor();
	await me.progress_note();
	await dialog.locator("input[type=file]").setInputFiles({ name: "old.mbox", mimeType: "application/mbox", buffer: Buffer.from(mbox) });
	await me.fill("Mailbox", "Brought/Along");
	await verb.click();
	await dialog.waitFor({ state: "detached" });
	const told = await me.progress_noted();
	assert.ok(told.some((words) => / sent$/.test(words)), `how much was sent: ${told}`);
	assert.ok(told.includes(`${count} messages`), `how much was imported: ${told}`);
	const login = `a LOGIN ${facts.user} ${facts.secrets[facts.user]}`;
	const said = await talk(facts.ports.IMAPS, [[/^\* OK/m, login], [/^a OK/m, 'b SELECT "Brought/Along"'], [/^b OK/m, "c LOGOUT"], [/^c OK/m, null]]);
	assert.match(said, new RegExp(`^\\* ${count} EXISTS`, "m"));

	await me.go("/", "Dashboard");
	await me.page.locator("a.figure", { hasText: "Disk space" }).getByText(/^free of \d/).waitFor();
	await me.page.locator("a.figure", { hasText: "In the queue" }).waitFor();
	await me.page.getByRole("heading", { name: "Mail to other servers" }).waitFor();
}
