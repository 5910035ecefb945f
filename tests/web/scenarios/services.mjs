// SPDX-License-Identifier: Apache-2.0
// Services are stopped, moved and started on the page: the ports close and open, a session that has begun goes
// on, and a restart finds what was chosen. Who would close the door behind himself is told, and the change undoes itself unless he comes in by the new one.
import assert from "node:assert/strict";
import net from "node:net";
import { handshakes, run, talk } from "../outside.mjs";

const is_open = (port) => new Promise((done) => {
	const socket = net.connect({ port, host: "localhost" });
	socket.on("connect", () => { socket.destroy(); done(true); });
	socket.on("error", () => done(false));
});

const command = (facts, ...words) => run(facts.postern, [...words, "--home", facts.home]);

export default async function ({ facts, visit }) {
	const me = await visit();
	const { POP3S: port, IMAPS: imaps } = facts.ports;
	const free = 2777;
	const row = (name) => me.page.getByRole("row").filter({ has: me.page.getByRole("button", { name, exact: true }) });
	const dialog = me.page.getByRole("dialog");
	await me.login();
	await me.go("/services", "Services");

	const waits = net.connect({ port, host: "localhost" });
	waits.on("error", () => null);
	await new Promise((done) => waits.on("connect", done));
	await me.press("Stop POP3S");
	await me.sees("POP3S no longer listens; sessions that are open go on.");
	await row("POP3S").getByText("stopped").waitFor();
	assert.ok(!(await is_open(port)), "the port is closed");
	assert.equal(waits.destroyed, false, "who was there stays");
	waits.destroy();

	await me.press("POP3S");
	await me.fill("Port", String(free));
	await dialog.getByRole("button", { name: "Save", exact: true }).click();
	await dialog.waitFor({ state: "detached" });
	assert.ok(!(await is_open(free)), "a service that is stopped moves without being started");
	await me.press("Start POP3S");
	await me.sees("POP3S runs.");
	await row("POP3S").getByText("running").waitFor();
	assert.ok(await handshakes(free, "tls1_3"));
	assert.ok(!(await is_open(port)));

	const stopped = await command(facts, "service", "stop", "IMAPS");
	assert.equal(stopped.code, 0, stopped.text);
	assert.ok(!(await is_open(imaps)), "the command closes the port, too");
	await me.returns();
	await row("IMAPS").getByText("stopped").waitFor();

	// The door that this page stands behind.
	me.allow(/status of 400/);
	const refused = await command(facts, "service", "stop", "HTTPS");
	assert.notEqual(refused.code, 0);
	assert.match(refused.text, /administration page/);
	assert.ok(await is_open(facts.ports.HTTPS));
	assert.equal(await me.page.getByRole("button", { name: "Stop HTTPS" }).count(), 0);
	const answer = await me.api("POST", "/services/HTTPS/stop", {});
	assert.equal(answer.status, 400);
	assert.match(answer.body.error.text, /administration page/);
	await me.press("HTTPS");
	await dialog.getByText(/This page is served by this service/).waitFor();
	await me.fill("Port", "4141");
	await dialog.getByText(/within five minutes, the change undoes itself/).waitFor();
	me.allow(/ERR_CONNECTION_(REFUSED|RESET)|Failed to fetch|status of 503/);
	await dialog.getByRole("button", { name: "Save", exact: true }).click();
	const there = me.page.getByRole("link", { name: /:4141\// });
	await there.waitFor();
	assert.ok(await is_open(4141));
	me.at(await there.getAttribute("href"));
	await there.click();
	await me.press("Keep the settings");
	await me.sees("The settings are kept.");
	const kept = JSON.parse((await command(facts, "status", "--json")).text);
	assert.equal(kept.awaiting_confirmation, null);
}
