// SPDX-License-Identifier: Apache-2.0
// The configuration under a form: it stays what it was when the form was begun, so that nothing moves
// below who fills it in, and a change always says of which configuration it is one.
import { useEffect, useState } from "preact/hooks";
import type { Answer } from "./api";
import { useKnown } from "./session";
import { useAnswer, type Held } from "./use";

/** The routes that tell of which configuration they speak, and what was edited in its file by hand. */
export type SteadyRoute = "GET /tls/variables" | "GET /settings" | "GET /services" | `GET /lists/${"TlsPolicy" | "RelayRule" | "Pop3Account" | "AcmeCertificate"}`;
export type Edits = Answer<"GET /tls/variables">["edits"];

export interface Steady<R extends SteadyRoute> extends Held<R> {
	/** The sign of the configuration that is shown. */
	generation: string;
	/** Another one came in force since the form was begun. */
	is_outdated: boolean;
	/** Takes what is in force; the form is dropped with what it stood on. */
	load: () => Promise<void>;
	/** Carries out a change; then what is in force with it is shown. */
	change: (order: () => Promise<unknown>) => Promise<void>;
}

const every_ms = 10000;

export function useSteady<R extends SteadyRoute>(route: R, is_begun: boolean): Steady<R> {
	const { status } = useKnown();
	// A change that undoes itself, or that somebody else made, is another generation.
	const turn = status.answer ? `${status.answer.generation} ${status.answer.awaiting_confirmation?.until ?? ""}` : "";
	const held = useAnswer(status.answer || status.fault ? route : null, {}, every_ms, turn);
	const [shown, shown_set] = useState<Answer<R> | null>(null);
	const [is_changing, changing_set] = useState(false);
	const is_same = shown !== null && held.answer !== null && shown.generation === held.answer.generation;
	useEffect(() => {
		if (held.answer && (shown === null || is_same || !is_begun)) shown_set(held.answer);
	}, [held.answer, is_begun]);

	const load = async () => {
		const now = await held.reload();
		if (now) shown_set(now);
	};
	const change = async (order: () => Promise<unknown>) => {
		changing_set(true);
		try {
			await order();
			void status.reload();
			await load();
		} finally {
			changing_set(false);
		}
	};
	return {
		...held,
		answer: shown,
		generation: shown?.generation ?? "",
		is_outdated: is_begun && !is_changing && shown !== null && held.answer !== null && !is_same,
		load,
		change,
	};
}
