// SPDX-License-Identifier: Apache-2.0
// What components keep: answers of the server, an action under way, a text that waits a moment.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, Fault, type Answer, type Ask, type Route } from "./api";

export interface Held<R extends Route> {
	answer: Answer<R> | null;
	fault: Fault | null;
	busy: boolean;
	/** Asks anew; gives what was answered, null when nothing was. */
	reload: () => Promise<Answer<R> | null>;
}

function fault_from(error: unknown): Fault {
	return error instanceof Fault ? error : new Fault(0, "page", error instanceof Error ? error.message : String(error));
}

/** Counts how often something was asked anew, and tells who did so what came of it. */
function useTurns<T>() {
	const [turn, turn_set] = useState(0);
	const last = useRef(0);
	const waiting = useRef<{ turn: number; tell: (answer: T | null) => void }[]>([]);
	const reload = useCallback(() => new Promise<T | null>((tell) => {
		waiting.current.push({ turn: ++last.current, tell });
		turn_set(last.current);
	}), []);
	const told = (turn_done: number, answer: T | null) => {
		const done = waiting.current.filter((each) => each.turn <= turn_done);
		waiting.current = waiting.current.filter((each) => each.turn > turn_done);
		for (const each of done) each.tell(answer);
	};
	return { turn, reload, told };
}

/**
 * Keeps the answer of a route: asks when it is first shown and when its parameters change, and, with
 * `every`, again after so many milliseconds while the page is visible. An answer that comes too late
 * for its parameters is dropped. Null as route asks nothing; another `turn` asks anew.
 */
export function useAnswer<R extends Route>(route: R | null, parts: Partial<Ask<R>> = {}, every = 0, turn_of = ""): Held<R> {
	const [state, state_set] = useState<{ key: string; answer: Answer<R> | null; fault: Fault | null }>({ key: "", answer: null, fault: null });
	const { turn, reload, told } = useTurns<Answer<R>>();
	const key = `${route} ${JSON.stringify(parts)} ${turn_of}`;

	useEffect(() => {
		if (route === null) return undefined;
		const stop = new AbortController();
		let timer = 0;
		const again = () => {
			clearTimeout(timer);
			if (every > 0) timer = window.setTimeout(() => (document.hidden ? again() : void run()), every);
		};
		const run = async () => {
			try {
				const answer = await ask(route, parts, stop.signal);
				if (stop.signal.aborted) return;
				state_set({ key, answer, fault: null });
				told(turn, answer);
			} catch (error) {
				if (stop.signal.aborted) return;
				state_set((former) => ({ key, answer: former.key === key ? former.answer : null, fault: fault_from(error) }));
				told(turn, null);
			}
			again();
		};
		// Whoever comes back from elsewhere sees what was done there.
		const returned = () => every > 0 && void run();
		addEventListener("focus", returned);
		void run();
		return () => {
			stop.abort();
			clearTimeout(timer);
			removeEventListener("focus", returned);
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
