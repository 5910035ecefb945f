// SPDX-License-Identifier: Apache-2.0
// Somebody who looks at the page: a browser context with what the tests do in it again and again.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

// The common limit of all tests: harness/waiting.py.
const patience_ms = 60000 * Number(process.env.POSTERN_TEST_PATIENCE ?? "1");

export class Visit {
	static async begin(browser, facts, { theme = "light", width = 1280, height = 900, agent } = {}) {
		const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, ignoreHTTPSErrors: true, reducedMotion: "reduce", ...(agent ? { userAgent: agent } : {}) });
		context.setDefaultTimeout(patience_ms);
		const page = await context.newPage();
		const visit = new Visit(context, page, facts);
		visit.listen();
		return visit;
	}

	constructor(context, page, facts) {
		Object.assign(this, { context, page, facts, said: [], expected: [], asked: new Set(), origins: new Set([facts.base, "null"]) });
	}

	/** Notes what the browser complains of, and whom the page asks. */
	listen() {
		this.page.on("console", (message) => message.type() === "error" && this.said.push(`${message.text()} ${message.location().url}`));
		this.page.on("pageerror", (error) => this.said.push(String(error)));
		this.page.on("dialog", (dialog) => {
			this.said.push(`a dialog: ${dialog.message()}`);
			void dialog.dismiss();
		});
		this.page.on("request", (request) => this.asked.add(new URL(request.url()).origin));
	}

	/** The console may say this: a request that is meant to be refused. */
	allow(pattern) {
		this.expected.push(pattern);
	}

	/** What the page asks to see comes late, as from a server that is far away. */
	async far_away(delay_ms) {
		await this.page.route("**/api/v1/**", async (route) => {
			if (route.request().method() === "GET") await new Promise((go_on) => { setTimeout(go_on, delay_ms); });
			await route.continue().catch(() => null);
		});
	}

	/** The page stands at this address, too. */
	at(address) {
		this.origins.add(new URL(address).origin);
	}

	expect_quiet() {
		const loud = this.said.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
		assert.deepEqual(loud, [], "the browser's console");
		assert.deepEqual([...this.asked].filter((origin) => !this.origins.has(origin)), [], "hosts that were asked");
	}

	/** What can be told of a failure. */
	async tell(number) {
		const path = join(this.facts.files, `failed-${number}.png`);
		await this.page.screenshot({ path, fullPage: true }).catch(() => null);
		const text = await this.page.evaluate(() => document.body.innerText).catch(() => "");
		return `--- visit ${number}: ${this.page.url()} (${path})\n${this.said.join("\n")}\n${text.slice(0, 3000)}`;
	}

	async open(path = "/") {
		await this.page.goto(`${this.facts.base}/#${path}`);
	}

	/** Goes to a page by its address, and waits for its title. */
	async go(path, title) {
		await this.page.evaluate((to) => { location.hash = to; }, path);
		await this.page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
	}

	async login(account = this.facts.admin, password = this.facts.secrets[account]) {
		this.allow(/status of 401/);
		await this.open("/");
		await this.fill("Account", account);
		await this.fill("Password", password);
		await this.press("Log in");
		await this.page.locator(".shell").waitFor();
	}

	fill(label, value) {
		return this.page.getByLabel(label, { exact: true }).fill(value);
	}

	choose(label, value) {
		return this.page.getByLabel(label, { exact: true }).selectOption(value);
	}

	press(name, exact = true) {
		return this.page.getByRole("button", { name, exact }).first().click();
	}

	async sees(text) {
		await this.page.getByText(text).first().waitFor();
	}

	async sees_no(text) {
		await this.page.getByText(text).first().waitFor({ state: "detached" });
	}

	/** Calls the API as the page does: with its cookie and its secret. */
	async api(method, path, body) {
		return this.page.evaluate(async ([way, to, sent]) => {
			const session = await (await fetch("/api/v1/session")).json();
			const response = await fetch(`/api/v1${to}`, {
				method: way,
				headers: { "X-Postern-Csrf": session.csrf, ...(sent ? { "Content-Type": "application/json" } : {}) },
				body: sent ? JSON.stringify(sent) : null,
			});
			const text = await response.text();
			return { status: response.status, body: text ? JSON.parse(text) : null };
		}, [method, path, body ?? null]);
	}

	/** Comes back to the window, and so hears at once of what was done elsewhere. */
	returns() {
		return this.page.evaluate(() => dispatchEvent(new Event("focus")));
	}

	/** Hears of nothing that others change until what this gives is called. */
	async deafen() {
		const pattern = /\/api\/v1\/(status|settings|services|lists\/\w+|tls\/variables)$/;
		const held = [];
		const hold = (route) => (route.request().method() === "GET" ? void held.push(route) : route.fallback());
		await this.page.route(pattern, hold);
		return async () => {
			await this.page.unroute(pattern, hold);
			await Promise.all(held.map((route) => route.continue().catch(() => null)));
		};
	}

	/** Has the page remember all that its bars of progress say, however shortly. */
	progress_note() {
		return this.page.evaluate(() => {
			globalThis.told = [];
			new MutationObserver(() => document.querySelectorAll(".progress span").forEach((each) => globalThis.told.push(each.textContent)))
				.observe(document.body, { childList: true, subtree: true, characterData: true });
		});
	}

	progress_noted() {
		return this.page.evaluate(() => globalThis.told);
	}

	/** Waits until nothing loads any more. */
	async settled() {
		await this.page.waitForFunction(() => !document.querySelector(".waiting"));
	}

	/** What axe-core has against the page, the serious and the critical. */
	async barriers() {
		const source = readFileSync(join(this.facts.modules, "node_modules/axe-core/axe.min.js"), "utf8");
		// By the debugger, whose scripts the page's policy does not govern.
		await this.page.evaluate(source);
		const found = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
		return found.violations
			.filter((one) => one.impact === "serious" || one.impact === "critical")
			.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
	}
}
