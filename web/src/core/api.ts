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
export interface Parts {
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

export async function body_of(response: Response): Promise<unknown> {
	const text = await response.text();
	if (text === "") return null;
	if (!(response.headers.get("content-type") ?? "").includes("json")) return text;
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/** A refusal as a fault; that nobody is logged in any more is told. */
export function refusal(route: Route, status: number, body: unknown): Fault {
	if (status === 401 && route !== "POST /session") session_ended();
	const said = (body as { error?: Record<string, unknown> } | null)?.error ?? {};
	const text = typeof said.text === "string" && said.text !== "" ? said.text : texts.faults.status(status);
	return new Fault(status, String(said.code ?? "unknown"), text, typeof said.field === "string" && said.field !== "" ? said.field : null, said);
}

const method_of = (route: Route) => route.slice(0, route.indexOf(" "));

/** The fields that each request has. */
export function headers_of(route: Route, accept: string): Record<string, string> {
	return { Accept: accept, ...(method_of(route) === "GET" ? {} : { "X-Postern-Csrf": csrf }) };
}

/** Sends a request; throws a Fault when the server cannot be reached. */
export async function send(route: Route, parts: Parts, accept: string, signal?: AbortSignal): Promise<Response> {
	const headers = headers_of(route, accept);
	if (parts.body !== undefined) headers["Content-Type"] = "application/json";
	try {
		return await fetch(address_of(route, parts), {
			method: method_of(route),
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
}

/** Asks the server; throws a Fault when it says no or cannot be reached. */
export async function ask<R extends Route>(route: R, parts: Parts & Partial<Ask<R>> = {}, signal?: AbortSignal): Promise<Answer<R>> {
	const response = await send(route, parts, "application/json", signal);
	const body = await body_of(response);
	if (response.ok) return body as Answer<R>;
	throw refusal(route, response.status, body);
}
