// SPDX-License-Identifier: Apache-2.0
// A log grows on the page as it grows on the disk, is filtered by the server, and shows what strangers say as text.
import assert from "node:assert/strict";
import { talk } from "../outside.mjs";

const fail = (facts, user) => talk(facts.ports.IMAPS, [[/^\* OK/m, `a LOGIN ${user} wrong`], [/^a NO/m, "b LOGOUT"], [/^b OK/m, null]]);

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login();
	await fail(facts, "first@example.org");
	await me.go("/logs?name=security", "Logs");
	await me.sees("first@example.org");
	await me.sees("Live: new lines appear at the end.");
	await fail(facts, "second@example.org");
	await me.sees("second@example.org");
	await me.fill("Show only lines with", "second@");
	await me.page.waitForFunction(() => !document.querySelector(".log")?.textContent.includes("first@"));
	assert.equal(await me.page.locator(".log mark").first().textContent(), "second@");
	await me.sees("Live: new lines appear at the end.");
	await fail(facts, "third@example.org");
	await fail(facts, "second@example.org");
	await me.page.waitForFunction(() => document.querySelectorAll(".log mark").length >= 2);
	assert.ok(!(await me.page.locator(".log").textContent()).includes("third@"), "what comes is filtered too");
}
