// SPDX-License-Identifier: Apache-2.0
// Speaks with the server: each call names a row of its OpenAPI document, whose types come from
// there (tools/types.mjs). A fault of the server is thrown as Fault, with the field it is about.
import type { Routes } from "../generated/routes";
import { texts } from "../texts";

export type Route = keyof Routes;
export type Answer<R extends Route> = Routes[R]["answer"];
export type Ask<R extends Route> = Omit<Routes[R], "answer">;

/** What the server says of a fault: {"error": {...}} in the body. */
export class Fault extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		text: string,
		readonly field: string | null = null,
		readonly detail: Record<string, unknown> = {},
	) {
		super(text);
	}
}

let csrf = "";
let session_ended = () => {};

export function csrf_set(value: string) {
	csrf = value;
}

/** Has a function called when the server says that nobody is logged in. */
export function on_session_end(call: () => void) {
	session_ended = call;
}

type Parameters = Record<string, string | number | boolean | null | undefined>;
interface Parts {
	path?: Parameters;
	query?: Parameters;
	body?: unknown;
}

/** The address of a route, with its parameters in their places. */
export function address_of(route: string, parts: Parts = {}): string {
	const path = route.slice(route.indexOf(" ") + 1).replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts.path?.[name] ?? "")));
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(parts.query ?? {})) {
		if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
	}
	const text = query.toString();
	return `/api/v1${path}${text ? `?${text}` : ""}`;
}

async function body_of(response: Response): Promise<unknown> {
	const text = await response.text();
	if (text === "") return null;
	if (!(response.headers.get("content-type") ?? "").includes("json")) return text;
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

function fault_of(response: Response, body: unknown): Fault {
	const said = (body as { error?: Record<string, unknown> } | null)?.error ?? {};
	const text = typeof said.text === "string" && said.text !== "" ? said.text : texts.faults.status(response.status);
	return new Fault(response.status, String(said.code ?? "unknown"), text, typeof said.field === "string" && said.field !== "" ? said.field : null, said);
}

/** Asks the server; throws a Fault when it says no or cannot be reached. */
export async function ask<R extends Route>(route: R, parts: Parts & Partial<Ask<R>> = {}, signal?: AbortSignal): Promise<Answer<R>> {
	const method = route.slice(0, route.indexOf(" "));
	const headers: Record<string, string> = { Accept: "application/json" };
	if (method !== "GET") headers["X-Postern-Csrf"] = csrf;
	if (parts.body !== undefined) headers["Content-Type"] = "application/json";
	let response: Response;
	try {
		response = await fetch(address_of(route, parts), {
			method,
			headers,
			body: parts.body === undefined ? null : JSON.stringify(parts.body),
			credentials: "same-origin",
			cache: "no-store",
			redirect: "error",
			signal: signal ?? null,
		});
	} catch (error) {
		if (signal?.aborted) throw error;
		throw new Fault(0, "unreachable", texts.faults.unreachable);
	}
	const body = await body_of(response);
	if (response.ok) return body as Answer<R>;
	if (response.status === 401 && route !== "POST /session") session_ended();
	throw fault_of(response, body);
}
