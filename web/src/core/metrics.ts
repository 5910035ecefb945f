// SPDX-License-Identifier: Apache-2.0
// The server's counters of now (/metrics, Prometheus' text form).
import { useEffect, useState } from "preact/hooks";
import { texts } from "../texts";
import { Fault } from "./api";

/** Finished handshakes with the same service and version. */
export interface Count {
	service: string;
	version: string;
	count: number;
}

const row = /^postern_tls_handshakes_total\{([^}]*)\} (\d+)/;
const label = /(\w+)="([^"]*)"/g;
const every_ms = 10000;

/** Reads the counters of finished handshakes, suites added up. */
export function handshakes_read(text: string): Count[] {
	const sums = new Map<string, Count>();
	for (const line of text.split("\n")) {
		const match = row.exec(line);
		if (!match) continue;
		const labels = Object.fromEntries([...match[1]!.matchAll(label)].map(([, name, value]) => [name, value])) as Record<string, string>;
		const { service = "", version = "", result = "" } = labels;
		if (result === "failed" || version === "") continue;
		const key = `${service} ${version}`;
		const sum = sums.get(key) ?? { service, version, count: 0 };
		sum.count += Number(match[2]);
		sums.set(key, sum);
	}
	return [...sums.values()];
}

async function counts_take(signal: AbortSignal): Promise<Count[]> {
	const response = await fetch("/metrics", { cache: "no-store", signal });
	if (!response.ok) throw new Fault(response.status, "metrics", texts.faults.status(response.status));
	return handshakes_read(await response.text());
}

/** The counts since the server was started, asked for every few seconds. */
export function useCounts(): { counts: readonly Count[] | null; fault: Fault | null } {
	const [state, state_set] = useState<{ counts: readonly Count[] | null; fault: Fault | null }>({ counts: null, fault: null });
	useEffect(() => {
		const stop = new AbortController();
		const failed = (error: unknown) => {
			if (stop.signal.aborted) return;
			state_set((before) => ({ ...before, fault: error instanceof Fault ? error : new Fault(0, "unreachable", texts.faults.unreachable) }));
		};
		const take = () => counts_take(stop.signal).then((counts) => state_set({ counts, fault: null }), failed);
		void take();
		const timer = setInterval(take, every_ms);
		return () => {
			stop.abort();
			clearInterval(timer);
		};
	}, []);
	return state;
}

/** The counts by version or by service, the largest first. */
export function totals(counts: readonly Count[], by: "version" | "service"): [string, number][] {
	const sums = new Map<string, number>();
	for (const count of counts) sums.set(count[by], (sums.get(count[by]) ?? 0) + count.count);
	return [...sums].sort((one, other) => other[1] - one[1]);
}
