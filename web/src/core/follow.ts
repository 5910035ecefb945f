// SPDX-License-Identifier: Apache-2.0
// Long work that tells how far it is: the request of a route, answered by server-sent events in place of
// the document alone. Events come over fetch(), since an EventSource sends neither bodies nor CSRF.
import { texts } from "../texts";
import { address_of, body_of, Fault, headers_of, refusal, send, type Answer, type Parts, type Route } from "./api";

export interface Progress {
	done: number;
	/** Null: nobody knows. */
	total: number | null;
	text: string;
}

export type Tell = (progress: Progress) => void;

interface Ended {
	status: number;
	answer: unknown;
}

/** Puts events together from pieces of a stream. */
class Events {
	#rest = "";
	ended: Ended | null = null;

	constructor(readonly tell: Tell) {}

	feed(text: string) {
		const blocks = (this.#rest + text).split("\n\n");
		this.#rest = blocks.pop() ?? "";
		for (const block of blocks) this.#take(block.split("\n"));
	}

	#take(lines: string[]) {
		const of = (field: string) => lines.filter((line) => line.startsWith(field)).map((line) => line.slice(field.length));
		const name = of("event: ")[0];
		if (name === "progress") this.tell(JSON.parse(of("data: ").join("\n")) as Progress);
		if (name === "result" || name === "fault") this.ended = JSON.parse(of("data: ").join("\n")) as Ended;
	}

	/** The answer; a Fault is thrown for anything else. */
	result<R extends Route>(route: R): Answer<R> {
		if (this.ended === null) throw new Fault(0, "broken_off", texts.faults.broken_off);
		if (this.ended.status >= 400) throw refusal(route, this.ended.status, this.ended.answer);
		return this.ended.answer as Answer<R>;
	}
}

const stream_type = "text/event-stream";

/** Asks as ask() does, and has told how far it is. */
export async function follow<R extends Route>(route: R, parts: Parts, tell: Tell, signal?: AbortSignal): Promise<Answer<R>> {
	const response = await send(route, parts, stream_type, signal);
	if (!(response.headers.get("content-type") ?? "").includes(stream_type)) {
		const body = await body_of(response);
		if (response.ok) return body as Answer<R>;
		throw refusal(route, response.status, body);
	}
	const events = new Events(tell);
	const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
	try {
		for (let piece = await reader.read(); !piece.done; piece = await reader.read()) events.feed(piece.value);
	} catch (error) {
		if (signal?.aborted) throw error;
	}
	return events.result(route);
}

/** What was sent of a file, in bytes. */
type Sent = (done: number, total: number) => void;

/**
 * Sends a file as the body of a route, and then follows what is done with it. By XMLHttpRequest, which alone
 * tells how much was sent.
 */
export function send_file<R extends Route>(route: R, parts: Parts, file: File, type: string, sent: Sent, tell: Tell, signal: AbortSignal): Promise<Answer<R>> {
	const events = new Events(tell);
	const request = new XMLHttpRequest();
	let read = 0;
	const feed = () => {
		if (request.status !== 200) return;
		events.feed(request.responseText.slice(read));
		read = request.responseText.length;
	};
	return new Promise((resolve, reject) => {
		request.open("POST", address_of(route, parts));
		for (const [name, value] of Object.entries(headers_of(route, stream_type))) request.setRequestHeader(name, value);
		request.setRequestHeader("Content-Type", type);
		request.upload.onprogress = (event) => sent(event.loaded, event.total);
		request.onprogress = feed;
		request.onerror = () => reject(new Fault(0, "broken_off", texts.faults.broken_off));
		request.onload = () => {
			feed();
			try {
				if (request.status !== 200) throw refusal(route, request.status, body_read(request.responseText));
				resolve(events.result(route));
			} catch (error) {
				reject(error);
			}
		};
		signal.addEventListener("abort", () => request.abort());
		request.send(file);
	});
}

function body_read(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
