// SPDX-License-Identifier: Apache-2.0
// What components keep: answers of the server, an action under way, a text that waits a moment.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, Fault, type Answer, type Ask, type Route } from "./api";

export interface Held<R extends Route> {
	answer: Answer<R> | null;
	fault: Fault | null;
	busy: boolean;
	reload: () => void;
}

function fault_from(error: unknown): Fault {
	return error instanceof Fault ? error : new Fault(0, "page", error instanceof Error ? error.message : String(error));
}

/**
 * Keeps the answer of a route: asks when it is first shown and when its parameters change, and, with
 * `every`, again after so many milliseconds while the page is visible. An answer that comes too late
 * for its parameters is dropped. Null as route asks nothing; another `turn` asks anew.
 */
export function useAnswer<R extends Route>(route: R | null, parts: Partial<Ask<R>> = {}, every = 0, turn_of = ""): Held<R> {
	const [state, state_set] = useState<{ key: string; answer: Answer<R> | null; fault: Fault | null }>({ key: "", answer: null, fault: null });
	const [turn, turn_set] = useState(0);
	const key = `${route} ${JSON.stringify(parts)} ${turn_of}`;
	const reload = useCallback(() => turn_set((number) => number + 1), []);

	useEffect(() => {
		if (route === null) return undefined;
		const stop = new AbortController();
		let timer = 0;
		const again = () => {
			if (every > 0) timer = window.setTimeout(() => (document.hidden ? again() : void run()), every);
		};
		const run = async () => {
			try {
				const answer = await ask(route, parts, stop.signal);
				state_set({ key, answer, fault: null });
			} catch (error) {
				if (stop.signal.aborted) return;
				state_set((former) => ({ key, answer: former.key === key ? former.answer : null, fault: fault_from(error) }));
			}
			again();
		};
		void run();
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [key, turn, every]);

	const is_current = state.key === key;
	// Paging and searching keep what is shown until the next rows are there.
	return { answer: state.answer, fault: is_current ? state.fault : null, busy: !is_current, reload };
}

export interface Action<A extends unknown[]> {
	run: (...args: A) => Promise<boolean>;
	busy: boolean;
	fault: Fault | null;
	clear: () => void;
}

/** An action that the user orders: one at a time, its fault kept until the next. */
export function useAction<A extends unknown[]>(action: (...args: A) => Promise<unknown>): Action<A> {
	const [busy, busy_set] = useState(false);
	const [fault, fault_set] = useState<Fault | null>(null);
	const running = useRef(false);
	const run = async (...args: A) => {
		if (running.current) return false;
		running.current = true;
		busy_set(true);
		fault_set(null);
		try {
			await action(...args);
			return true;
		} catch (error) {
			fault_set(fault_from(error));
			return false;
		} finally {
			running.current = false;
			busy_set(false);
		}
	};
	return { run, busy, fault, clear: () => fault_set(null) };
}

/** The value as it was when it last stood still for so many milliseconds. */
export function useSettled<T>(value: T, pause_ms = 250): T {
	const [settled, settled_set] = useState(value);
	useEffect(() => {
		const timer = setTimeout(() => settled_set(value), pause_ms);
		return () => clearTimeout(timer);
	}, [value, pause_ms]);
	return settled;
}

/** The time now, in milliseconds, told anew each `every` milliseconds while `runs`. */
export function useClock(runs: boolean, every = 1000): number {
	const [now, now_set] = useState(Date.now);
	useEffect(() => {
		if (!runs) return undefined;
		now_set(Date.now());
		const timer = setInterval(() => now_set(Date.now()), every);
		return () => clearInterval(timer);
	}, [runs, every]);
	return now;
}
