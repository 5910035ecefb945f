// SPDX-License-Identifier: Apache-2.0
// An auditor sees everything and changes nothing: no page offers it, and the server refuses it.
import assert from "node:assert/strict";

const changes = [
	["POST", "/tls/set", { min: "TLSv1.3" }],
	["POST", "/tls/reset", { allow_weaker: true }],
	["POST", "/tls/confirm", {}],
	["POST", "/domains", { name: "other.example" }],
	["POST", "/users", { address: "x@example.org", password: "secret" }],
	["DELETE", "/users/anna%40example.org", null],
	["POST", "/queue/remove", { ids: ["all"] }],
];

export default async function ({ facts, visit }) {
	const me = await visit();
	await me.login(facts.auditor);
	await me.go("/security/tls", "TLS Options");
	await me.sees("You are logged in as auditor");
	assert.ok(await me.page.getByLabel("Minimum for all services, inbound and outbound").isDisabled());
	await me.go("/users", "Users");
	await me.sees(facts.user);
	assert.equal(await me.page.getByRole("button", { name: "Add user" }).count(), 0);
	me.allow(/status of 403/);
	for (const [method, path, body] of changes) {
		const answer = await me.api(method, path, body);
		assert.equal(answer.status, 403, `${method} ${path}: ${JSON.stringify(answer.body)}`);
	}
}
