// SPDX-License-Identifier: Apache-2.0
// A message waits, the page says why; it is held, released, and removed, with how far that is.
import assert from "node:assert/strict";
import { run, submit, until } from "../outside.mjs";

const queued = async (facts) => JSON.parse((await run(facts.postern, ["queue", "list", "--json", "--home", facts.home])).text).queue;

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	await me.go("/queue", "Message queue");
	await me.sees("Nothing waits");
	await submit(facts.ports.SMTPS, facts.user, facts.secrets[facts.user], "somebody@elsewhere.example", "waits");
	const [entry] = await until(async () => {
		const list = await queued(facts);
		return list[0]?.recipients[0]?.status && list;
	}, "a first attempt failed");
	await me.go("/", "Dashboard");
	await me.go("/queue", "Message queue");
	await me.page.getByRole("button", { name: entry.id }).click();
	const dialog = me.page.getByRole("dialog");
	await dialog.getByText("somebody@elsewhere.example").first().waitFor();
	await dialog.getByText(entry.recipients[0].status.slice(0, 30)).first().waitFor();
	await dialog.getByRole("button", { name: "Hold" }).click();
	await dialog.waitFor({ state: "detached" });
	await me.page.getByRole("cell", { name: "held" }).waitFor();
	assert.ok((await queued(facts))[0].recipients[0].held);
	await me.page.getByLabel(`Choose ${entry.id}`).check();
	await me.press("Release");
	await until(async () => !(await queued(facts))[0].recipients[0].held, "the message went on");
	await me.page.getByLabel(`Choose ${entry.id}`).check();
	await me.press("Remove…");
	await me.progress_note();
	await dialog.getByRole("button", { name: "Remove…" }).click();
	await me.sees("Nothing waits");
	assert.ok((await me.progress_noted()).includes("0 of 1 messages"));
	assert.equal((await queued(facts)).length, 0);
}
