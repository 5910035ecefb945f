// SPDX-License-Identifier: Apache-2.0
// Who is logged in sets up his own account, administrator and auditor alike: a second factor by the code on the page, which
// a camera could read, and a password; other sessions end. An administrator switches the factor of another off.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

const step_s = 30;
/** So wide is the picture that is read: some pixels for each module of the code. */
const pixels = 260;

/** RFC 6238, from the key as the page shows it. */
function code_of(secret, step) {
	const bits = [...secret.replace(/\s/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(step));
	const mac = createHmac("sha1", key).update(counter).digest();
	const at = mac[19] & 15;
	return String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}

const step_now = () => Math.floor(Date.now() / 1000 / step_s);

/** What a camera would read from the QR code. */
async function qr_text(me) {
	const svg = await me.page.locator("svg.qr").evaluate((code) => new XMLSerializer().serializeToString(code));
	const data = await me.page.evaluate(async ([source, size]) => {
		const image = new Image(size, size);
		image.src = `data:image/svg+xml,${encodeURIComponent(source.replace("<svg", `<svg width="${size}" height="${size}"`))}`;
		await image.decode();
		const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
		const context = canvas.getContext("2d");
		context.drawImage(image, 0, 0, size, size);
		return [...context.getImageData(0, 0, size, size).data].filter((_, at) => at % 4 === 0).map((red) => (red < 128 ? "#" : " ")).join("");
	}, [svg, pixels]);
	const read = createRequire(join(me.facts.modules, "package.json"))("jsqr");
	return read(Uint8ClampedArray.from([...data].flatMap((pixel) => (pixel === "#" ? [0, 0, 0, 255] : [255, 255, 255, 255]))), pixels, pixels)?.data;
}

async function own_account(me, account) {
	await me.page.getByRole("link", { name: /Your account$/ }).filter({ hasText: account }).click();
	await me.page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
}

async function login_with_code(me, account, password, code) {
	await me.fill("Account", account);
	await me.fill("Password", password);
	await me.press("Log in");
	await me.fill("Code", code);
	await me.press("Log in");
	await me.page.locator(".shell").waitFor();
}

/** Sets the second factor up; gives the key and the step of the code that switched it on. */
async function factor_set_up(me, account, password) {
	await me.press("Set up…");
	const dialog = me.page.getByRole("dialog");
	await dialog.getByLabel("Your password").fill("a guess");
	await dialog.getByRole("button", { name: "Next" }).click();
	await dialog.locator("[data-field=password] .wrong").waitFor();
	await dialog.getByLabel("Your password").fill(password);
	await dialog.getByRole("button", { name: "Next" }).click();
	await dialog.waitFor({ state: "detached" });
	const secret = (await me.page.locator("code").first().textContent()).replace(/\s/g, "");
	assert.equal(await qr_text(me), `otpauth://totp/Postern:${encodeURIComponent(account)}?secret=${secret}&issuer=Postern`);
	assert.deepEqual(await me.barriers(), []);
	await me.fill("Code", "no code");
	await me.press("Switch on");
	await me.page.locator("[data-field=code] .wrong").waitFor();
	const step = step_now();
	await me.fill("Code", code_of(secret, step));
	await me.press("Switch on");
	await me.sees(/^It is on since/);
	return { secret, step };
}

async function password_change(me, old, next, again = next) {
	await me.fill("Present password", old);
	await me.fill("New password", next);
	await me.fill("New password, once more", again);
	await me.press("Change password");
}

async function one_of_them(visit, facts, account, theme) {
	const [me, elsewhere] = [await visit({ theme }), await visit({ theme })];
	const password = facts.secrets[account];
	me.allow(/status of 40[0-3]/);
	await elsewhere.login(account);
	await me.login(account);
	await own_account(me, account);
	const sessions = me.page.getByRole("region", { name: "Sessions" }).getByRole("row");
	await sessions.nth(2).waitFor();
	assert.equal(await sessions.filter({ hasText: "this one" }).count(), 1);
	const { secret, step } = await factor_set_up(me, account, password);
	// The page asks how the server is and learns that its session has ended.
	await elsewhere.page.getByLabel("Password", { exact: true }).waitFor();

	await me.press("Log out");
	await login_with_code(me, account, password, code_of(secret, Math.max(step + 1, step_now())));
	await me.page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();

	await password_change(me, "a guess", "next secret");
	await me.page.locator("[data-field=old] .wrong").waitFor();
	await password_change(me, password, "next secret", "another");
	await me.page.locator("[data-field=again] .wrong").waitFor();
	await password_change(me, password, "next secret");
	await me.sees("Your password was changed");
	return me;
}

export default async function ({ facts, visit }) {
	const [admin, auditor] = await Promise.all([one_of_them(visit, facts, facts.admin, "light"), one_of_them(visit, facts, facts.auditor, "dark")]);

	await admin.go("/users", "Users");
	const row = admin.page.getByRole("row").filter({ hasText: facts.auditor });
	await row.getByText("Second factor").waitFor();
	await admin.press(facts.auditor);
	await admin.page.getByRole("dialog").getByText(/^On since/).waitFor();
	assert.deepEqual(await admin.barriers(), []);
	await admin.press("Switch it off");
	await admin.page.getByRole("dialog", { name: /^Switch off the second factor/ }).getByRole("button", { name: "Switch it off" }).click();
	await row.getByText("Second factor").waitFor({ state: "detached" });

	await auditor.page.getByLabel("Account", { exact: true }).waitFor();
	await auditor.fill("Account", facts.auditor);
	await auditor.fill("Password", "next secret");
	await auditor.press("Log in");
	await auditor.page.locator(".shell").waitFor();

	await own_account(admin, facts.admin);
	await admin.press("Switch off…");
	const dialog = admin.page.getByRole("dialog");
	await dialog.getByLabel("Your password").fill("next secret");
	await dialog.getByRole("button", { name: "Switch off", exact: true }).click();
	await admin.sees("None is set up");
}
