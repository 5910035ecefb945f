// SPDX-License-Identifier: Apache-2.0
// Pairs come in every way that the page offers, and each is served at once by the same process: PEM files, PKCS#12
// with a wrong and the right password, made here, and signed by a CA for a key that never left the server.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, served } from "../outside.mjs";

const pid = async (facts) => JSON.parse((await run(facts.postern, ["status", "--json", "--home", facts.home])).text).pid;

/** What the CA makes of a request. */
async function signed(facts, request, host) {
	const at = (name) => join(facts.files, name);
	writeFileSync(at("request.pem"), request);
	writeFileSync(at("names"), `subjectAltName = DNS:${host}\n`);
	const { code, text } = await run("openssl", ["x509", "-req", "-in", at("request.pem"), "-CA", facts.issuer, "-CAkey", facts.issuer_key, "-set_serial", "77", "-days", "60", "-extfile", at("names"), "-out", at("leaf.pem")]);
	assert.equal(code, 0, text);
	return readFileSync(at("leaf.pem"), "utf8");
}

export default async function ({ facts, visit }) {
	const me = await visit();
	me.allow(/status of 400/);
	await me.login();
	await me.go("/security/certificates", "Certificates");
	const before = await pid(facts);
	const dialog = me.page.getByRole("dialog");
	const press = (name) => dialog.getByRole("button", { name, exact: true }).click();

	const begin = async (name) => {
		await me.press("Import…");
		await dialog.getByLabel("Name", { exact: true }).fill(name);
	};
	const take = async (name) => {
		await press("Import");
		await dialog.waitFor({ state: "detached" });
		await me.page.getByRole("button", { name, exact: true }).waitFor();
	};
	const host_served = async (host, issuer) => assert.match((await served(facts.ports.IMAPS, host)).issuer ?? "", issuer, host);

	// Two files; what they are is shown, and nothing is written before the second click.
	await begin("two");
	await dialog.getByLabel("Files", { exact: true }).setInputFiles([facts.two.crt, facts.two.key]);
	await press("Show what it is");
	await dialog.getByText("two.example.org, by Test Issuer").waitFor();
	await dialog.getByText("is neither in it nor known to this machine").waitFor();
	await host_served("two.example.org", /Postern/);
	await take("two");
	// What each port serves tells of it.
	await me.page.getByRole("row", { name: /^two\.example\.org two RSA/ }).waitFor();
	await host_served("two.example.org", /Test Issuer/);

	// The key of another certificate is refused, beside the field.
	await begin("two");
	await dialog.getByLabel("Files", { exact: true }).setInputFiles([facts.two.crt, facts.other.key]);
	await press("Show what it is");
	await dialog.locator(".wrong").getByText("belongs to none of the certificates").waitFor();
	await press("Cancel");

	// PKCS#12: no password, a wrong one, the right one.
	await begin("box");
	await dialog.getByLabel("Files", { exact: true }).setInputFiles(facts.p12);
	await press("Show what it is");
	await dialog.locator(".wrong").getByText("it is protected by a password").waitFor();
	await dialog.getByLabel("Password", { exact: true }).fill("wrong");
	await press("Show what it is");
	await dialog.locator(".wrong").getByText("the password does not open it").waitFor();
	await dialog.getByLabel("Password", { exact: true }).fill(facts.p12_password);
	await press("Show what it is");
	await take("box");
	await host_served("box.example.org", /Test Issuer/);

	// What a certificate calls itself is text. An expired one can be looked at, and not imported.
	await begin("foreign");
	await dialog.getByLabel("Files", { exact: true }).setInputFiles([facts.foreign.crt, facts.foreign.key]);
	await press("Show what it is");
	await dialog.getByText("<img src=x onerror=attacked=1>").first().waitFor();
	assert.equal(await me.page.evaluate(() => window.attacked), undefined);
	await press("Cancel");
	await dialog.getByLabel("Files", { exact: true }).setInputFiles([facts.expired.crt, facts.expired.key]);
	await press("Show what it is");
	await dialog.getByText("the certificate expired on").waitFor();
	assert.ok(await dialog.getByRole("button", { name: "Import", exact: true }).isDisabled());
	await press("Cancel");
	await press("Cancel");

	await me.press("Self-signed…");
	await dialog.getByLabel("Name", { exact: true }).fill("own");
	await dialog.getByLabel("Host names", { exact: true }).fill("own.example.org");
	await press("Make them");
	await dialog.waitFor({ state: "detached" });
	await host_served("own.example.org", /Postern local root for own/);

	// A request: the key stays, the certificate comes, and both are served.
	await me.press("Make a request…");
	await dialog.getByLabel("Name", { exact: true }).fill("asked");
	await dialog.getByLabel("Host names", { exact: true }).fill("asked.example.org");
	await press("Make the request");
	const request = await dialog.getByLabel("The request", { exact: true }).inputValue();
	assert.match(request, /BEGIN CERTIFICATE REQUEST/);
	await press("Close");
	await me.page.getByRole("heading", { name: "Requests" }).waitFor();
	const leaf = await signed(facts, request, "asked.example.org");
	await begin("asked");
	await dialog.getByLabel("Or as text", { exact: true }).fill(leaf + readFileSync(facts.issuer, "utf8"));
	await press("Show what it is");
	await dialog.getByText("the one that waited here for it").waitFor();
	await take("asked");
	assert.match((await served(facts.ports.IMAPS, "asked.example.org")).serial, /4D/);
	await me.page.getByRole("heading", { name: "Requests" }).waitFor({ state: "detached" });

	// A request that is given up.
	await me.press("Make a request…");
	await dialog.getByLabel("Name", { exact: true }).fill("gone");
	await dialog.getByLabel("Host names", { exact: true }).fill("gone.example.org");
	await dialog.getByLabel("Key", { exact: true }).selectOption("rsa");
	await press("Make the request");
	await press("Close");
	await me.press("Give up gone", false);
	await press("Remove");
	await me.page.getByRole("heading", { name: "Requests" }).waitFor({ state: "detached" });
	assert.deepEqual((await me.api("GET", "/certificates/requests")).body.requests, []);
	assert.equal(await pid(facts), before, "the server was not restarted");
}
