// SPDX-License-Identifier: Apache-2.0
// The server's counters (/metrics, Prometheus' text form): those of now, and how they grew while this page was open.
import { useEffect, useState } from "preact/hooks";
import { texts } from "../texts";
import { Fault } from "./api";

/** Finished handshakes with the same service and version. */
export interface Count {
	service: string;
	version: string;
	count: number;
}

export interface Sample {
	/** Seconds since 1970. */
	time: number;
	handshakes: readonly Count[];
}

const row = /^postern_tls_handshakes_total\{([^}]*)\} (\d+)/;
const label = /(\w+)="([^"]*)"/g;
const kept_samples = 720;
const every_ms = 10000;

const samples: Sample[] = [];

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

async function sample_take(signal: AbortSignal) {
	const last = samples.at(-1);
	if (last && Date.now() / 1000 - last.time < every_ms / 2000) return;
	const response = await fetch("/metrics", { cache: "no-store", signal });
	if (!response.ok) throw new Fault(response.status, "metrics", texts.faults.status(response.status));
	samples.push({ time: Date.now() / 1000, handshakes: handshakes_read(await response.text()) });
	if (samples.length > kept_samples) samples.shift();
}

/** Takes a sample every few seconds while a page shows them; those taken stay until the page is left. */
export function useSamples(): { samples: readonly Sample[]; fault: Fault | null } {
	const [state, state_set] = useState<{ samples: readonly Sample[]; fault: Fault | null }>({ samples: [...samples], fault: null });
	useEffect(() => {
		const stop = new AbortController();
		const take = () => sample_take(stop.signal).then(
			() => state_set({ samples: [...samples], fault: null }),
			(error: unknown) => stop.signal.aborted || state_set((before) => ({ ...before, fault: error instanceof Fault ? error : new Fault(0, "unreachable", texts.faults.unreachable) })),
		);
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
