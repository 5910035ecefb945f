// SPDX-License-Identifier: Apache-2.0
// What is not the browser: openssl at the ports, mail clients, and waiting for what becomes true.
import { spawn } from "node:child_process";
import net from "node:net";
import tls from "node:tls";

// The common limit of all tests: harness/waiting.py.
const limit_ms = 60000 * Number(process.env.POSTERN_TEST_PATIENCE ?? "1");

/** Runs a program; gives its exit code and what it said. */
export function run(program, words, input = "") {
	return new Promise((done, broken) => {
		const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
		let text = "";
		child.stdout.on("data", (part) => { text += part; });
		child.stderr.on("data", (part) => { text += part; });
		child.on("error", broken);
		child.on("close", (code) => done({ code, text }));
		child.stdin.on("error", () => null);
		child.stdin.end(input);
	});
}

/** Shakes hands with a port by openssl s_client: true when the handshake is finished. */
export async function handshakes(port, version) {
	const { text } = await run("openssl", ["s_client", "-connect", `localhost:${port}`, `-${version}`, "-brief"], "Q\n");
	return /CONNECTION ESTABLISHED/.test(text);
}

/** The certificate that a port shows to who asks for a name: subject, issuer, serial, as openssl prints them. */
export async function served(port, name, options = []) {
	const { text } = await run("openssl", ["s_client", "-connect", `localhost:${port}`, "-servername", name, ...options], "Q\n");
	const { text: lines } = await run("openssl", ["x509", "-noout", "-subject", "-issuer", "-serial"], text);
	return Object.fromEntries(lines.split("\n").filter(Boolean).map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

export async function until(what, text, patience_ms = limit_ms) {
	const end = Date.now() + patience_ms;
	for (;;) {
		const found = await what();
		if (found) return found;
		if (Date.now() > end) throw new Error(`in vain waited until ${text}`);
		await new Promise((done) => setTimeout(done, 100));
	}
}

/** Says lines over TLS, each after an answer that has the word waited for; gives all that was answered. */
export function talk(port, steps) {
	return new Promise((done, broken) => {
		const socket = tls.connect({ port, host: "localhost", rejectUnauthorized: false });
		const rest = [...steps];
		let text = "", part = "";
		socket.setTimeout(limit_ms, () => socket.destroy(new Error(`silence after: ${text}`)));
		socket.on("data", (bytes) => {
			text += bytes;
			part += bytes;
			while (rest.length > 0 && rest[0][0].test(part)) {
				const [, line] = rest.shift();
				part = "";
				if (line === null) socket.end();
				else socket.write(`${line}\r\n`);
			}
		});
		socket.on("error", broken);
		socket.on("close", () => done(text));
	});
}

/** A server whose every answer is made by `answer` of the line it was sent; "" is who has just come. Gives its port. */
export function hostile(answer) {
	const server = net.createServer((socket) => {
		socket.on("error", () => null);
		socket.on("data", (bytes) => {
			for (const line of String(bytes).split("\r\n").filter(Boolean)) socket.write(`${answer(line)}\r\n`);
		});
		socket.write(`${answer("")}\r\n`);
	});
	server.unref();
	return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
}

/** Hands a message in as a user. */
export function submit(port, user, password, to, subject, ehlo = "client.example.org") {
	const login = Buffer.from(`\0${user}\0${password}`).toString("base64");
	return talk(port, [
		[/^220 /m, `EHLO ${ehlo}`],
		[/^250 /m, `AUTH PLAIN ${login}`],
		[/^235 /m, `MAIL FROM:<${user}>`],
		[/^250 /m, `RCPT TO:<${to}>`],
		[/^250 /m, "DATA"],
		[/^354 /m, `From: <${user}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\n\r\ntext\r\n.`],
		[/^250 /m, "QUIT"],
		[/^221 /m, null],
	]);
}
