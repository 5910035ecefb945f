// SPDX-License-Identifier: Apache-2.0
// Runs one scenario in a browser of its own: node run.mjs SCENARIO.mjs FACTS
// FACTS is what conftest.py says of the server, as JSON. The exit code is 1 when the scenario, the page's
// console or its Content-Security-Policy found something.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Visit } from "./visit.mjs";

const [file, text] = process.argv.slice(2);
const facts = JSON.parse(text);
const { chromium } = createRequire(join(facts.modules, "package.json"))("playwright-core");

const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let failed = false;
const visits = [];

/** A person with a browser of his own. */
async function visit(options = {}) {
	const made = await Visit.begin(browser, facts, options);
	visits.push(made);
	return made;
}

try {
	const scenario = await import(pathToFileURL(resolve(file)));
	await scenario.default({ facts, visit });
	for (const each of visits) each.expect_quiet();
} catch (error) {
	failed = true;
	console.log(error.stack ?? error);
	for (const [number, each] of visits.entries()) console.log(await each.tell(number));
} finally {
	await browser.close();
}
process.exit(failed ? 1 : 0);
